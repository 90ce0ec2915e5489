"""What the requests of share consumers have in common: who may ask, and what became of records (KIP-932, KIP-1222)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from kafkapy.coordinator.promise import Promise, all_of
from kafkapy.handlers.call import Call
from kafkapy.metadata.bootstrap import SHARE_VERSION
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.share_partition import REJECT, RENEW, Acknowledgement
from kafkapy.replication.share_sessions import SessionKey, TopicPartition

T = TypeVar("T")
logger = logging.getLogger(__name__)

_LONGEST_MEMBER_ID = 36
_FIRST_VERSION_WITH_RENEWAL = 2  # of ShareFetch and of ShareAcknowledge
_NOT_LEADER = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)


class _Batch(Protocol):
    first_offset: int
    last_offset: int
    acknowledge_types: list[int]


class _Partition(Protocol):
    @property
    def partition_index(self) -> int: ...

    @property
    def acknowledgement_batches(self) -> Sequence[_Batch]: ...


class _Topic(Protocol):
    @property
    def topic_id(self) -> UUID: ...

    @property
    def partitions(self) -> Sequence[_Partition]: ...


Acknowledged = dict[TopicPartition, KafkaError | None]
"""What became of the acknowledgements of each partition: None where they count."""


class Leader(NamedTuple):
    """Who leads a partition that was asked for here: node, epoch, and where to reach it."""

    node_id: int
    epoch: int
    host: str
    port: int
    rack: str | None


def with_states(call: Call, answer: Callable[[], T | Awaitable[T]]) -> T | Awaitable[T]:
    """What `answer` gives, with the topic made that keeps the states of share partitions; it may come to be refused."""
    if call.node.share_coordinator.is_ready or not call.node.groups.is_ready or not _is_enabled(call):
        return answer()
    return _wait_with_states(call, answer)


async def _wait_with_states(call: Call, answer: Callable[[], T | Awaitable[T]]) -> T:
    try:
        await call.node.share_coordinator.wait_ready()
    except KafkaError as error:
        logger.error("share groups have no place for their states: %s", error)  # whoever needs one is told
    found = answer()
    return await found if isinstance(found, Awaitable) else found


def _is_enabled(call: Call) -> bool:
    return call.node.cluster.image.features.get(SHARE_VERSION, 0) > 0


def check_enabled(call: Call) -> None:
    """Raise KafkaError(UNSUPPORTED_VERSION) while the cluster has no share groups: its share.version is 0."""
    if not _is_enabled(call):
        why = f"the cluster has no share groups: upgrade its feature {SHARE_VERSION} to 1"
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)


def check_member(group_id: str | None, member_id: str | None, call: Call) -> SessionKey:
    """The member that asks. Raises KafkaError: UNSUPPORTED_VERSION, INVALID_REQUEST."""
    check_enabled(call)
    if group_id is None:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Invalid group id in the request.")
    check_member_id(member_id)
    return SessionKey(group_id, member_id or "")


def check_member_id(member_id: str | None) -> None:
    """Raise KafkaError(INVALID_REQUEST) for what is no member id; consumers make theirs themselves."""
    if not member_id or len(member_id) > _LONGEST_MEMBER_ID:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Invalid member id in the request.")


def acknowledge(member: SessionKey, topics: Iterable[_Topic], is_renew: bool, call: Call) -> Promise[Acknowledged]:
    """Take in what a member says of its records; each partition has its own result."""
    refused: Acknowledged = {}
    told: Acknowledged = {}
    pending: dict[TopicPartition, Promise[KafkaError | None]] = {}
    shares, image = call.node.share_partitions, call.node.cluster.image
    highest = RENEW if call.version >= _FIRST_VERSION_WITH_RENEWAL else REJECT
    for topic in topics:
        known = image.topic_by_id(topic.topic_id)
        for partition in topic.partitions:
            named = TopicPartition(topic.topic_id, partition.partition_index)
            batches = [
                Acknowledgement(one.first_offset, one.last_offset, one.acknowledge_types)
                for one in partition.acknowledgement_batches
            ]
            try:
                if known is None:
                    raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has the id {topic.topic_id}")
                _check_batches(batches, highest, is_renew)
                if known.partition(named.partition) is None:
                    raise _unknown(named)
            except KafkaError as error:
                refused[named] = error
                continue
            found = shares.get(member.group_id, named)
            if not batches:
                told[named] = None
            elif found is None:
                pending[named] = Promise.of(_unknown(named))
            else:
                done = pending[named] = found.acknowledge(member.member_id, batches)
                done.when_done(
                    lambda result, found=found: _look(result, lambda error: shares.failed(found, error))  # type: ignore[misc]
                )
    if not pending:
        return Promise.of(refused)
    answer: Promise[Acknowledged] = Promise()
    all_of(list(pending.values())).when_done(
        lambda results: answer.set(dict(zip(pending, results.result(), strict=True)) | refused | told)
    )
    return answer


def _look(result: Promise[KafkaError | None], failed: Callable[[KafkaError], None]) -> None:
    error = result.result()
    if error is not None:
        failed(error)


def _check_batches(batches: Iterable[Acknowledgement], highest: int, is_renew: bool) -> None:
    """Raise KafkaError(INVALID_REQUEST) for what makes no sense, whatever the records are."""
    before = -1
    for first, last, types in batches:
        if first > last or first < before:
            why = f"the batch from {first} to {last} is empty, or begins before the one before it has ended"
        elif not types or (len(types) > 1 and last - first + 1 != len(types)):
            why = f"the batch from {first} to {last} has {len(types)} types; one is needed, or one for each record"
        elif any(not 0 <= kind <= highest for kind in types):
            why = f"the batch from {first} to {last} has a type that is not between 0 and {highest}"
        elif RENEW in types and not is_renew:
            why = f"the batch from {first} to {last} renews, and the request does not say so"
        else:
            before = last
            continue
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)


def _unknown(named: TopicPartition) -> KafkaError:
    why = f"partition {named.partition} of topic id {named.topic_id} is not read by the group here"
    return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, why)


def leaders(codes: Mapping[TopicPartition, int], call: Call) -> dict[TopicPartition, Leader]:
    """Who leads the partitions for which the answer is that this broker does not."""
    found: dict[TopicPartition, Leader] = {}
    for named, code in codes.items():
        topic = call.node.cluster.image.topic_by_id(named.topic_id) if code in _NOT_LEADER else None
        state = None if topic is None else topic.partition(named.partition)
        address = None if state is None else call.node.cluster.address(state.leader, call.listener)
        if state is not None and address is not None:
            found[named] = Leader(state.leader, state.leader_epoch, address.host, address.port, address.rack)
    return found
