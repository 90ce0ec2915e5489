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


@serves(WRITE_TXN_MARKERS)
def write_txn_markers(
    request: WriteTxnMarkersRequest, call: Call
) -> WriteTxnMarkersResponse | Awaitable[WriteTxnMarkersResponse]:
    """Kept once every marker is committed; each partition has its own error."""
    pending: list[Promise[None]] = []
    results = [_write(marker, call, pending) for marker in request.markers]
    response = WriteTxnMarkersResponse(results)
    if all(promise.is_done for promise in pending):
        return response
    return _wait_for_all(response, pending)


async def _wait_for_all(response: WriteTxnMarkersResponse, pending: list[Promise[None]]) -> WriteTxnMarkersResponse:
    for promise in pending:
        await wait_for(promise)
    return response


def _write(wanted: WritableTxnMarker, call: Call, pending: list[Promise[None]]) -> WritableTxnMarkerResult:
    marker = Marker(wanted.transaction_result, wanted.coordinator_epoch)
    result = WritableTxnMarkerResult(wanted.producer_id)
    for topic in wanted.topics:
        answer = WritableTxnMarkerTopicResult(topic.name)
        result.topics.append(answer)
        for index in topic.partition_indexes:
            code = ErrorCode.NONE
            try:
                if call.node.replicas.get(topic.name, index) is None:
                    raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{topic.name}-{index} is not here")
                partition = TopicPartition(topic.name, index)
                version = wanted.transaction_version
                pending.append(
                    call.node.transactions.write_marker(
                        partition, wanted.producer_id, wanted.producer_epoch, marker, version
                    )
                )
            except Exception as error:  # one partition's failure is not its neighbours'
                code = refusal(error, call).code
            answer.partitions.append(WritableTxnMarkerPartitionResult(index, code))
    return result
