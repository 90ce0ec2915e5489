"""Produce: append a batch to each partition, and answer when as many replicas have it as the producer asks for.

Up to v2 the records may be message sets of format v0 or v1, which are stored as v2 batches. A partition that fails does
not hold up the others. With acks=0 there is no reply, so a failure closes the connection: the producer has no other way
to learn that its metadata is stale.
"""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

from kafkapy.coordinator.transactions.transaction import TopicPartition
from kafkapy.handlers.call import Call, HangUpError, refusal, serves
from kafkapy.handlers.transactional_writes import Admission, Operation, wait_admitted
from kafkapy.metadata.topic_names import is_internal
from kafkapy.parking import timed_out, wait_committed
from kafkapy.protocol.batch import (
    ATTRIBUTES_OFFSET,
    HEADER_SIZE,
    MAGIC,
    MAGIC_OFFSET,
    TRANSACTIONAL_BIT,
    BatchHeader,
    read_header,
    split_batches,
)
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError, RefusedRecordsError
from kafkapy.protocol.legacy import to_batch
from kafkapy.protocol.messages.produce import (
    PRODUCE,
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from kafkapy.protocol.octets import Bytes
from kafkapy.replication.partition import ACKS_ALL, ACKS_LEADER, ACKS_NONE, Partition
from kafkapy.storage.log import Appended
from kafkapy.storage.producers import has_producer

_LAST_VERSION_WITH_MESSAGE_SETS = 2
_FIRST_VERSION_WITH_ZSTD = 7
_FIRST_VERSION_WITH_TOPIC_IDS = 13
_FIRST_VERSION_WITH_LEADER_HINTS = 10

_ACKS = frozenset({ACKS_ALL, ACKS_LEADER, ACKS_NONE})

_FIRST_VERSION_WITH_ABORTABLE = 11
_FIRST_VERSION_THAT_ADDS = 12

# What Apache refuses a batch with without saying where the log begins.
_WITHOUT_START = frozenset(
    {
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)

Pending = list[tuple[Partition, int, PartitionProduceResponse]]


@serves(PRODUCE)
def produce(request: ProduceRequest, call: Call) -> ProduceResponse | Awaitable[ProduceResponse | None] | None:
    """Append everything, then wait for the other replicas only where somebody asked for that and they lag."""
    topics = request.topic_data
    has_one = len(topics) == 1 and len(topics[0].partition_data) == 1
    if not has_one:
        _keep_last(request)
    if request.transactional_id is not None:
        return _wait_admitted(request, call)
    if not has_one and any(_says_transactional(data) for topic in topics for data in topic.partition_data):
        return _refuse_all(request, _no_transactional_id())  # before anything is written
    return _produce(request, call, None)


def _says_transactional(data: PartitionProduceData) -> bool:
    records = data.records
    return bool(
        records
        and len(records) > ATTRIBUTES_OFFSET + 1
        and records[MAGIC_OFFSET] == MAGIC
        and records[ATTRIBUTES_OFFSET + 1] & TRANSACTIONAL_BIT
    )


def _no_transactional_id() -> KafkaError:
    why = "a batch is part of a transaction, and the request names no transactional.id"
    return KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, why)


def _keep_last(request: ProduceRequest) -> None:
    """Of several batches for one partition take the last, and each topic once: Apache has them in a map."""
    topics: dict[tuple[str, UUID], TopicProduceData] = {}
    for topic in request.topic_data:
        known = topics.setdefault((topic.name, topic.topic_id), topic)
        if known is not topic:
            known.partition_data = known.partition_data + topic.partition_data
    for topic in topics.values():
        data = topic.partition_data
        if len({one.index for one in data}) < len(data):
            topic.partition_data = list({one.index: one for one in data}.values())
    request.topic_data = list(topics.values())


async def _wait_admitted(request: ProduceRequest, call: Call) -> ProduceResponse | None:
    """Produce what may begin in each partition's transaction, or goes on there; see `transactional_writes`."""
    operation = Operation.of(
        call.version, abortable_since=_FIRST_VERSION_WITH_ABORTABLE, adds_since=_FIRST_VERSION_THAT_ADDS
    )
    producers, partitions = _beginnings(request, call, operation)
    if len(producers) > 1:
        why = "a request has the records of one producer's transaction, and this one has those of several"
        return _refuse_all(request, KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, why))
    codes: dict[TopicPartition, ErrorCode] = {}
    if partitions:
        [(producer_id, epoch)] = producers
        codes = await wait_admitted(
            call.node, request.transactional_id or "", producer_id, epoch, partitions, operation
        )
    response = _produce(request, call, Admission(codes, operation))
    return await response if isinstance(response, Awaitable) else response


