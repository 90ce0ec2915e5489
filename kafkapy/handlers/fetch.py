"""Fetch: slices of partitions' logs, at once if there is enough to read, else when there is or time is up.

Whole batches go out as they lie in the file; a client skips the records before its offset. Up to v3 they are converted
to message sets of format v1 or v0, which clients of that age read. The reply keeps to `max_bytes`, but from v3 on the
first batch goes out however large it is, or the consumer would never get past it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import NamedTuple
from uuid import UUID

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.parking import wait_for_data, wait_warm
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.legacy import first_message_size, from_batches
from kafkapy.protocol.messages.fetch import (
    FETCH,
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)
from kafkapy.replication.fetch_sessions import FetchContext, Key, Result
from kafkapy.replication.partition import NO_EPOCH, READ_COMMITTED, Partition
from kafkapy.storage.disk import ColdError

_LAST_VERSION_WITHOUT_FIRST_BATCH = 2
_FIRST_VERSION_WITH_BATCHES = 4
_FIRST_VERSION_WITH_TIMESTAMPS = 2
_FIRST_VERSION_WITH_TOPIC_IDS = 13
_FIRST_VERSION_WITH_LEADER_HINTS = 16
_MOST_WAITS = 5  # for the disk: an index, a header, and once more each if it was forgotten meanwhile
_UNKNOWN = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID)
_NOT_LEADER = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)


class _Reading(NamedTuple):
    """What one pass over the partitions found."""

    results: list[Result]
    size: int
    settled: bool  # something must be told at once: an error, a diverging log
    partitions: list[Partition]
    cold: list[ColdError]  # of the partitions whose records are not known yet, since the disk must be asked


@serves(FETCH)
def fetch(request: FetchRequest, call: Call) -> FetchResponse | Awaitable[FetchResponse]:
    """The reply, or a coroutine that waits until `min_bytes` can be read."""
    context = call.node.fetch_sessions.open(request, call.version, call.node.clock())
    request.max_bytes = min(request.max_bytes, call.node.config.fetch_max_bytes)
    request.min_bytes = min(request.min_bytes, request.max_bytes)
    reading = _read(request, context, call)
    if _is_enough(reading, request, context) and not reading.cold:
        return _respond(reading, context, call)
    return _wait_for_more(request, context, call, reading)


def _is_enough(reading: _Reading, request: FetchRequest, context: FetchContext) -> bool:
    return request.max_wait_ms <= 0 or reading.settled or reading.size >= request.min_bytes or context.is_empty


async def _wait_for_more(request: FetchRequest, context: FetchContext, call: Call, reading: _Reading) -> FetchResponse:
    reading = await _wait_until_warm(request, context, call, reading)
    if not _is_enough(reading, request, context):
        await wait_for_data(
            [*reading.partitions, *context.others()],
            request.min_bytes - reading.size,
            request.max_wait_ms,
            committed_only=request.isolation_level == READ_COMMITTED,
        )
        reading = await _wait_until_warm(request, context, call, _read(request, context, call))
    return _respond(reading, context, call)


async def _wait_until_warm(request: FetchRequest, context: FetchContext, call: Call, reading: _Reading) -> _Reading:
    for tried in range(1, _MOST_WAITS + 1):
        if not reading.cold:
            break
        await wait_warm(reading.cold, call.node.aside)
        # What is brought into memory may be gone again as soon: then it is read, however long that takes.
        reading = _read(request, context, call, cached_only=tried < _MOST_WAITS)
    return reading


def _read(request: FetchRequest, context: FetchContext, call: Call, *, cached_only: bool = True) -> _Reading:
    results: list[Result] = []
    cold: list[ColdError] = []
    partitions: list[Partition] = []
    room, settled = request.max_bytes, False
    for key, fetched in context.partitions():
        wanted = fetched.wanted
        partition: Partition | None = None
        data = PartitionData(wanted.partition, records=b"")
        try:
            partition = _find(key, wanted, request, call)
            partitions.append(partition)
            may_exceed = room == request.max_bytes and call.version > _LAST_VERSION_WITHOUT_FIRST_BATCH
            _fill(data, partition, wanted, request, max(room, 0), may_exceed, call, cached_only)
            room -= len(data.records)
            settled = settled or data.diverging_epoch is not None
        except ColdError as error:
            cold.append(error)
        except Exception as error:  # one partition's failure is not its neighbours'
            _refuse(data, refusal(error, call))
            settled = True
        results.append((key, data, partition))
    return _Reading(results, request.max_bytes - room, settled, partitions, cold)


def _find(key: Key, wanted: FetchPartition, request: FetchRequest, call: Call) -> Partition:
    topic = _name_of(key, call)
    partition = call.node.replicas.leader_of(topic, wanted.partition, max(wanted.current_leader_epoch, NO_EPOCH))
    replica = request.replica_id if request.replica_state is None else request.replica_state.replica_id
    if replica >= 0:
        _check_follower(partition, replica, call)
    return partition


def _check_follower(partition: Partition, replica: int, call: Call) -> None:
    state = call.node.cluster.image.partition(partition.topic, partition.index)
    if state is None or replica == partition.node_id or replica not in state.replicas:
        why = f"broker {replica} has no replica of {partition.topic}-{partition.index} that follows this one"
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, why)


def _name_of(key: Key, call: Call) -> str:
    if call.version < _FIRST_VERSION_WITH_TOPIC_IDS:
        return key.topic
    topic = call.node.cluster.image.topic_by_id(key.topic_id)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has the id {key.topic_id}; ask for the metadata again")
    return topic.name


def _fill(
    data: PartitionData,
    partition: Partition,
    wanted: FetchPartition,
    request: FetchRequest,
    room: int,
    may_exceed: bool,
    call: Call,
    cached_only: bool,
) -> None:
    committed_only = request.isolation_level == READ_COMMITTED
    data.high_watermark = partition.high_watermark
    data.last_stable_offset = partition.last_stable_offset
    data.log_start_offset = partition.log.log_start_offset
    data.aborted_transactions = None
    if _diverges(data, partition, wanted):
        return
    if committed_only:
        data.aborted_transactions = []
    old_format = call.version < _FIRST_VERSION_WITH_BATCHES
    limit = min(wanted.partition_max_bytes, room)
    found = partition.read(
        wanted.fetch_offset,
        limit,
        committed_only=committed_only,
        # A batch cannot be converted in part: the cut comes after the conversion.
        at_least_one_batch=may_exceed or (old_format and limit > 0),
        cached_only=cached_only,
    )
    if found is None:
        return
    data.records = found
    if committed_only:
        aborted = partition.aborted_transactions(wanted.fetch_offset, found)
        data.aborted_transactions = [AbortedTransaction(one.producer_id, one.first_offset) for one in aborted]
    if old_format:
        magic = 1 if call.version >= _FIRST_VERSION_WITH_TIMESTAMPS else 0
        records = found.read_cached() if cached_only else found.read()
        if records is None:
            raise ColdError(found.read)
        converted = from_batches(records, magic, wanted.fetch_offset)
        data.records = converted if may_exceed else _cut(converted, limit, call)


def _cut(message_set: bytes, limit: int, call: Call) -> bytes:
    """The limit may cut a message in two; up to v2 that is how a client learns that its limit is too small."""
    if call.version > _LAST_VERSION_WITHOUT_FIRST_BATCH and limit < first_message_size(message_set):
        return b""
    return message_set[:limit]


def _diverges(data: PartitionData, partition: Partition, wanted: FetchPartition) -> bool:
    """Whether the client's last record is none of this log's: it must then truncate before it goes on (KIP-595)."""
    if wanted.last_fetched_epoch < 0:
        return False
    epoch, end_offset = partition.end_offset_for_epoch(wanted.last_fetched_epoch)
    if epoch < 0 or end_offset < 0:
        why = f"no epoch up to {wanted.last_fetched_epoch} is known, the client's position cannot be checked"
        raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
    if epoch >= wanted.last_fetched_epoch and end_offset >= wanted.fetch_offset:
        return False
    data.diverging_epoch = EpochEndOffset(epoch, end_offset)
    return True


def _refuse(data: PartitionData, error: KafkaError) -> None:
    data.error_code = error.code
    data.high_watermark = data.last_stable_offset = data.log_start_offset = -1
    data.aborted_transactions = [] if error.code in _UNKNOWN else None
    data.records = b""


def _respond(reading: _Reading, context: FetchContext, call: Call) -> FetchResponse:
    response = FetchResponse(session_id=context.session_id)
    response.responses = _by_topic(context.answered(reading.results))
    if call.version >= _FIRST_VERSION_WITH_LEADER_HINTS:
        _hint_leaders(response, reading.results, call)
    return response


def _by_topic(results: Iterable[tuple[Key, PartitionData]]) -> list[FetchableTopicResponse]:
    topics: dict[tuple[str, UUID], FetchableTopicResponse] = {}
    for key, data in results:
        name = (key.topic, key.topic_id)
        topic = topics.get(name)
        if topic is None:
            topic = topics[name] = FetchableTopicResponse(key.topic, key.topic_id)
        topic.partitions.append(data)
    return list(topics.values())


def _hint_leaders(response: FetchResponse, results: Iterable[Result], call: Call) -> None:
    """Tell a consumer that is at the wrong broker who the leader is (KIP-951)."""
    cluster = call.node.cluster
    hinted: set[int] = set()
    for key, data, _ in results:
        if data.error_code not in _NOT_LEADER:
            continue
        topic = cluster.image.topic_by_id(key.topic_id)
        state = None if topic is None else topic.partition(data.partition_index)
        if state is not None:
            data.current_leader = LeaderIdAndEpoch(state.leader, state.leader_epoch)
            hinted.add(state.leader)
    if not hinted:
        return
    response.node_endpoints = [
        NodeEndpoint(address.node_id, address.host, address.port, address.rack)
        for address in cluster.addresses(call.listener)
        if address.node_id in hinted
    ]
