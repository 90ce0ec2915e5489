"""WriteTxnMarkers (key 27): a coordinator has partitions' leaders write that transactions ended (KIP-98).

v1 flexible encoding; v2 the transaction's protocol version (KIP-1228).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, Int64, String, message, wire


@message()
class WritableTxnMarkerTopic:
    name: str = wire(String)
    partition_indexes: list[int] = wire(Array(Int32))


@message()
class WritableTxnMarker:
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int16)
    transaction_result: bool = wire(Boolean)  # true: committed
    topics: list[WritableTxnMarkerTopic] = wire(Array(WritableTxnMarkerTopic))
    coordinator_epoch: int = wire(Int32)
    transaction_version: int = wire(Int8, "2+")


@message(versions="0-2", flexible="1+")
class WriteTxnMarkersRequest:
    markers: list[WritableTxnMarker] = wire(Array(WritableTxnMarker))


@message()
class WritableTxnMarkerPartitionResult:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)


@message()
class WritableTxnMarkerTopicResult:
    name: str = wire(String)
    partitions: list[WritableTxnMarkerPartitionResult] = wire(Array(WritableTxnMarkerPartitionResult))


@message()
class WritableTxnMarkerResult:
    producer_id: int = wire(Int64)
    topics: list[WritableTxnMarkerTopicResult] = wire(Array(WritableTxnMarkerTopicResult))


@message(versions="0-2", flexible="1+")
class WriteTxnMarkersResponse:
    markers: list[WritableTxnMarkerResult] = wire(Array(WritableTxnMarkerResult))


WRITE_TXN_MARKERS = Api(27, WriteTxnMarkersRequest, WriteTxnMarkersResponse)