def _refuse_all(request: ProduceRequest, error: KafkaError) -> ProduceResponse | None:
    response = ProduceResponse()
    for topic in request.topic_data:
        answers = [PartitionProduceResponse(data.index, log_start_offset=-1) for data in topic.partition_data]
        for answer in answers:
            _refuse(answer, error)
        response.responses.append(TopicProduceResponse(topic.name, topic.topic_id, answers))
    if request.acks == ACKS_NONE:
        _close_if_refused(response)
        return None
    return response


def _beginnings(
    request: ProduceRequest, call: Call, operation: Operation
) -> tuple[set[tuple[int, int]], list[TopicPartition]]:
    """The producers of transactional batches, and the partitions where no transaction of theirs is open."""
    producers: set[tuple[int, int]] = set()
    partitions = []
    adds, now_ms = operation is Operation.ADD, call.node.clock()
    for topic in request.topic_data:
        name = _name_of(topic.name, topic.topic_id, call)
        for data in topic.partition_data:
            partition = None if name is None else call.node.replicas.get(name, data.index)
            if partition is None or name is None or not data.records or len(data.records) < HEADER_SIZE:
                continue
            try:
                header = read_header(data.records)
            except KafkaError:
                continue  # which is told where it is appended
            if not _is_of_transaction(header):
                continue
            producers.add((header.producer_id, header.producer_epoch))
            known = partition.log.producers
            if not known.has_open(header.producer_id, header.producer_epoch):
                partitions.append(TopicPartition(name, data.index))
                if adds or call.node.config.transaction_partition_verification_enable:
                    known.begin_verification(header, begins_anew=adds, now_ms=now_ms)
    return producers, partitions


def _produce(
    request: ProduceRequest, call: Call, admission: Admission | None
) -> ProduceResponse | Awaitable[ProduceResponse | None] | None:
    response = ProduceResponse()
    pending: Pending = []
    for topic in request.topic_data:
        name = _name_of(topic.name, topic.topic_id, call)
        answers = [_append(name, data, request, call, pending, admission) for data in topic.partition_data]
        if answers:
            response.responses.append(TopicProduceResponse(topic.name, topic.topic_id, answers))
    _hint_leaders(response, call)
    if request.acks == ACKS_NONE:
        _close_if_refused(response)
        return None
    if pending:
        return _wait_for_replicas(response, pending, request.timeout_ms)
    return response


async def _wait_for_replicas(response: ProduceResponse, pending: Pending, timeout_ms: int) -> ProduceResponse:
    late = await wait_committed([(partition, offset) for partition, offset, _ in pending], timeout_ms)
    for partition, _, answer in pending:
        if partition in late:
            _refuse(answer, timed_out(partition))
    return response


def _name_of(name: str, topic_id: UUID, call: Call) -> str | None:
    if call.version < _FIRST_VERSION_WITH_TOPIC_IDS:
        return name
    topic = call.node.cluster.image.topic_by_id(topic_id)
    return None if topic is None else topic.name


def _append(
    topic: str | None,
    data: PartitionProduceData,
    request: ProduceRequest,
    call: Call,
    pending: Pending,
    admission: Admission | None,
) -> PartitionProduceResponse:
    answer = PartitionProduceResponse(data.index, base_offset=-1)
    try:
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, "no topic has this id; ask for the metadata again")
        partition = call.node.replicas.leader_of(topic, data.index)
        if is_internal(topic):
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"topic {topic!r} is written by the broker alone")
        appended = _append_to(partition, data.records, request.acks, answer, call, admission)
    except Exception as error:  # one partition's failure is not its neighbours'
        unnamed = request.transactional_id is None and _says_transactional(data)
        _refuse(answer, _no_transactional_id() if unnamed else refusal(error, call))
        return answer
    answer.base_offset = appended.base_offset
    answer.log_append_time_ms = appended.log_append_time
    answer.log_start_offset = appended.log_start_offset
    if request.acks == ACKS_ALL and appended.last_offset >= partition.high_watermark:
        pending.append((partition, appended.last_offset, answer))
    return answer


