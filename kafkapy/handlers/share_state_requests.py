"""What the requests to the share coordinator have in common: share partitions of a group, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise, all_of
from kafkapy.coordinator.share.state_records import SharePartitionKey
from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, refusal
from kafkapy.protocol.errors import ErrorCode

P_co = TypeVar("P_co", bound="_Partition", covariant=True)
R = TypeVar("R")
Operation = Callable[[ShareStateShard, str, UUID, P_co, int], Outcome[R]]


class _Partition(Protocol):
    @property
    def partition(self) -> int: ...


class _Topic(Protocol[P_co]):
    @property
    def topic_id(self) -> UUID: ...

    @property
    def partitions(self) -> Sequence[P_co]: ...


def run_each(
    group_id: str,
    topics: Sequence[_Topic[P_co]],
    operation: Operation[P_co, R],
    result: Callable[[int, ErrorCode, str], R],
    call: Call,
) -> Promise[list[tuple[UUID, list[R]]]]:
    """The results by topic, once all are known; none at all for a request that names no group, topic or partition.

    `result` makes what is answered for a partition whose shard cannot be asked.
    """
    answer: Promise[list[tuple[UUID, list[R]]]] = Promise()
    if not group_id or not all(topic.partitions for topic in topics):
        answer.set([])
        return answer
    found = [
        (
            topic.topic_id,
            all_of([_run(group_id, topic.topic_id, one, operation, result, call) for one in topic.partitions]),
        )
        for topic in topics
    ]
    all_of([results for _, results in found]).when_done(
        lambda _: answer.set([(topic_id, results.result()) for topic_id, results in found])
    )
    return answer


def _run(
    group_id: str,
    topic_id: UUID,
    partition: P_co,  # type: ignore[misc]  # it is only read
    operation: Operation[P_co, R],
    result: Callable[[int, ErrorCode, str], R],
    call: Call,
) -> Promise[R]:
    key = SharePartitionKey(group_id, topic_id, partition.partition)
    try:
        return call.node.share_coordinator.run(
            key, lambda shard, now_ms: operation(shard, group_id, topic_id, partition, now_ms)
        )
    except Exception as error:  # one partition's failure is not its neighbours'
        found = refusal(error, call)
        return Promise.of(result(partition.partition, found.code, found.why))
