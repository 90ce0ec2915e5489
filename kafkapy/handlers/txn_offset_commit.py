"""TxnOffsetCommit: a group's positions, which count once the transaction is committed.

The coordinator of the transaction must know that it writes to the group's partition of the offsets topic: up to v4 by
AddOffsetsToTxn, from v5 on this request says so, too (KIP-890).
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.cluster import OFFSETS_TOPIC
from kafkapy.coordinator.group_shard import refuse_txn_commit
from kafkapy.coordinator.outcome import append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.transaction import TopicPartition
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.transactional_writes import Operation, check_epoch, wait_admitted
from kafkapy.parking import wait_for
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

_FIRST_VERSION_WITH_ABORTABLE = 4
_FIRST_VERSION_THAT_ADDS = 5


@serves(TXN_OFFSET_COMMIT)
def txn_offset_commit(
    request: TxnOffsetCommitRequest, call: Call
) -> TxnOffsetCommitResponse | Awaitable[TxnOffsetCommitResponse]:
    """What exists goes to the coordinator; the refusals come first, as in Apache."""
    image = call.node.cluster.image
    # A topic that does not exist is told of, even if nothing was asked about it.
    unknown = {topic.name for topic in request.topics if image.topic(topic.name) is None}
    answers = [_refuse_unknown(topic, call) for topic in request.topics]
    refused = [answer for answer in answers if answer.partitions or answer.name in unknown]
    request.topics = [topic for topic in request.topics if topic.partitions]
    if not request.topics:
        return TxnOffsetCommitResponse(topics=refused)
    return _wait_committed(request, refused, call)


async def _wait_committed(
    request: TxnOffsetCommitRequest, refused: list[TxnOffsetCommitResponseTopic], call: Call
) -> TxnOffsetCommitResponse:
    try:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID, "the group id is empty; name a group")
        await _wait_admitted(request, call)
        committed = await wait_for(_commit(request, call))
    except KafkaError as error:
        committed = refuse_txn_commit(request, append_error(error))
    return _merged(refused, committed)


async def _wait_admitted(request: TxnOffsetCommitRequest, call: Call) -> None:
    groups = call.node.groups
    partition = TopicPartition(OFFSETS_TOPIC, groups.partition_of(request.group_id))
    operation = Operation.of(
        call.version, abortable_since=_FIRST_VERSION_WITH_ABORTABLE, adds_since=_FIRST_VERSION_THAT_ADDS
    )
    offsets = call.node.replicas.get(*partition)
    if offsets is not None:
        check_epoch(offsets, request.producer_id, request.producer_epoch)
    found = await wait_admitted(
        call.node,
        request.transactional_id,
        request.producer_id,
        request.producer_epoch,
        [partition],
        operation,
    )
    code = found[partition]
    if code is not ErrorCode.NONE:
        why = f"{request.transactional_id!r} may not commit offsets of group {request.group_id!r}"
        raise KafkaError(code, why)


def _commit(request: TxnOffsetCommitRequest, call: Call) -> Promise[TxnOffsetCommitResponse]:
    return call.node.groups.run_in_transaction(
        request.group_id,
        request.producer_id,
        request.producer_epoch,
        lambda shard, now_ms: shard.commit_in_transaction(request, now_ms),
    )


def _refuse_unknown(topic: TxnOffsetCommitRequestTopic, call: Call) -> TxnOffsetCommitResponseTopic:
    """Take what does not exist out of the request, and into the answer."""
    answer = TxnOffsetCommitResponseTopic(topic.name)
    image = call.node.cluster.image
    known = []
    for partition in topic.partitions:
        if image.partition(topic.name, partition.partition_index) is not None:
            known.append(partition)
        else:
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            answer.partitions.append(TxnOffsetCommitResponsePartition(partition.partition_index, unknown))
    topic.partitions = known
    return answer


def _merged(refused: list[TxnOffsetCommitResponseTopic], committed: TxnOffsetCommitResponse) -> TxnOffsetCommitResponse:
    if not refused:
        return committed
    topics = {topic.name: topic for topic in refused}
    for topic in committed.topics:
        if topic.name in topics:
            topics[topic.name].partitions += topic.partitions
        else:
            topics[topic.name] = topic
    return TxnOffsetCommitResponse(topics=list(topics.values()))
