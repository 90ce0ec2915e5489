"""ListOffsets: the offset for a time, or for one of the names that negative times stand for.

    -1 latest     -2 earliest     -3 record with the largest timestamp (v7)
    -4 earliest on local disk (v8, KIP-405)     -5 newest in tiered storage (v9)     -6 earliest pending upload (v11)

Without tiered storage -4 is the earliest, and -5 and -6 name nothing. What is not there is answered with offset -1 and
no error. Version 0 asked for a list: the first offsets of segments, newest first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.parking import wait_warm
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from kafkapy.replication.partition import READ_COMMITTED, Partition
from kafkapy.storage.disk import ColdError

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6

_MOST_WAITS = 5  # for the disk: indexes, headers, a batch, and once more if it was forgotten meanwhile
_FIRST_VERSION_OF = {MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9, EARLIEST_PENDING_UPLOAD: 11}


@serves(LIST_OFFSETS)
def list_offsets(request: ListOffsetsRequest, call: Call) -> ListOffsetsResponse | Awaitable[ListOffsetsResponse]:
    """One answer for each partition asked for; one asked for twice is refused, as in Kafka."""
    response, cold = _answer_all(request, call)
    return _wait_until_warm(cold, request, call) if cold else response


async def _wait_until_warm(cold: list[ColdError], request: ListOffsetsRequest, call: Call) -> ListOffsetsResponse:
    for tried in range(1, _MOST_WAITS + 1):
        await wait_warm(cold, call.node.aside)
        # What is brought into memory may be gone again as soon: then it is read, however long that takes.
        response, cold = _answer_all(request, call, cached_only=tried < _MOST_WAITS)
        if not cold:
            break
    return response


def _answer_all(
    request: ListOffsetsRequest, call: Call, *, cached_only: bool = True
) -> tuple[ListOffsetsResponse, list[ColdError]]:
    """The response, and what must be brought into memory before it can be one."""
    response, cold = ListOffsetsResponse(), list[ColdError]()
    topics: dict[str, list[ListOffsetsPartition]] = {}
    for topic in request.topics:
        topics.setdefault(topic.name, []).extend(topic.partitions)
    for name, partitions in topics.items():
        asked = [partition.partition_index for partition in partitions]
        answers = []
        for wanted in _once(partitions, call):
            answer = ListOffsetsPartitionResponse(wanted.partition_index)
            try:
                if call.version > 0 and asked.count(wanted.partition_index) > 1:
                    why = f"partition {wanted.partition_index} of {name!r} is asked for twice"
                    raise KafkaError(ErrorCode.INVALID_REQUEST, why)
                _answer(answer, name, wanted, request, call, cached_only)
            except ColdError as error:
                cold.append(error)
            except Exception as error:  # one partition's failure is not its neighbours'
                answer.error_code = refusal(error, call).code
            answers.append(answer)
        if answers:
            response.topics.append(ListOffsetsTopicResponse(name, answers))
    return response, cold


def _once(partitions: list[ListOffsetsPartition], call: Call) -> Iterable[ListOffsetsPartition]:
    return partitions if call.version == 0 else {one.partition_index: one for one in partitions}.values()


def _answer(
    answer: ListOffsetsPartitionResponse,
    topic: str,
    wanted: ListOffsetsPartition,
    request: ListOffsetsRequest,
    call: Call,
    cached_only: bool,
) -> None:
    if call.version > 0:
        _check_known(wanted.timestamp, call.version)
    partition = call.node.replicas.leader_of(topic, wanted.partition_index, wanted.current_leader_epoch)
    if call.version == 0:
        answer.old_style_offsets = _segment_offsets(partition, wanted.timestamp, wanted.max_num_offsets)
        return
    end = partition.last_stable_offset if request.isolation_level == READ_COMMITTED else partition.high_watermark
    found = _find(partition, wanted.timestamp, end, cached_only)
    if found is not None:
        answer.timestamp, answer.offset, answer.leader_epoch = found


def _check_known(timestamp: int, version: int) -> None:
    if version < _FIRST_VERSION_OF.get(timestamp, 0) or timestamp < EARLIEST_PENDING_UPLOAD:
        why = f"ListOffsets v{version} has no timestamp {timestamp}"
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)


def _find(partition: Partition, timestamp: int, end: int, cached_only: bool) -> tuple[int, int, int] | None:
    """Timestamp (-1 where a name was asked for), offset and leader epoch."""
    log = partition.log
    if timestamp == LATEST:
        return -1, end, partition.leader_epoch
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return -1, log.log_start_offset, partition.epoch_of(log.log_start_offset)
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return None
    if timestamp == MAX_TIMESTAMP:
        newest = log.max_timestamp(cached_only=cached_only)
        # As Apache does: of what is not committed yet nothing is told, an older record is not looked for.
        return newest if newest is not None and newest[1] < end else None
    return log.offset_for_timestamp(timestamp, end, cached_only=cached_only)


def _segment_offsets(partition: Partition, timestamp: int, at_most: int) -> list[int]:
    """What v0 asks for: the ends from which a client may start, not newer than `timestamp`, newest first."""
    log = partition.log
    if timestamp == EARLIEST:
        return [log.log_start_offset][:at_most]
    starts = [max(segment.base_offset, log.log_start_offset) for segment in log.segments if segment.size]
    end = partition.high_watermark
    if timestamp == LATEST:
        return sorted({*starts, end}, reverse=True)[:at_most]
    changed = [
        max(segment.base_offset, log.log_start_offset)
        for segment in log.segments
        if segment.size and segment.largest_timestamp <= timestamp
    ]
    return sorted(set(changed), reverse=True)[:at_most]
