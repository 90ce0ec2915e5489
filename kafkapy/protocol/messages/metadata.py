"""Metadata (key 3): the brokers, and topics with their partitions and leaders.

v1 all topics are asked for with null (with an empty list in v0), racks, the controller, internal topics; v2 cluster
id; v3 throttle time; v4 topics made on demand or not; v5 offline replicas; v7 leader epochs; v8 authorized operations;
v9 flexible encoding; v10 topic ids in the answer (KIP-516); v11 the cluster's operations moved to DescribeCluster
(KIP-700); v12 topics asked for by id; v13 an error for the whole answer (KIP-1102).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, Uuid, message, wire


@message()
class MetadataRequestTopic:
    """A topic, named or, where the name is null, by its id."""

    topic_id: UUID = wire(Uuid, "10+")
    name: str | None = wire(String, nullable="10+")


@message(versions="0-13", flexible="9+")
class MetadataRequest:
    topics: list[MetadataRequestTopic] | None = wire(Array(MetadataRequestTopic), nullable="1+")
    allow_auto_topic_creation: bool = wire(Boolean, "4+", default=True)
    include_cluster_authorized_operations: bool = wire(Boolean, "8-10")
    include_topic_authorized_operations: bool = wire(Boolean, "8+")


@message()
class MetadataResponseBroker:
    node_id: int = wire(Int32)
    host: str = wire(String)
    port: int = wire(Int32)
    rack: str | None = wire(String, "1+", nullable="1+", default=None)


@message()
class MetadataResponsePartition:
    error_code: int = wire(Int16)
    partition_index: int = wire(Int32)
    leader_id: int = wire(Int32)  # -1: none
    leader_epoch: int = wire(Int32, "7+", default=-1)
    replica_nodes: list[int] = wire(Array(Int32))
    isr_nodes: list[int] = wire(Array(Int32))
    offline_replicas: list[int] = wire(Array(Int32), "5+")


@message()
class MetadataResponseTopic:
    error_code: int = wire(Int16)
    name: str | None = wire(String, nullable="12+")
    topic_id: UUID = wire(Uuid, "10+")
    is_internal: bool = wire(Boolean, "1+")
    partitions: list[MetadataResponsePartition] = wire(Array(MetadataResponsePartition))
    # a bit for each operation; the least int32: not asked for
    topic_authorized_operations: int = wire(Int32, "8+", default=-2147483648)


@message(versions="0-13", flexible="9+")
class MetadataResponse:
    throttle_time_ms: int = wire(Int32, "3+")
    brokers: list[MetadataResponseBroker] = wire(Array(MetadataResponseBroker))
    cluster_id: str | None = wire(String, "2+", nullable="2+", default=None)
    controller_id: int = wire(Int32, "1+", default=-1)  # -1: none is known
    topics: list[MetadataResponseTopic | bytes] = wire(Array(MetadataResponseTopic, kept=True))
    # a bit for each operation; the least int32: not asked for
    cluster_authorized_operations: int = wire(Int32, "8-10", default=-2147483648)
    error_code: int = wire(Int16, "13+")


METADATA = Api(3, MetadataRequest, MetadataResponse)
