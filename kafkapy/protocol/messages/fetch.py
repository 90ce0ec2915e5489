"""Fetch (key 1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, Records, String, Uuid, message, wire


@message()
class ReplicaState:
    replica_id: int = wire(Int32, "15+", default=-1)
    replica_epoch: int = wire(Int64, "15+", default=-1)


@message()
class FetchPartition:
    partition: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "9+", default=-1)
    fetch_offset: int = wire(Int64)
    last_fetched_epoch: int = wire(Int32, "12+", default=-1)
    log_start_offset: int = wire(Int64, "5+", default=-1)
    partition_max_bytes: int = wire(Int32)
    replica_directory_id: UUID = wire(Uuid, "17+", tag=0)
    high_watermark: int = wire(Int64, "18+", default=9223372036854775807, tag=1)


@message()
class FetchTopic:
    topic: str = wire(String, "0-12")
    topic_id: UUID = wire(Uuid, "13+")
    partitions: list[FetchPartition] = wire(Array(FetchPartition))


@message()
class ForgottenTopic:
    topic: str = wire(String, "7-12")
    topic_id: UUID = wire(Uuid, "13+")
    partitions: list[int] = wire(Array(Int32), "7+")


@message(versions="0-18", flexible="12+")
class FetchRequest:
    cluster_id: str | None = wire(String, "12+", nullable="12+", default=None, tag=0)
    replica_id: int = wire(Int32, "0-14", default=-1)
    replica_state: ReplicaState | None = wire(ReplicaState, "15+", default=None, tag=1)
    max_wait_ms: int = wire(Int32)
    min_bytes: int = wire(Int32)
    max_bytes: int = wire(Int32, "3+", default=0x7FFFFFFF)
    isolation_level: int = wire(Int8, "4+")
    session_id: int = wire(Int32, "7+")
    session_epoch: int = wire(Int32, "7+", default=-1)
    topics: list[FetchTopic] = wire(Array(FetchTopic))
    forgotten_topics_data: list[ForgottenTopic] = wire(Array(ForgottenTopic), "7+")
    rack_id: str = wire(String, "11+")


@message()
class EpochEndOffset:
    epoch: int = wire(Int32, "12+", default=-1)
    end_offset: int = wire(Int64, "12+", default=-1)


@message()
class LeaderIdAndEpoch:
    leader_id: int = wire(Int32, "12+", default=-1)
    leader_epoch: int = wire(Int32, "12+", default=-1)


@message()
class SnapshotId:
    end_offset: int = wire(Int64, default=-1)
    epoch: int = wire(Int32, default=-1)


@message()
class AbortedTransaction:
    producer_id: int = wire(Int64, "4+")
    first_offset: int = wire(Int64, "4+")


@message()
class PartitionData:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    high_watermark: int = wire(Int64)
    last_stable_offset: int = wire(Int64, "4+", default=-1)
    log_start_offset: int = wire(Int64, "5+", default=-1)
    diverging_epoch: EpochEndOffset | None = wire(EpochEndOffset, "12+", default=None, tag=0)
    current_leader: LeaderIdAndEpoch | None = wire(LeaderIdAndEpoch, "12+", default=None, tag=1)
    snapshot_id: SnapshotId | None = wire(SnapshotId, "12+", default=None, tag=2)
    aborted_transactions: list[AbortedTransaction] | None = wire(Array(AbortedTransaction), "4+", nullable="4+")
    preferred_read_replica: int = wire(Int32, "11+", default=-1)
    records: Any = wire(Records, nullable="0+")


@message()
class FetchableTopicResponse:
    topic: str = wire(String, "0-12")
    topic_id: UUID = wire(Uuid, "13+")
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message()
class NodeEndpoint:
    node_id: int = wire(Int32, "16+")
    host: str = wire(String, "16+")
    port: int = wire(Int32, "16+")
    rack: str | None = wire(String, "16+", nullable="16+", default=None)


@message(versions="0-18", flexible="12+")
class FetchResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16, "7+")
    session_id: int = wire(Int32, "7+")
    responses: list[FetchableTopicResponse] = wire(Array(FetchableTopicResponse))
    node_endpoints: list[NodeEndpoint] = wire(Array(NodeEndpoint), "16+", tag=0)


FETCH = Api(1, FetchRequest, FetchResponse)
