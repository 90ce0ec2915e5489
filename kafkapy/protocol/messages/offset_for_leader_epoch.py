"""OffsetForLeaderEpoch (key 23): where an epoch of a log ends, by which truncation is found out (KIP-101).

v1 the epoch that was found; v2 fencing, throttle time (KIP-320); v3 who asks; v4 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message()
class OffsetForLeaderPartition:
    """`leader_epoch` is asked about, `current_leader_epoch` fences (-1: it does not)."""

    partition: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "2+", default=-1)
    leader_epoch: int = wire(Int32)


@message()
class OffsetForLeaderTopic:
    topic: str = wire(String)
    partitions: list[OffsetForLeaderPartition] = wire(Array(OffsetForLeaderPartition))


@message(versions="0-4", flexible="4+")
class OffsetForLeaderEpochRequest:
    replica_id: int = wire(Int32, "3+", default=-2)  # -1 a consumer, -2 one that may see beyond the high watermark
    topics: list[OffsetForLeaderTopic] = wire(Array(OffsetForLeaderTopic))


@message()
class EpochEndOffset:
    """The largest epoch up to the one asked about, and the offset behind its last record; -1: not known."""

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
