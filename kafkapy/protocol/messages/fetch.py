"""Fetch (key 1): record batches of partitions, from an offset on, for consumers and followers.

v1 throttle time; v2 message format 1 may come; v3 a limit in bytes for all, in the order of the partitions; v4
isolation levels and message format 2; v5 log start offset; v7 sessions, in which only changes are sent (KIP-227); v9
leader epochs (KIP-320); v10 zstd may come (KIP-110); v11 racks and a replica to read from (KIP-392); v12 flexible
encoding, where logs diverge, who leads now (KIP-595); v13 topic ids for names (KIP-516); v14
OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405); v15 `replica_state` for `replica_id` (KIP-903); v16 where the new leaders are
(KIP-951); v17 directory ids (KIP-853); v18 the follower's high watermark (KIP-1166).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, Records, String, Uuid, message, wire


@message()
class ReplicaState:
    """The follower that asks; -1 is a consumer."""

    replica_id: int = wire(Int32, "15+", default=-1)
    replica_epoch: int = wire(Int64, "15+", default=-1)


@message()
class FetchPartition:
    """From where to read; -1 is an epoch or offset that the sender does not know."""

    partition: int = wire(Int32)
    current_leader_epoch: int = wire(Int32, "9+", default=-1)
    fetch_offset: int = wire(Int64)
    last_fetched_epoch: int = wire(Int32, "12+", default=-1)  # of the follower's last record
    log_start_offset: int = wire(Int64, "5+", default=-1)  # the follower's
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
    """Partitions that leave the session."""

    topic: str = wire(String, "7-12")
    topic_id: UUID = wire(Uuid, "13+")
    partitions: list[int] = wire(Array(Int32), "7+")


@message(versions="0-18", flexible="12+")
class FetchRequest:
    # set between the voters of a KRaft quorum
    cluster_id: str | None = wire(String, "12+", nullable="12+", default=None, tag=0)
    replica_id: int = wire(Int32, "0-14", default=-1)
    replica_state: ReplicaState | None = wire(ReplicaState, "15+", default=None, tag=1)
    max_wait_ms: int = wire(Int32)
    min_bytes: int = wire(Int32)  # wait for so many, up to max_wait_ms
    max_bytes: int = wire(Int32, "3+", default=0x7FFFFFFF)
    isolation_level: int = wire(Int8, "4+")  # 0 all records, 1 committed ones
    session_id: int = wire(Int32, "7+")  # 0: none yet
    session_epoch: int = wire(Int32, "7+", default=-1)  # 0 begins a session, -1 ends it or does without
    topics: list[FetchTopic] = wire(Array(FetchTopic))
    forgotten_topics_data: list[ForgottenTopic] = wire(Array(ForgottenTopic), "7+")
    rack_id: str = wire(String, "11+")


@message()
class EpochEndOffset:
    """The end of the largest epoch that both logs may share: where the follower's must be cut."""

    epoch: int = wire(Int32, "12+", default=-1)
    end_offset: int = wire(Int64, "12+", default=-1)


@message()
class LeaderIdAndEpoch:
    """Who leads now, as far as this broker knows."""

    leader_id: int = wire(Int32, "12+", default=-1)
    leader_epoch: int = wire(Int32, "12+", default=-1)


@message()
class SnapshotId:
    """The snapshot to fetch instead; a KRaft log no longer begins early enough."""

    end_offset: int = wire(Int64, default=-1)
    epoch: int = wire(Int32, default=-1)


@message()
class AbortedTransaction:
    """A transaction that a reader of committed records leaves out, from `first_offset` on."""

    producer_id: int = wire(Int64, "4+")
    first_offset: int = wire(Int64, "4+")


@message()
class PartitionData:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    high_watermark: int = wire(Int64)  # -1 with an error
    last_stable_offset: int = wire(Int64, "4+", default=-1)  # transactions below it are all decided
    log_start_offset: int = wire(Int64, "5+", default=-1)
    diverging_epoch: EpochEndOffset | None = wire(EpochEndOffset, "12+", default=None, tag=0)
    current_leader: LeaderIdAndEpoch | None = wire(LeaderIdAndEpoch, "12+", default=None, tag=1)
    snapshot_id: SnapshotId | None = wire(SnapshotId, "12+", default=None, tag=2)
    aborted_transactions: list[AbortedTransaction] | None = wire(Array(AbortedTransaction), "4+", nullable="4+")
    preferred_read_replica: int = wire(Int32, "11+", default=-1)  # -1: read from the leader
    records: Any = wire(Records, nullable="0+")


@message()
class FetchableTopicResponse:
    topic: str = wire(String, "0-12")
    topic_id: UUID = wire(Uuid, "13+")
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message()
class NodeEndpoint:
    """Where a leader listens that this response tells of."""

    node_id: int = wire(Int32, "16+")
    host: str = wire(String, "16+")
    port: int = wire(Int32, "16+")
    rack: str | None = wire(String, "16+", nullable="16+", default=None)


@message(versions="0-18", flexible="12+")
class FetchResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16, "7+")
    session_id: int = wire(Int32, "7+")  # 0: the answer belongs to no session
    responses: list[FetchableTopicResponse] = wire(Array(FetchableTopicResponse))
    node_endpoints: list[NodeEndpoint] = wire(Array(NodeEndpoint), "16+", tag=0)


FETCH = Api(1, FetchRequest, FetchResponse)
