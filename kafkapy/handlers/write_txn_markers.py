"""WriteTxnMarkers: a coordinator, or an administrator, has partitions' leaders write that transactions ended."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.transaction import TopicPartition
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.parking import wait_for
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker
from kafkapy.protocol.messages.write_txn_markers import (
    WRITE_TXN_MARKERS,
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

Codes = dict[TopicPartition, ErrorCode]


@serves(WRITE_TXN_MARKERS)
def write_txn_markers(
    request: WriteTxnMarkersRequest, call: Call
) -> WriteTxnMarkersResponse | Awaitable[WriteTxnMarkersResponse]:
    """Kept once every marker is committed; each partition has its own error.

    Each producer is answered once, with each partition once, and not at all without any, as in Apache.
    """
    pending: list[Promise[None]] = []
    found: dict[int, Codes] = {}
    for marker in request.markers:
        for partition in dict.fromkeys(
            TopicPartition(topic.name, index) for topic in marker.topics for index in topic.partition_indexes
        ):
            code = _write(marker, partition, call, pending)
            found.setdefault(marker.producer_id, {})[partition] = code
    response = WriteTxnMarkersResponse([_result(producer_id, codes) for producer_id, codes in found.items()])
    if all(promise.is_done for promise in pending):
        return response
    return _wait_for_all(response, pending)


async def _wait_for_all(response: WriteTxnMarkersResponse, pending: list[Promise[None]]) -> WriteTxnMarkersResponse:
    for promise in pending:
        await wait_for(promise)
    return response


def _write(wanted: WritableTxnMarker, partition: TopicPartition, call: Call, pending: list[Promise[None]]) -> ErrorCode:
    marker = Marker(wanted.transaction_result, wanted.coordinator_epoch)
    version = wanted.transaction_version
    try:
        if call.node.replicas.get(*partition) is None:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{partition.topic}-{partition.partition} is not here"
            )
        if version < 0:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"there is no transaction version {version}")
        pending.append(
            call.node.transactions.write_marker(partition, wanted.producer_id, wanted.producer_epoch, marker, version)
        )
    except Exception as error:  # one partition's failure is not its neighbours'
        return refusal(error, call).code
    return ErrorCode.NONE


def _result(producer_id: int, codes: Codes) -> WritableTxnMarkerResult:
    topics: dict[str, WritableTxnMarkerTopicResult] = {}
    for (topic, index), code in codes.items():
        answer = topics.setdefault(topic, WritableTxnMarkerTopicResult(topic))
        answer.partitions.append(WritableTxnMarkerPartitionResult(index, code))
    return WritableTxnMarkerResult(producer_id, list(topics.values()))
