"""StreamsGroupHeartbeat (key 88): a member of a streams group shows that it is alive, and learns its tasks (KIP-1071).

A member is a thread of a Streams application, a process is one running copy of it. The first heartbeat brings the
topology: the parts of the application, each with the topics that it reads, writes and keeps its state in.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, Int64, String, UInt16, message, wire


@message()
class KeyValue:
    key: str = wire(String)
    value: str = wire(String)


@message()
class TopicInfo:
    """An internal topic, which the coordinator makes."""

    name: str = wire(String)
    partitions: int = wire(Int32)  # 0: as many as what it is filled from
    replication_factor: int = wire(Int16)  # 0: as the broker has it
    topic_configs: list[KeyValue] = wire(Array(KeyValue))


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
class CopartitionGroup:
    """Topics of a subtopology that must have equally many partitions, by their places in its lists."""

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


@message()
class Topology:
    epoch: int = wire(Int32)
    subtopologies: list[Subtopology] = wire(Array(Subtopology))


@message(versions="0", flexible="0+")
class StreamsGroupHeartbeatRequest:
    """What is None is as it was in the heartbeat before."""

    group_id: str = wire(String)
    member_id: str = wire(String)
    member_epoch: int = wire(Int32)  # 0 joins, -1 leaves, -2 leaves for a while
    endpoint_information_epoch: int = wire(Int32)
    instance_id: str | None = wire(String, nullable="0+", default=None)
    rack_id: str | None = wire(String, nullable="0+", default=None)
    rebalance_timeout_ms: int = wire(Int32, default=-1)
    topology: Topology | None = wire(Topology, nullable="0+", default=None)  # only of one that joins
    active_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    standby_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    warmup_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    process_id: str | None = wire(String, nullable="0+", default=None)
    user_endpoint: Endpoint | None = wire(Endpoint, nullable="0+", default=None)
    client_tags: list[KeyValue] | None = wire(Array(KeyValue), nullable="0+", default=None)
    task_offsets: list[TaskOffset] | None = wire(Array(TaskOffset), nullable="0+", default=None)
    task_end_offsets: list[TaskOffset] | None = wire(Array(TaskOffset), nullable="0+", default=None)
    shutdown_application: bool = wire(Boolean, default=False)


@message()
class Status:
    """Something that holds the group up."""

    status_code: int = wire(Int8)
    status_detail: str = wire(String)


@message()
class TopicPartition:
    topic: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class EndpointToPartitions:
    """Where the state of these partitions can be asked for."""

    user_endpoint: Endpoint = wire(Endpoint)
    active_partitions: list[TopicPartition] = wire(Array(TopicPartition))
    standby_partitions: list[TopicPartition] = wire(Array(TopicPartition))


@message(versions="0", flexible="0+")
class StreamsGroupHeartbeatResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    member_id: str = wire(String)
    member_epoch: int = wire(Int32)
    heartbeat_interval_ms: int = wire(Int32)
    acceptable_recovery_lag: int = wire(Int32)
    task_offset_interval_ms: int = wire(Int32)
    status: list[Status] | None = wire(Array(Status), nullable="0+")
    active_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    standby_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    warmup_tasks: list[TaskIds] | None = wire(Array(TaskIds), nullable="0+", default=None)
    endpoint_information_epoch: int = wire(Int32)
    partitions_by_user_endpoint: list[EndpointToPartitions] | None = wire(
        Array(EndpointToPartitions), nullable="0+", default=None
    )


STREAMS_GROUP_HEARTBEAT = Api(88, StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse)
