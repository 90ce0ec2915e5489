"""The records of `__cluster_metadata`: what the cluster is, one change after another.

A record's value is a frame version, the record's number in `METADATA_RECORDS` and its version, each an unsigned varint,
and then the record; its key is null. All are flexible from their first version. Versions: RegisterBroker v1 controlled
shutdown, v2 migrating from ZooKeeper, v3 log directories (KIP-858), v4 cordoned ones; BrokerRegistrationChange v1, v2
and v3 the same but for the migration; Partition and PartitionChange v1 a log directory per replica (KIP-858), v2
eligible leader replicas (KIP-966). Records of older releases whose number is missing here have been retired.
"""

from __future__ import annotations

from typing import Any
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
    """The records since BeginTransactionRecord do not count."""

    reason: str | None = wire(String, nullable="0+", default=None, tag=0)


@message(versions="0", flexible="0+")
class AccessControlEntryRecord:
    """An access control entry begins to hold."""

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
    """What follows takes effect together, at EndTransactionRecord (KIP-868)."""

    name: str | None = wire(String, nullable="0+", default=None, tag=0)


@message(versions="0-3", flexible="0+")
class BrokerRegistrationChangeRecord:
    """A registered broker changed; 0 in a field of three states means that it did not."""

    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64)
    fenced: int = wire(Int8, tag=0)  # -1 unfenced, 1 fenced
    in_controlled_shutdown: int = wire(Int8, "1+", tag=1)  # 1 shutting down
    log_dirs: list[UUID] = wire(Array(Uuid), "2+", tag=2)
    cordoned_log_dirs: list[UUID] | None = wire(Array(Uuid), "3+", nullable="3+", default=None, tag=3)


@message(versions="0", flexible="0+")
class ClearElrRecord:
    """The eligible leader replicas of a topic are forgotten; of every topic, if the name is empty."""

    topic_name: str = wire(String)


@message()
class EntityData:
    """One part of what a quota is about; a null name is the default entity."""

    entity_type: str = wire(String)
    entity_name: str | None = wire(String, nullable="0+")


@message(versions="0", flexible="0+")
class ClientQuotaRecord:
    """A quota is set or removed."""

    entity: list[EntityData] = wire(Array(EntityData))
    key: str = wire(String)
    value: float = wire(Float64)
    remove: bool = wire(Boolean)


@message(versions="0", flexible="0+")
class ConfigRecord:
    """A property of a resource is set; a null value takes it back to its default."""

    resource_type: int = wire(Int8)  # 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group
    resource_name: str = wire(String)
    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")


@message(versions="0", flexible="0+")
class DelegationTokenRecord:
    """A delegation token was issued or renewed; times are in ms since the epoch."""

    owner: str = wire(String)
    requester: str = wire(String)
    renewers: list[str] = wire(Array(String))
    issue_timestamp: int = wire(Int64)
    max_timestamp: int = wire(Int64)
    expiration_timestamp: int = wire(Int64)
    token_id: str = wire(String)


@message(versions="0", flexible="0+")
class EndTransactionRecord:
    """What followed BeginTransactionRecord takes effect."""


@message(versions="0", flexible="0+")
class FeatureLevelRecord:
    """A feature's finalized level, `metadata.version` first of all; level 0 removes it."""

    name: str = wire(String)
    feature_level: int = wire(Int16)


@message(versions="0", flexible="0+")
class FenceBrokerRecord:
    """A broker may lead nothing (before BrokerRegistrationChangeRecord)."""

    id: int = wire(Int32)
    epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class NoOpRecord:
    """Nothing changed; it moves the high watermark of an idle log on."""


@message(versions="0-2", flexible="0+")
class PartitionChangeRecord:
    """A partition changed; a field at its default did not. The partition epoch goes up by one."""

    partition_id: int = wire(Int32, default=-1)
    topic_id: UUID = wire(Uuid)
    isr: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=0)
    leader: int = wire(Int32, default=-2, tag=1)  # -1: none, -2: as it was
    replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=2)
    removing_replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=3)
    adding_replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None, tag=4)
    leader_recovery_state: int = wire(Int8, default=-1, tag=5)  # -1: as it was
    directories: list[UUID] | None = wire(Array(Uuid), "1+", nullable="1+", default=None, tag=8)
    eligible_leader_replicas: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=6)
    last_known_elr: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=7)


@message(versions="0-2", flexible="0+")
class PartitionRecord:
    """A partition, whole."""

    partition_id: int = wire(Int32, default=-1)
    topic_id: UUID = wire(Uuid)
    replicas: list[int] = wire(Array(Int32))
    isr: list[int] = wire(Array(Int32))
    removing_replicas: list[int] = wire(Array(Int32))
    adding_replicas: list[int] = wire(Array(Int32))
    leader: int = wire(Int32, default=-1)  # -1: none
    leader_recovery_state: int = wire(Int8, tag=0)  # 1: elected uncleanly and still recovering
    leader_epoch: int = wire(Int32, default=-1)
    partition_epoch: int = wire(Int32, default=-1)
    directories: list[UUID] = wire(Array(Uuid), "1+")
    eligible_leader_replicas: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=1)
    last_known_elr: list[int] | None = wire(Array(Int32), "2+", nullable="2+", default=None, tag=2)


