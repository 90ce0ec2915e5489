"""ListOffsets (key 2)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, message, wire


@message()
class ListOffsetsPartition:
    partition_index: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "4+", default=-1)
    timestamp: int = wire(Int64)
    max_num_offsets: int = wire(Int32, "0", default=1)


@message()
class ListOffsetsTopic:
    name: str = wire(String)
    partitions: list[ListOffsetsPartition] = wire(Array(ListOffsetsPartition))


@message(versions="0-11", flexible="6+")
class ListOffsetsRequest:
    replica_id: int = wire(Int32)
    isolation_level: int = wire(Int8, "2+")
    topics: list[ListOffsetsTopic] = wire(Array(ListOffsetsTopic))
    timeout_ms: int = wire(Int32, "10+")


@message()
class ListOffsetsPartitionResponse:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    old_style_offsets: list[int] = wire(Array(Int64), "0")
    timestamp: int = wire(Int64, "1+", default=-1)
    offset: int = wire(Int64, "1+", default=-1)
    leader_epoch: int = wire(Int32, "4+", default=-1)


@message()
class ListOffsetsTopicResponse:
    name: str = wire(String)
    partitions: list[ListOffsetsPartitionResponse] = wire(Array(ListOffsetsPartitionResponse))


@message(versions="0-11", flexible="6+")
class ListOffsetsResponse:
    throttle_time_ms: int = wire(Int32, "2+")
    topics: list[ListOffsetsTopicResponse] = wire(Array(ListOffsetsTopicResponse))


LIST_OFFSETS = Api(2, ListOffsetsRequest, ListOffsetsResponse)
