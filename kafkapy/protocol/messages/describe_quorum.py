"""DescribeQuorum (key 55): who leads the cluster's metadata, and how far its voters and observers are (KIP-595).

v1 when each replica fetched and was caught up (KIP-836); v2 directories, where the voters listen, and error messages
(KIP-853).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, UInt16, Uuid, message, wire


@message()
class PartitionData:
    partition_index: int = wire(Int32)


@message()
class TopicData:
    topic_name: str = wire(String)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0-2", flexible="0+")
class DescribeQuorumRequest:
    topics: list[TopicData] = wire(Array(TopicData))


@message()
class ReplicaState:
    """How far a replica is. Times are in ms since the epoch, -1 for unknown; the leader fetches from nobody."""

    replica_id: int = wire(Int32)
    replica_directory_id: UUID = wire(Uuid, "2+")
    log_end_offset: int = wire(Int64)
    last_fetch_timestamp: int = wire(Int64, "1+", default=-1)
    last_caught_up_timestamp: int = wire(Int64, "1+", default=-1)


@message()
class QuorumPartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, "2+", nullable="2+")
    leader_id: int = wire(Int32)
    leader_epoch: int = wire(Int32)
    high_watermark: int = wire(Int64)
    current_voters: list[ReplicaState] = wire(Array(ReplicaState))
    observers: list[ReplicaState] = wire(Array(ReplicaState))


@message()
class QuorumTopic:
    topic_name: str = wire(String)
    partitions: list[QuorumPartition] = wire(Array(QuorumPartition))


@message()
class Listener:
    name: str = wire(String, "2+")
    host: str = wire(String, "2+")
    port: int = wire(UInt16, "2+")


@message()
class Node:
    node_id: int = wire(Int32, "2+")
    listeners: list[Listener] = wire(Array(Listener), "2+")


@message(versions="0-2", flexible="0+")
class DescribeQuorumResponse:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, "2+", nullable="2+")
    topics: list[QuorumTopic] = wire(Array(QuorumTopic))
    nodes: list[Node] = wire(Array(Node), "2+")


DESCRIBE_QUORUM = Api(55, DescribeQuorumRequest, DescribeQuorumResponse)
