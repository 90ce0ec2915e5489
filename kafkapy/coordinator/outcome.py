"""What an operation on a coordinator's state wants: records to append, and the reply that may come later.

One rule holds for whoever runs operations: append `records`, replay them, then call `appended`, with None once they are
committed or with the error that refused them. The reply is sent when its promise is kept; a reply that depends on the
records is kept by `appended` and never before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError

T = TypeVar("T")
Appended = Callable[[KafkaError | None], None]


class Outcome(NamedTuple, Generic[T]):
    """Records to append as one batch (maybe none), the reply, and whom to tell how the append went."""

    records: list[Record]
    reply: Promise[T]
    appended: Appended | None = None


def answered(value: T) -> Outcome[T]:
    """Nothing to append, and the reply is known."""
    return Outcome([], Promise.of(value))


def once_appended(records: list[Record], value: T, refused: Callable[[ErrorCode], T]) -> Outcome[T]:
    """Reply with `value` once the records are committed, or with what `refused` makes of the error."""
    if not records:
        return answered(value)
    reply: Promise[T] = Promise()

    def appended(error: KafkaError | None) -> None:
        reply.set(value if error is None else refused(append_error(error)))

    return Outcome(records, reply, appended)


def only_append(records: list[Record]) -> Outcome[None]:
    """Records that nobody waits for: what a timer's operation wants. If they are refused, a later run tries again."""
    return Outcome(records, Promise.of(None))


def append_error(error: KafkaError) -> ErrorCode:
    """What a client of the coordinator is told when the log refused a record. Apache: GroupMetadataManager.

    The client knows the coordinator, not the log behind it: it must retry here, or look for another coordinator.
    """
    match error.code:
        case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION | ErrorCode.NOT_ENOUGH_REPLICAS | ErrorCode.REQUEST_TIMED_OUT:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        case ErrorCode.NOT_LEADER_OR_FOLLOWER | ErrorCode.KAFKA_STORAGE_ERROR:
            return ErrorCode.NOT_COORDINATOR
        case ErrorCode.MESSAGE_TOO_LARGE | ErrorCode.RECORD_LIST_TOO_LARGE | ErrorCode.INVALID_FETCH_SIZE:
            return ErrorCode.UNKNOWN_SERVER_ERROR
        case code:
            return code
