"""StreamsGroupDescribe (key 89): the topology, the epochs, the members and the tasks of streams groups (KIP-1071)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, UInt16, message, wire


@message(versions="0", flexible="0+")
class StreamsGroupDescribeRequest:
    group_ids: list[str] = wire(Array(String))
    include_authorized_operations: bool = wire(Boolean)


@message()
class KeyValue:
    key: str = wire(String)
    value: str = wire(String)


@message()
class TopicInfo:
    name: str = wire(String)
    partitions: int = wire(Int32)
    replication_factor: int = wire(Int16)
    topic_configs: list[KeyValue] = wire(Array(KeyValue))


@message()
class Subtopology:
    subtopology_id: str = wire(String)
    source_topics: list[str] = wire(Array(String))
    repartition_sink_topics: list[str] = wire(Array(String))
    state_changelog_topics: list[TopicInfo] = wire(Array(TopicInfo))
    repartition_source_topics: list[TopicInfo] = wire(Array(TopicInfo))


@message()
class Topology:
    """With the numbers of partitions filled in, once the group's topics are as they must be."""

    epoch: int = wire(Int32)
    subtopologies: list[Subtopology] | None = wire(Array(Subtopology), nullable="0+", default=None)


@message()
class Endpoint:
    host: str = wire(String)
    port: int = wire(UInt16)


@message()
class TaskOffset:
    subtopology_id: str = wire(String)
    partition: int = wire(Int32)
    offset: int = wire(Int64)


@message()
class TaskIds:
    subtopology_id: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class Assignment:
    active_tasks: list[TaskIds] = wire(Array(TaskIds))
    standby_tasks: list[TaskIds] = wire(Array(TaskIds))
    warmup_tasks: list[TaskIds] = wire(Array(TaskIds))


@message()
class Member:
    member_id: str = wire(String)
    member_epoch: int = wire(Int32)
    instance_id: str | None = wire(String, nullable="0+", default=None)
    rack_id: str | None = wire(String, nullable="0+", default=None)
    client_id: str = wire(String)
    client_host: str = wire(String)
    topology_epoch: int = wire(Int32)
    process_id: str = wire(String)
    user_endpoint: Endpoint | None = wire(Endpoint, nullable="0+", default=None)
    client_tags: list[KeyValue] = wire(Array(KeyValue))
    task_offsets: list[TaskOffset] = wire(Array(TaskOffset))
    task_end_offsets: list[TaskOffset] = wire(Array(TaskOffset))
    assignment: Assignment = wire(Assignment)
    target_assignment: Assignment = wire(Assignment)
    is_classic: bool = wire(Boolean)


@message()
class DescribedStreamsGroup:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    group_id: str = wire(String)
    group_state: str = wire(String)
    group_epoch: int = wire(Int32)
    assignment_epoch: int = wire(Int32)
    topology: Topology | None = wire(Topology, nullable="0+", default=None)
    members: list[Member] = wire(Array(Member))
    # a bit for each operation; the least int32: not asked for
    authorized_operations: int = wire(Int32, default=-2147483648)


@message(versions="0", flexible="0+")
class StreamsGroupDescribeResponse:
    throttle_time_ms: int = wire(Int32)
    groups: list[DescribedStreamsGroup] = wire(Array(DescribedStreamsGroup))


STREAMS_GROUP_DESCRIBE = Api(89, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse)
