"""The records of `__consumer_offsets`: groups of both kinds and the offsets committed by all groups.

A key is an int16, its kind in `GROUP_RECORDS`, and the key's message in version 0; a value is an int16, its version,
and the value's message; a null value is a tombstone. Kind 0 is an offset commit from before Kafka 0.9, in the form of
kind 1. OffsetCommitValue: v1 alone carries an expiry, v3 leader epoch, v4 flexible encoding with the topic's id as a
tag. GroupMetadataValue: v1 rebalance timeout, v2 time of the last change, v3 static members (KIP-345), v4 flexible
encoding. What begins with ConsumerGroup is a group of KIP-848; its partition metadata was replaced by a hash in Kafka
4.1 (KIP-1101), and is only deleted now.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.message import Array, Bytes, Int8, Int32, Int64, String, Uuid, message, wire


@message(versions="0")
class OffsetCommitKey:
    """Which offset a record is about."""

    group: str = wire(String, "0")
    topic: str = wire(String, "0")
    partition: int = wire(Int32, "0")


@message(versions="0-4", flexible="4+")
class OffsetCommitValue:
    """What was committed; times are in ms since the epoch."""

    offset: int = wire(Int64)
    leader_epoch: int = wire(Int32, "3+", default=-1)  # of the last record consumed; -1: not known
    metadata: str = wire(String)
    commit_timestamp: int = wire(Int64)
    expire_timestamp: int = wire(Int64, "1", default=-1)  # -1: the broker's retention decides
    topic_id: UUID = wire(Uuid, "4+", tag=0)


@message(versions="0")
class GroupMetadataKey:
    """Which group a record is about."""

    group: str = wire(String, "0")


@message()
class MemberMetadata:
    """A member of a group; timeouts are in ms."""

    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    client_id: str = wire(String)
    client_host: str = wire(String)
    rebalance_timeout: int = wire(Int32, "1+", default=-1)  # -1: the session timeout counts
    session_timeout: int = wire(Int32)
    subscription: bytes = wire(Bytes)  # the member's metadata for the protocol chosen
    assignment: bytes = wire(Bytes)


@message(versions="0-4", flexible="4+")
class GroupMetadataValue:
    """A classic group after a rebalance."""

    protocol_type: str = wire(String)
    generation: int = wire(Int32)
    protocol: str | None = wire(String, nullable="0+")
    leader: str | None = wire(String, nullable="0+")
    current_state_timestamp: int = wire(Int64, "2+", default=-1)  # ms since the epoch; -1: not known
    members: list[MemberMetadata] = wire(Array(MemberMetadata))


@message(versions="0")
class ConsumerGroupMetadataKey:
    """Which consumer group a record is about."""

    group_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ConsumerGroupMetadataValue:
    """How often the group has changed, and what it then knew of its topics."""

    epoch: int = wire(Int32)
    metadata_hash: int = wire(Int64, tag=0)  # since Kafka 4.1


@message(versions="0")
class ConsumerGroupPartitionMetadataKey:
    group_id: str = wire(String, "0")


@message()
class PartitionMetadata:
    partition: int = wire(Int32)
    racks: list[str] = wire(Array(String))


@message()
class TopicMetadata:
    topic_id: UUID = wire(Uuid)
    topic_name: str = wire(String)
    num_partitions: int = wire(Int32)
    partition_metadata: list[PartitionMetadata] = wire(Array(PartitionMetadata))


@message(versions="0", flexible="0+")
class ConsumerGroupPartitionMetadataValue:
    """What a group knew of its topics, before Kafka 4.1."""

    topics: list[TopicMetadata] = wire(Array(TopicMetadata))


@message(versions="0")
class ConsumerGroupMemberMetadataKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class ClassicProtocol:
    """A way to divide partitions that a classic member knows, and what it said under it."""

    name: str = wire(String)
    metadata: bytes = wire(Bytes)


@message()
class ClassicMemberMetadata:
    """What a member that uses the classic protocol said when it joined."""

    session_timeout_ms: int = wire(Int32)
    supported_protocols: list[ClassicProtocol] = wire(Array(ClassicProtocol))


@message(versions="0", flexible="0+")
class ConsumerGroupMemberMetadataValue:
    """What a member said of itself."""

    instance_id: str | None = wire(String, nullable="0+")
    rack_id: str | None = wire(String, nullable="0+")
    client_id: str = wire(String)
    client_host: str = wire(String)
    subscribed_topic_names: list[str] = wire(Array(String))
    subscribed_topic_regex: str | None = wire(String, nullable="0+")
    rebalance_timeout_ms: int = wire(Int32, default=-1)
    server_assignor: str | None = wire(String, nullable="0+")
    # Null is written, and says that the member does not use the classic protocol; absent stands for empty metadata.
    classic_member_metadata: ClassicMemberMetadata | None = wire(ClassicMemberMetadata, nullable="0+", tag=0)


@message(versions="0")
class ConsumerGroupTargetAssignmentMetadataKey:
    group_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ConsumerGroupTargetAssignmentMetadataValue:
    """Up to which epoch of the group the partitions are assigned, and since when, in ms since the epoch."""

    assignment_epoch: int = wire(Int32)
    assignment_timestamp: int = wire(Int64, tag=0)  # since Kafka 4.3; 0: not known


@message(versions="0")
class ConsumerGroupTargetAssignmentMemberKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class TargetTopicPartitions:
    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class ConsumerGroupTargetAssignmentMemberValue:
    """What a member is to have in the end."""

    topic_partitions: list[TargetTopicPartitions] = wire(Array(TargetTopicPartitions))


@message(versions="0")
class ConsumerGroupCurrentMemberAssignmentKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class CurrentTopicPartitions:
    """Partitions, and for each the member's epoch when it got it (none in records from before Kafka 4.3)."""

    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))
    assignment_epochs: list[int] | None = wire(Array(Int32), nullable="0+", tag=0)


@message(versions="0", flexible="0+")
class ConsumerGroupCurrentMemberAssignmentValue:
    """What a member has now, and how far it is on its way to what it is to have."""

    member_epoch: int = wire(Int32)
    previous_member_epoch: int = wire(Int32)
    state: int = wire(Int8)
    assigned_partitions: list[CurrentTopicPartitions] = wire(Array(CurrentTopicPartitions))
    partitions_pending_revocation: list[CurrentTopicPartitions] = wire(Array(CurrentTopicPartitions))


@message(versions="0")
class ConsumerGroupRegularExpressionKey:
    group_id: str = wire(String, "0")
    regular_expression: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ConsumerGroupRegularExpressionValue:
    """The topics that a regular expression matched, when, and in which version of the metadata."""

    topics: list[str] = wire(Array(String))
    version: int = wire(Int64)
    timestamp: int = wire(Int64)


GROUP_RECORDS: dict[int, tuple[type[Any], type[Any]]] = {
    0: (OffsetCommitKey, OffsetCommitValue),  # from before 0.9: the same fields
    1: (OffsetCommitKey, OffsetCommitValue),
    2: (GroupMetadataKey, GroupMetadataValue),
    3: (ConsumerGroupMetadataKey, ConsumerGroupMetadataValue),
    4: (ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue),
    5: (ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue),
    6: (ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue),
    7: (ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue),
    8: (ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue),
    16: (ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue),
}
"""Key and value of every kind of record, by the number that a key begins with."""
