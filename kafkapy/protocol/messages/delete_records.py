"""DeleteRecords (key 21): give up the records of partitions below an offset (KIP-107).

v2 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message()
class DeleteRecordsPartition:
    """The first offset to keep; -1 stands for the high watermark."""

    partition_index: int = wire(Int32)
    offset: int = wire(Int64)


@message()
class DeleteRecordsTopic:
    """Partitions of one topic."""

    name: str = wire(String)
    partitions: list[DeleteRecordsPartition] = wire(Array(DeleteRecordsPartition))


@message(versions="0-2", flexible="2+")
class DeleteRecordsRequest:
    topics: list[DeleteRecordsTopic] = wire(Array(DeleteRecordsTopic))
    timeout_ms: int = wire(Int32)


@message()
class DeleteRecordsPartitionResult:
    """The lowest start offset among the partition's replicas now; -1 with an error."""

    partition_index: int = wire(Int32)
    low_watermark: int = wire(Int64)
    error_code: int = wire(Int16)


@message()
class DeleteRecordsTopicResult:
    """Results of one topic."""

    name: str = wire(String)
    partitions: list[DeleteRecordsPartitionResult] = wire(Array(DeleteRecordsPartitionResult))


@message(versions="0-2", flexible="2+")
class DeleteRecordsResponse:
    throttle_time_ms: int = wire(Int32)
    topics: list[DeleteRecordsTopicResult] = wire(Array(DeleteRecordsTopicResult))


DELETE_RECORDS = Api(21, DeleteRecordsRequest, DeleteRecordsResponse)
