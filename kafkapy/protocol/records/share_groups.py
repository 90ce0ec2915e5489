"""The records of `__consumer_offsets` that are about share groups (KIP-932), written as those in `groups` are.

A share group's epochs, members and assignments are like a consumer group's. Besides, it notes which partitions have a
state with the share coordinator, which are to get one, and of which topics it is being deleted.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.message import Array, Int8, Int32, Int64, String, Uuid, message, wire


@message(versions="0")
class ShareGroupMemberMetadataKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ShareGroupMemberMetadataValue:
    rack_id: str | None = wire(String, nullable="0+")
    client_id: str = wire(String)
    client_host: str = wire(String)
    subscribed_topic_names: list[str] = wire(Array(String))


@message(versions="0")
class ShareGroupMetadataKey:
    group_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ShareGroupMetadataValue:
    epoch: int = wire(Int32)
    metadata_hash: int = wire(Int64)


@message(versions="0")
class ShareGroupTargetAssignmentMetadataKey:
    group_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class ShareGroupTargetAssignmentMetadataValue:
    assignment_epoch: int = wire(Int32)
    assignment_timestamp: int = wire(Int64, tag=0)  # since Kafka 4.3; 0: not known


@message(versions="0")
class ShareGroupTargetAssignmentMemberKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class TopicPartition:
    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class ShareGroupTargetAssignmentMemberValue:
    topic_partitions: list[TopicPartition] = wire(Array(TopicPartition))


@message(versions="0")
class ShareGroupCurrentMemberAssignmentKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class TopicPartitions:
    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class ShareGroupCurrentMemberAssignmentValue:
    member_epoch: int = wire(Int32)
    previous_member_epoch: int = wire(Int32)
    state: int = wire(Int8)
    assigned_partitions: list[TopicPartitions] = wire(Array(TopicPartitions))


@message(versions="0")
class ShareGroupStatePartitionMetadataKey:
    group_id: str = wire(String, "0")


@message()
class TopicPartitionsInfo:
    topic_id: UUID = wire(Uuid)
    topic_name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class TopicInfo:
    topic_id: UUID = wire(Uuid)
    topic_name: str = wire(String)


@message(versions="0", flexible="0+")
class ShareGroupStatePartitionMetadataValue:
    initializing_topics: list[TopicPartitionsInfo] = wire(Array(TopicPartitionsInfo))
    initialized_topics: list[TopicPartitionsInfo] = wire(Array(TopicPartitionsInfo))
    deleting_topics: list[TopicInfo] = wire(Array(TopicInfo))


SHARE_GROUP_RECORDS: dict[int, tuple[type[Any], type[Any]]] = {
    10: (ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue),
    11: (ShareGroupMetadataKey, ShareGroupMetadataValue),
    12: (ShareGroupTargetAssignmentMetadataKey, ShareGroupTargetAssignmentMetadataValue),
    13: (ShareGroupTargetAssignmentMemberKey, ShareGroupTargetAssignmentMemberValue),
    14: (ShareGroupCurrentMemberAssignmentKey, ShareGroupCurrentMemberAssignmentValue),
    15: (ShareGroupStatePartitionMetadataKey, ShareGroupStatePartitionMetadataValue),
}
"""Key and value of every kind of record, by the number that a key begins with."""