@message(versions="0", flexible="0+")
class ProducerIdsRecord:
    """A block of producer ids was given to a broker."""

    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64, default=-1)
    next_producer_id: int = wire(Int64)  # the first id of the next block


@message()
class BrokerEndpoint:
    """Where a broker listens."""

    name: str = wire(String)
    host: str = wire(String)
    port: int = wire(UInt16)
    security_protocol: int = wire(Int16)


@message()
class BrokerFeature:
    """The levels of a feature that a broker supports, both ends included."""

    name: str = wire(String)
    min_supported_version: int = wire(Int16)
    max_supported_version: int = wire(Int16)


@message(versions="0-4", flexible="0+")
class RegisterBrokerRecord:
    """A broker registered. Its epoch is the offset of this record."""

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
    """Where a controller listens."""

    name: str = wire(String)
    host: str = wire(String)
    port: int = wire(UInt16)
    security_protocol: int = wire(Int16)


@message()
class ControllerFeature:
    """The levels of a feature that a controller supports, both ends included."""

    name: str = wire(String)
    min_supported_version: int = wire(Int16)
    max_supported_version: int = wire(Int16)


@message(versions="0", flexible="0+")
class RegisterControllerRecord:
    """A controller registered (KIP-919)."""

    controller_id: int = wire(Int32)
    incarnation_id: UUID = wire(Uuid)
    zk_migration_ready: bool = wire(Boolean)
    end_points: list[ControllerEndpoint] = wire(Array(ControllerEndpoint))
    features: list[ControllerFeature] = wire(Array(ControllerFeature))


@message(versions="0", flexible="0+")
class RemoveAccessControlEntryRecord:
    """An access control entry no longer holds."""

    id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class RemoveDelegationTokenRecord:
    """A delegation token is gone."""

    token_id: str = wire(String)


@message(versions="0", flexible="0+")
class RemoveTopicRecord:
    """A topic is deleted, with its partitions and its configuration."""

    topic_id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class RemoveUserScramCredentialRecord:
    """A user's SCRAM credential is gone."""

    name: str = wire(String)
    mechanism: int = wire(Int8)


@message(versions="0", flexible="0+")
class TopicRecord:
    """A topic was created; its partitions follow."""

    name: str = wire(String)
    topic_id: UUID = wire(Uuid)


@message(versions="0", flexible="0+")
class UnfenceBrokerRecord:
    """A broker may lead again (before BrokerRegistrationChangeRecord)."""

    id: int = wire(Int32)
    epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class UnregisterBrokerRecord:
    """A broker is no longer part of the cluster."""

    broker_id: int = wire(Int32)
    broker_epoch: int = wire(Int64)


@message(versions="0", flexible="0+")
class UserScramCredentialRecord:
    """A user's SCRAM credential (KIP-900)."""

    name: str = wire(String)
    mechanism: int = wire(Int8)
    salt: bytes = wire(Bytes)
    stored_key: bytes = wire(Bytes)
    server_key: bytes = wire(Bytes)
    iterations: int = wire(Int32)


@message(versions="0", flexible="0+")
class ZkMigrationStateRecord:
    """How far the migration from ZooKeeper is; 0 where there is none. Still in the logs of migrated clusters."""

    zk_migration_state: int = wire(Int8)


METADATA_RECORDS: dict[int, type[Any]] = {
    0: RegisterBrokerRecord,
    1: UnregisterBrokerRecord,
    2: TopicRecord,
    3: PartitionRecord,
    4: ConfigRecord,
    5: PartitionChangeRecord,
    7: FenceBrokerRecord,
    8: UnfenceBrokerRecord,
    9: RemoveTopicRecord,
    10: DelegationTokenRecord,
    11: UserScramCredentialRecord,
    12: FeatureLevelRecord,
    14: ClientQuotaRecord,
    15: ProducerIdsRecord,
    17: BrokerRegistrationChangeRecord,
    18: AccessControlEntryRecord,
    19: RemoveAccessControlEntryRecord,
    20: NoOpRecord,
    21: ZkMigrationStateRecord,
    22: RemoveUserScramCredentialRecord,
    23: BeginTransactionRecord,
    24: EndTransactionRecord,
    25: AbortTransactionRecord,
    26: RemoveDelegationTokenRecord,
    27: RegisterControllerRecord,
    28: ClearElrRecord,
}
"""Every record by the number that stands before it in the log."""
