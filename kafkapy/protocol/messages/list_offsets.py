"""ListOffsets (key 2): the offset at a time, or at an end of the log.

v1 one offset and its timestamp, where v0 had a list of segments' offsets; v2 isolation levels, throttle time; v4
leader epochs (KIP-320); v5 OFFSET_NOT_AVAILABLE; v6 flexible encoding; then further questions in `timestamp`: v7 -3
(KIP-734), v8 -4 (KIP-405), v9 -5 (KIP-1005), v11 -6 (KIP-1023); v10 a timeout for answers from remote storage
(KIP-1075).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, message, wire


@message()
class ListOffsetsPartition:
    partition_index: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "4+", default=-1)
    # ms since the epoch; -1 latest, -2 earliest, -3 largest timestamp, -4 earliest local, -5 tiered, -6 pending
    timestamp: int = wire(Int64)
    max_num_offsets: int = wire(Int32, "0", default=1)


@message()
class ListOffsetsTopic:
    name: str = wire(String)
    partitions: list[ListOffsetsPartition] = wire(Array(ListOffsetsPartition))


@message(versions="0-11", flexible="6+")
class ListOffsetsRequest:
    replica_id: int = wire(Int32)  # -1: a consumer
    isolation_level: int = wire(Int8, "2+")  # 0 all records, 1 committed ones
    topics: list[ListOffsetsTopic] = wire(Array(ListOffsetsTopic))
    timeout_ms: int = wire(Int32, "10+")


@message()
class ListOffsetsPartitionResponse:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    old_style_offsets: list[int] = wire(Array(Int64), "0")  # newest first
    timestamp: int = wire(Int64, "1+", default=-1)  # ms since the epoch, of the record found; -1: none
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
