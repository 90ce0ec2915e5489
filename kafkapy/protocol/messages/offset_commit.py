"""OffsetCommit (key 8): a group's positions, kept by its coordinator.

v1 member and generation, a commit timestamp that v2 took away again; v2 retention time, until v4; v3 throttle time; v6
leader epochs (KIP-320); v7 static members (KIP-345); v8 flexible encoding; v9 consumer groups of the new protocol
(KIP-848); v10 topic ids for names.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class OffsetCommitRequestPartition:
    partition_index: int = wire(Int32)
    committed_offset: int = wire(Int64)
    committed_leader_epoch: int = wire(Int32, "6+", default=-1)  # of the last record consumed; -1: not known
    commit_timestamp: int = wire(Int64, "1", default=-1)  # ms since the epoch; -1: the broker's clock
    committed_metadata: str | None = wire(String, nullable="0+")


@message()
class OffsetCommitRequestTopic:
    name: str = wire(String, "0-9")
    topic_id: UUID = wire(Uuid, "10+")
    partitions: list[OffsetCommitRequestPartition] = wire(Array(OffsetCommitRequestPartition))


@message(versions="0-10", flexible="8+")
class OffsetCommitRequest:
    group_id: str = wire(String)
    # -1: no member, a client that assigns its partitions itself
    generation_id_or_member_epoch: int = wire(Int32, "1+", default=-1)
    member_id: str = wire(String, "1+")
    group_instance_id: str | None = wire(String, "7+", nullable="7+", default=None)
    retention_time_ms: int = wire(Int64, "2-4", default=-1)  # -1: as the broker is configured
    topics: list[OffsetCommitRequestTopic] = wire(Array(OffsetCommitRequestTopic))


@message()
class OffsetCommitResponsePartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)


@message()
class OffsetCommitResponseTopic:
    name: str = wire(String, "0-9")
    topic_id: UUID = wire(Uuid, "10+")
    partitions: list[OffsetCommitResponsePartition] = wire(Array(OffsetCommitResponsePartition))


@message(versions="0-10", flexible="8+")
class OffsetCommitResponse:
    throttle_time_ms: int = wire(Int32, "3+")
    topics: list[OffsetCommitResponseTopic] = wire(Array(OffsetCommitResponseTopic))


OFFSET_COMMIT = Api(8, OffsetCommitRequest, OffsetCommitResponse)
