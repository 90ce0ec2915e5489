"""What a heartbeat of a streams group says, and what it must not (KIP-1071). Apache: GroupCoordinatorService."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.streams.configured_topology import ConfiguredSubtopology
from kafkapy.coordinator.streams.member import JOINING, LEAVING_FOR_A_WHILE, Endpoint, StreamsMember
from kafkapy.coordinator.streams.tasks import Tasks, numbers_of
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest, TaskIds


def check_request(request: StreamsGroupHeartbeatRequest) -> None:
    """Raise KafkaError(INVALID_REQUEST, STREAMS_INVALID_TOPOLOGY) for what is wrong whatever the group is."""
    _check_unsupported(request)
    texts = {"Member": request.member_id, "Group": request.group_id, "Rack": request.rack_id}
    for name, text in texts.items():
        if text is not None and not text.strip():
            raise _invalid(f"{name}Id can't be empty.")
    owned = request.active_tasks, request.standby_tasks, request.warmup_tasks
    if request.member_epoch == JOINING:
        _check_joining(request)
    elif request.member_epoch == LEAVING_FOR_A_WHILE:
        raise _invalid("InstanceId can't be null.")
    elif request.member_epoch < LEAVING_FOR_A_WHILE:
        raise _invalid(f"MemberEpoch is {request.member_epoch}, but must be greater than or equal to -2.")
    if any(tasks is not None for tasks in owned) and any(tasks is None for tasks in owned):
        raise _invalid("If one task-type is non-null, all must be non-null.")
    if request.member_epoch != JOINING and request.topology is not None:
        raise _invalid("Topology can only be provided when (re-)joining.")


def _check_unsupported(request: StreamsGroupHeartbeatRequest) -> None:
    """Refuse what the protocol has room for, and Apache Kafka 4.3 does not serve yet."""
    if request.instance_id is not None:
        raise _invalid("Static membership is not yet supported.")
    if request.task_offsets is not None:
        raise _invalid("TaskOffsets are not supported yet.")
    if request.task_end_offsets is not None:
        raise _invalid("TaskEndOffsets are not supported yet.")
    if request.warmup_tasks:
        raise _invalid("WarmupTasks are not supported yet.")
    if request.topology is not None and any(one.source_topic_regex for one in request.topology.subtopologies):
        raise _invalid("Regular expressions for source topics are not supported yet.")


def _check_joining(request: StreamsGroupHeartbeatRequest) -> None:
    if request.rebalance_timeout_ms == -1:
        raise _invalid("RebalanceTimeoutMs must be provided in first request.")
    owned = {"Active": request.active_tasks, "Standby": request.standby_tasks, "Warmup": request.warmup_tasks}
    for name, tasks in owned.items():
        if tasks is None or tasks:
            raise _invalid(f"{name}Tasks must be empty when (re-)joining.")
    if request.topology is None:
        raise _invalid("Topology must be non-null when (re-)joining.")
    for one in request.topology.subtopologies:
        for topic in one.state_changelog_topics:
            if topic.partitions:
                why = (
                    f"Changelog topic {topic.name} must have an undefined partition count, but it is set to "
                    f"{topic.partitions}."
                )
                raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, why)


def check_tasks(request: StreamsGroupHeartbeatRequest, subtopologies: Mapping[str, ConfiguredSubtopology]) -> None:
    """Raise KafkaError(INVALID_REQUEST) for tasks that the topology does not have."""
    for tasks in (request.active_tasks, request.standby_tasks, request.warmup_tasks):
        for ids in tasks or ():
            _check_task(ids, subtopologies.get(ids.subtopology_id))


def _check_task(ids: TaskIds, subtopology: ConfiguredSubtopology | None) -> None:
    if subtopology is None:
        raise _invalid(f"Subtopology {ids.subtopology_id} does not exist in the topology.")
    count = subtopology.task_count
    for partition in ids.partitions:
        if not 0 <= partition < count:
            raise _invalid(
                f"Task {partition} for subtopology {ids.subtopology_id} is invalid. Number of tasks for this "
                f"subtopology: {count}"
            )


def owned_in(request: StreamsGroupHeartbeatRequest) -> Tasks | None:
    """The tasks that the member says it has; None if it does not say."""
    if request.active_tasks is None or request.standby_tasks is None or request.warmup_tasks is None:
        return None
    return Tasks(*map(numbers_of, (request.active_tasks, request.standby_tasks, request.warmup_tasks)))


def as_told(before: StreamsMember, request: StreamsGroupHeartbeatRequest, caller: Caller) -> StreamsMember:
    """The member with what the heartbeat says of it; what it leaves out stays as it was."""
    endpoint, tags = request.user_endpoint, request.client_tags
    return replace(
        before,
        rack_id=before.rack_id if request.rack_id is None else request.rack_id,
        rebalance_timeout_ms=(
            before.rebalance_timeout_ms if request.rebalance_timeout_ms == -1 else request.rebalance_timeout_ms
        ),
        topology_epoch=before.topology_epoch if request.topology is None else request.topology.epoch,
        client_id=caller.client_id,
        client_host=caller.client_host,
        process_id=before.process_id if request.process_id is None else request.process_id,
        client_tags=before.client_tags if tags is None else {tag.key: tag.value for tag in tags},
        user_endpoint=before.user_endpoint if endpoint is None else Endpoint(endpoint.host, endpoint.port),
    )


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, why)
