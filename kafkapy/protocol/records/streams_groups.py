"""The records of `__consumer_offsets` that are about streams groups (KIP-1071), written as those in `groups` are.

A streams group's epochs, members and assignments are like a consumer group's, with tasks in the place of partitions.
Besides, it keeps the topology that its members run.
"""

from __future__ import annotations

from typing import Any

from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, UInt16, message, wire


@message(versions="0")
class StreamsGroupMetadataKey:
    group_id: str = wire(String, "0")


@message()
class LastAssignmentConfig:
    key: str = wire(String)
    value: str = wire(String)


@message(versions="0", flexible="0+")
class StreamsGroupMetadataValue:
    epoch: int = wire(Int32)
    metadata_hash: int = wire(Int64)
    validated_topology_epoch: int = wire(Int32, tag=0, default=-1)  # -1: topics are missing, or not as they must be
    last_assignment_configs: list[LastAssignmentConfig] | None = wire(Array(LastAssignmentConfig), nullable="0+", tag=1)


@message(versions="0")
class StreamsGroupMemberMetadataKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class Endpoint:
    host: str = wire(String)
    port: int = wire(UInt16)


@message()
class KeyValue:
    key: str = wire(String)
    value: str = wire(String)


@message(versions="0", flexible="0+")
class StreamsGroupMemberMetadataValue:
    instance_id: str | None = wire(String, nullable="0+")
    rack_id: str | None = wire(String, nullable="0+")
    client_id: str = wire(String)
    client_host: str = wire(String)
    rebalance_timeout_ms: int = wire(Int32, default=-1)
    topology_epoch: int = wire(Int32)
    process_id: str = wire(String)
    user_endpoint: Endpoint | None = wire(Endpoint, nullable="0+", default=None)
    client_tags: list[KeyValue] = wire(Array(KeyValue))


@message(versions="0")
class StreamsGroupTargetAssignmentMetadataKey:
    group_id: str = wire(String, "0")


@message(versions="0", flexible="0+")
class StreamsGroupTargetAssignmentMetadataValue:
    assignment_epoch: int = wire(Int32)
    assignment_timestamp: int = wire(Int64, tag=0)  # since Kafka 4.3; 0: not known


@message(versions="0")
class StreamsGroupTargetAssignmentMemberKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class TargetTaskIds:
    subtopology_id: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class StreamsGroupTargetAssignmentMemberValue:
    active_tasks: list[TargetTaskIds] = wire(Array(TargetTaskIds))
    standby_tasks: list[TargetTaskIds] = wire(Array(TargetTaskIds))
    warmup_tasks: list[TargetTaskIds] = wire(Array(TargetTaskIds))


@message(versions="0")
class StreamsGroupCurrentMemberAssignmentKey:
    group_id: str = wire(String, "0")
    member_id: str = wire(String, "0")


@message()
class CurrentTaskIds:
    subtopology_id: str = wire(String)
    partitions: list[int] = wire(Array(Int32))
    # of active tasks: the epoch in which the member got each
    assignment_epochs: list[int] | None = wire(Array(Int32), nullable="0+", tag=0)


@message(versions="0", flexible="0+")
class StreamsGroupCurrentMemberAssignmentValue:
    member_epoch: int = wire(Int32)
    previous_member_epoch: int = wire(Int32)
    state: int = wire(Int8)
    active_tasks: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))
    standby_tasks: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))
    warmup_tasks: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))
    active_tasks_pending_revocation: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))
    standby_tasks_pending_revocation: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))
    warmup_tasks_pending_revocation: list[CurrentTaskIds] = wire(Array(CurrentTaskIds))


@message(versions="0")
class StreamsGroupTopologyKey:
    group_id: str = wire(String, "0")


@message()
class TopicConfig:
    key: str = wire(String)
    value: str = wire(String)


@message()
class TopicInfo:
    name: str = wire(String)
    partitions: int = wire(Int32)
    replication_factor: int = wire(Int16)
    topic_configs: list[TopicConfig] = wire(Array(TopicConfig))


@message()
class CopartitionGroup:
    source_topics: list[int] = wire(Array(Int16))
    source_topic_regex: list[int] = wire(Array(Int16))
    repartition_source_topics: list[int] = wire(Array(Int16))


@message()
class Subtopology:
    subtopology_id: str = wire(String)
    source_topics: list[str] = wire(Array(String))
    source_topic_regex: list[str] = wire(Array(String))
    state_changelog_topics: list[TopicInfo] = wire(Array(TopicInfo))
    repartition_sink_topics: list[str] = wire(Array(String))
    repartition_source_topics: list[TopicInfo] = wire(Array(TopicInfo))
    copartition_groups: list[CopartitionGroup] = wire(Array(CopartitionGroup))


@message(versions="0", flexible="0+")
class StreamsGroupTopologyValue:
    epoch: int = wire(Int32)
    subtopologies: list[Subtopology] = wire(Array(Subtopology))


STREAMS_GROUP_RECORDS: dict[int, tuple[type[Any], type[Any]]] = {
    17: (StreamsGroupMetadataKey, StreamsGroupMetadataValue),
    19: (StreamsGroupMemberMetadataKey, StreamsGroupMemberMetadataValue),
    20: (StreamsGroupTargetAssignmentMetadataKey, StreamsGroupTargetAssignmentMetadataValue),
    21: (StreamsGroupTargetAssignmentMemberKey, StreamsGroupTargetAssignmentMemberValue),
    22: (StreamsGroupCurrentMemberAssignmentKey, StreamsGroupCurrentMemberAssignmentValue),
    23: (StreamsGroupTopologyKey, StreamsGroupTopologyValue),
}
"""Key and value of every kind of record, by the number that a key begins with."""
