"""The records of `__cluster_metadata`."""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.message import (
    Array,
    Boolean,
    Bytes,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    String,
    UInt16,
    Uuid,
    message,
    wire,
)


@message(versions="0", flexible="0+")
class AbortTransactionRecord:
    reason: str | None = wire(String, nullable="0+", default=None, tag=0)


@message(versions="0", flexible="0+")
class AccessControlEntryRecord:
    id: UUID = wire(Uuid)
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    pattern_type: int = wire(Int8)
    principal: str = wire(String)
    host: str = wire(String)
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message(versions="0", flexible="0+")
class BeginTransactionRecord:
    name: str | None = wire(String, nullable="0+", default=None, tag=0)


@message(versions="0-3", flexible="0+")
class BrokerRegistrationChangeRecord:
    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64)
    fenced: int = wire(Int8, tag=0)
    in_controlled_shutdown: int = wire(Int8, "1+", tag=1)
    log_dirs: list[UUID] = wire(Array(Uuid), "2+", tag=2)
    cordoned_log_dirs: list[UUID] | None = wire(Array(Uuid), "3+", nullable="3+", default=None, tag=3)


@message(versions="0", flexible="0+")
class ClearElrRecord:
    topic_name: str = wire(String)


@message()
class EntityData:
    entity_type: str = wire(String)
    entity_name: str | None = wire(String, nullable="0+")


@message(versions="0", flexible="0+")
class ClientQuotaRecord:
    entity: list[EntityData] = wire(Array(EntityData))
    key: str = wire(String)
    value: float = wire(Float64)
    remove: bool = wire(Boolean)


@message(versions="0", flexible="0+")
class ConfigRecord:
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")


@message(versions="0", flexible="0+")
class DelegationTokenRecord:
    owner: str = wire(String)
    requester: str = wire(String)
    renewers: list[str] = wire(Array(String))
    issue_timestamp: int = wire(Int64)
    max_timestamp: int = wire(Int64)
    expiration_timestamp: int = wire(Int64)
    token_id: str = wire(String)


@message(versions="0", flexible="0+")
class EndTransactionRecord:
    pass


@message(versions="0", flexible="0+")
class FeatureLevelRecord:
    name: str = wire(String)
    feature_level: int = wire(Int16)


@message(versions="0", flexible="0+")
class FenceBrokerRecord:
    id: int = wire(Int32)
    epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class NoOpRecord:
    pass


@message(versions="0-2", flexible="0+")
class PartitionChangeRecord:
    partition_id: int = wire(Int32, default=-1)
    topic_id: UUID = wire(Uuid)
    isr: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=0)
    leader: int = wire(Int32, default=-2, tag=1)
    replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=2)
    removing_replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=3)
    adding_replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=4)
    leader_recovery_state: int = wire(Int8, default=-1, tag=5)
    directories: list[UUID] | None = wire(Array(Uuid), "1+", nullable="1+", default=None, tag=8)
    eligible_leader_replicas: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=6)
    last_known_elr: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=7)


@message(versions="0-2", flexible="0+")
class PartitionRecord:
    partition_id: int = wire(Int32, default=-1)
    topic_id: UUID = wire(Uuid)
    replicas: list[int] = wire(Array(Int32))
    isr: list[int] = wire(Array(Int32))
    removing_replicas: list[int] = wire(Array(Int32))
    adding_replicas: list[int] = wire(Array(Int32))
    leader: int = wire(Int32, default=-1)
    leader_recovery_state: int = wire(Int8, tag=0)
    leader_epoch: int = wire(Int32, default=-1)
    partition_epoch: int = wire(Int32, default=-1)
    directories: list[UUID] = wire(Array(Uuid), "1+")
    eligible_leader_replicas: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=1)
    last_known_elr: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=2)


@message(versions="0", flexible="0+")
class ProducerIdsRecord:
    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64, default=-1)
    next_producer_id: int = wire(Int64)


@message()
class BrokerEndpoint:
    name: str = wire(String)
    host: str = wire(String)
    port: int = wire(UInt16)
    security_protocol: int = wire(Int16)


@message()
class BrokerFeature:
    name: str = wire(String)
    min_supported_version: int = wire(Int16)
    max_supported_version: int = wire(Int16)


@message(versions="0-4", flexible="0+")
class RegisterBrokerRecord:
    broker_id: int = wire(Int32)
    is_migrating_zk_broker: bool = wire(Boolean, "2+")
    incarnation_id: UUID = wire(Uuid)
    broker_epoch: int = wire(Int64)
    end_points: list[BrokerEndpoint] = wire(Array(BrokerEndpoint))
    features: list[BrokerFeature] = wire(Array(BrokerFeature))
    rack: str | None = wire(String, nullable="0+")
    fenced: bool = wire(Boolean, default=True)
    in_controlled_shutdown: bool = wire(Boolean, "1+")
    log_dirs: list[UUID] = wire(Array(Uuid), "3+", tag=0)
    cordoned_log_dirs: list[UUID] | None = wire(Array(Uuid), "4+", nullable="4+", default=None, tag=1)


@message()
class ControllerEndpoint:
    name: str = wire(String)
    host: str = wire(String)
    port: int = wire(UInt16)
    security_protocol: int = wire(Int16)


@message()
class ControllerFeature:
    name: str = wire(String)
    min_supported_version: int = wire(Int16)
    max_supported_version: int = wire(Int16)


@message(versions="0", flexible="0+")
class RegisterControllerRecord:
    controller_id: int = wire(Int32)
    incarnation_id: UUID = wire(Uuid)
    zk_migration_ready: bool = wire(Boolean)
    end_points: list[ControllerEndpoint] = wire(Array(ControllerEndpoint))
    features: list[ControllerFeature] = wire(Array(ControllerFeature))


@message(versions="0", flexible="0+")
class RemoveAccessControlEntryRecord:
    id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class RemoveDelegationTokenRecord:
    token_id: str = wire(String)


@message(versions="0", flexible="0+")
class RemoveTopicRecord:
    topic_id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class RemoveUserScramCredentialRecord:
    name: str = wire(String)
    mechanism: int = wire(Int8)


@message(versions="0", flexible="0+")
class TopicRecord:
    name: str = wire(String)
    topic_id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class UnfenceBrokerRecord:
    id: int = wire(Int32)
    epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class UnregisterBrokerRecord:
    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class UserScramCredentialRecord:
    name: str = wire(String)
    mechanism: int = wire(Int8)
    salt: bytes = wire(Bytes)
    stored_key: bytes = wire(Bytes)
    server_key: bytes = wire(Bytes)
    iterations: int = wire(Int32)


@message(versions="0", flexible="0+")
class ZkMigrationStateRecord:
    zk_migration_state: int = wire(Int8)
