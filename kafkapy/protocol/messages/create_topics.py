"""CreateTopics (key 19).

v1 validate only, error messages; v2 throttle time; v4 -1 partitions or replicas mean the broker's default (KIP-464);
v5 flexible encoding, and the response tells the topic's configuration (KIP-525); v6 may answer
THROTTLING_QUOTA_EXCEEDED (KIP-599); v7 the topic's id.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, Uuid, message, wire


@message()
class CreatableReplicaAssignment:
    """The brokers of one partition, its preferred leader first."""

    partition_index: int = wire(Int32)
    broker_ids: list[int] = wire(Array(Int32))


@message()
class CreatableTopicConfig:
    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")


@message()
class CreatableTopic:
    name: str = wire(String)
    num_partitions: int = wire(Int32)  # -1: as assigned, or the broker's default (v4)
    replication_factor: int = wire(Int16)  # -1: as assigned, or the broker's default (v4)
    assignments: list[CreatableReplicaAssignment] = wire(Array(CreatableReplicaAssignment))
    configs: list[CreatableTopicConfig] = wire(Array(CreatableTopicConfig))


@message(versions="0-7", flexible="5+")
class CreateTopicsRequest:
    topics: list[CreatableTopic] = wire(Array(CreatableTopic))
    timeout_ms: int = wire(Int32, default=60000)
    validate_only: bool = wire(Boolean, "1+")


@message()
class CreatableTopicConfigs:
    """One property of the topic made; `config_source` as in DescribeConfigs."""

    name: str = wire(String, "5+")
    value: str | None = wire(String, "5+", nullable="5+")
    read_only: bool = wire(Boolean, "5+")
    config_source: int = wire(Int8, "5+", default=-1)
    is_sensitive: bool = wire(Boolean, "5+")


@message()
class CreatableTopicResult:
    name: str = wire(String)
    topic_id: UUID = wire(Uuid, "7+")
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, "1+", nullable="0+")
    # why there are no configs, such as TOPIC_AUTHORIZATION_FAILED
    topic_config_error_code: int = wire(Int16, "5+", tag=0)
    num_partitions: int = wire(Int32, "5+", default=-1)
    replication_factor: int = wire(Int16, "5+", default=-1)
    configs: list[CreatableTopicConfigs] | None = wire(Array(CreatableTopicConfigs), "5+", nullable="5+")


@message(versions="0-7", flexible="5+")
class CreateTopicsResponse:
    throttle_time_ms: int = wire(Int32, "2+")
    topics: list[CreatableTopicResult] = wire(Array(CreatableTopicResult))


CREATE_TOPICS = Api(19, CreateTopicsRequest, CreateTopicsResponse)