def _append_to(
    partition: Partition,
    records: Bytes | None,
    acks: int,
    answer: PartitionProduceResponse,
    call: Call,
    admission: Admission | None,
) -> Appended:
    if not records:
        raise KafkaError(ErrorCode.INVALID_RECORD, "there is no batch in the records")
    if acks not in _ACKS and call.version <= _LAST_VERSION_WITH_MESSAGE_SETS:
        raise _wrong_acks(acks)
    if call.version <= _LAST_VERSION_WITH_MESSAGE_SETS:
        converted = _from_message_set(partition, records)
        if not converted:  # no message was whole: nothing to append, as Kafka has it
            end = partition.log.log_end_offset
            return Appended(end, end - 1, -1, partition.log.log_start_offset, duplicate=True)
        return partition.append(converted, call.node.clock(), acks=acks)
    header = _header_of(records)
    if header.compression is Compression.ZSTD and call.version < _FIRST_VERSION_WITH_ZSTD:
        why = f"zstd needs Produce v{_FIRST_VERSION_WITH_ZSTD} or later, this is v{call.version}"
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, why)
    if header.is_transactional:
        if admission is None:
            raise _no_transactional_id()
        if _is_of_transaction(header):
            admission.check(partition, header)
    if acks not in _ACKS:
        raise _wrong_acks(acks)
    answer.log_start_offset = partition.log.log_start_offset  # told even if the log refuses the batch
    return partition.append(records, call.node.clock(), acks=acks, first=header)


def _is_of_transaction(header: BatchHeader) -> bool:
    """Of one that has an end. A batch that says so of itself and names no producer is kept, as in Apache."""
    return header.is_transactional and has_producer(header)


def _header_of(records: Bytes) -> BatchHeader:
    """The batch's header. Raises KafkaError: INVALID_RECORD unless there is one whole batch of v2, CORRUPT_MESSAGE."""
    if len(records) < HEADER_SIZE or records[MAGIC_OFFSET] < MAGIC:
        why = f"the {len(records)} bytes of records do not begin with a batch of format v{MAGIC}"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    header = read_header(records)
    if header.size > len(records):
        why = f"the batch is cut short: it states {header.size} bytes and has {len(records)}"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    if header.size < len(records) and any(split_batches(memoryview(records)[header.size :], cut_is_end=True)):
        raise KafkaError(ErrorCode.INVALID_RECORD, "several batches for one partition; a produce request carries one")
    return header


def _wrong_acks(acks: int) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks={acks}: choose 0, 1 or all (-1)")


def _from_message_set(partition: Partition, records: Bytes) -> Bytes:
    if len(records) > MAGIC_OFFSET and records[MAGIC_OFFSET] == MAGIC:
        return records
    config = partition.log.config
    topic_stamps = config.timestamp_type == "LogAppendTime"
    return to_batch(records, max_message_bytes=config.max_message_bytes, topic_stamps=topic_stamps)


def _refuse(answer: PartitionProduceResponse, error: KafkaError) -> None:
    answer.error_code = error.code
    if error.code in _WITHOUT_START:
        answer.log_start_offset = -1
    answer.base_offset = -1
    answer.log_append_time_ms = -1
    answer.error_message = error.why or None
    if isinstance(error, RefusedRecordsError):
        answer.record_errors = [BatchIndexAndErrorMessage(index, why) for index, why in error.records.items()]


def _hint_leaders(response: ProduceResponse, call: Call) -> None:
    """Tell a producer that is at the wrong broker who the leader is (KIP-951)."""
    if call.version < _FIRST_VERSION_WITH_LEADER_HINTS:
        return
    cluster = call.node.cluster
    hinted: set[int] = set()
    for topic in response.responses:
        for answer in topic.partition_responses:
            if answer.error_code != ErrorCode.NOT_LEADER_OR_FOLLOWER:
                continue
            name = _name_of(topic.name, topic.topic_id, call)
            state = None if name is None else cluster.image.partition(name, answer.index)
            if state is not None:
                answer.current_leader = LeaderIdAndEpoch(state.leader, state.leader_epoch)
                hinted.add(state.leader)
    if not hinted:
        return
    response.node_endpoints = [
        NodeEndpoint(address.node_id, address.host, address.port, address.rack)
        for address in cluster.addresses(call.listener)
        if address.node_id in hinted
    ]


def _close_if_refused(response: ProduceResponse) -> None:
    for topic in response.responses:
        for answer in topic.partition_responses:
            if answer.error_code != ErrorCode.NONE:
                why = f"acks=0 and partition {answer.index} of {topic.name!r} refused: {answer.error_message}"
                raise HangUpError(why)
