"""OffsetForLeaderEpoch (key 23)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message()
class OffsetForLeaderPartition:
    partition: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "2+", default=-1)
    leader_epoch: int = wire(Int32)


@message()
class OffsetForLeaderTopic:
    topic: str = wire(String)
    partitions: list[OffsetForLeaderPartition] = wire(Array(OffsetForLeaderPartition))


@message(versions="0-4", flexible="4+")
class OffsetForLeaderEpochRequest:
    replica_id: int = wire(Int32, "3+", default=-2)
    topics: list[OffsetForLeaderTopic] = wire(Array(OffsetForLeaderTopic))


@message()
class EpochEndOffset:
    error_code: int = wire(Int16)
    partition: int = wire(Int32)
    leader_epoch: int = wire(Int32, "1+", default=-1)
    end_offset: int = wire(Int64, default=-1)


@message()
class OffsetForLeaderTopicResult:
    topic: str = wire(String)
    partitions: list[EpochEndOffset] = wire(Array(EpochEndOffset))


@message(versions="0-4", flexible="4+")
class OffsetForLeaderEpochResponse:
    throttle_time_ms: int = wire(Int32, "2+")
    topics: list[OffsetForLeaderTopicResult] = wire(Array(OffsetForLeaderTopicResult))


OFFSET_FOR_LEADER_EPOCH = Api(23, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse)
