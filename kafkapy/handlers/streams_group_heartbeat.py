"""StreamsGroupHeartbeat: join a streams group, stay in it, leave it (KIP-1071)."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from kafkapy.coordinator.streams.configured_topology import StatusCode
from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.topic_names import check_topic_name, is_internal
from kafkapy.parking import wait_for
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import CreatableTopic
from kafkapy.protocol.messages.streams_group_heartbeat import (
    STREAMS_GROUP_HEARTBEAT,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    Topology,
)

_SHOWN_FAILURES = 3


@serves(STREAMS_GROUP_HEARTBEAT)
def streams_group_heartbeat(
    request: StreamsGroupHeartbeatRequest, call: Call
) -> StreamsGroupHeartbeatResponse | Awaitable[StreamsGroupHeartbeatResponse]:
    if not call.node.groups.serves_streams_groups:
        return StreamsGroupHeartbeatResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    try:
        if request.topology is not None:
            _check_names(request.topology)
        beat = call.node.groups.run(
            request.group_id, lambda shard, now_ms: shard.streams.membership.heartbeat(request, call.caller, now_ms)
        )
    except KafkaError as error:
        return StreamsGroupHeartbeatResponse(error_code=error.code, error_message=error.why)
    if beat.is_done and not beat.result()[1]:
        return beat.result()[0]
    return _wait_answer(wait_for(beat), request.group_id, call)


async def _wait_answer(
    beat: Awaitable[tuple[StreamsGroupHeartbeatResponse, Sequence[CreatableTopic]]], group_id: str, call: Call
) -> StreamsGroupHeartbeatResponse:
    """The answer; topics that the group needs are made before it leaves, so that the next one finds them."""
    response, to_create = await beat
    if to_create:
        remember_ms = 2 * call.node.groups.streams_heartbeat_interval_ms(group_id)
        await call.node.streams_topics.wait_make(to_create, remember_ms)
        _tell(response, call.node.streams_topics.failures(topic.name for topic in to_create))
    return response


def _tell(response: StreamsGroupHeartbeatResponse, failures: dict[str, str]) -> None:
    status = next((one for one in response.status or () if one.status_code == StatusCode.MISSING_INTERNAL_TOPICS), None)
    if status is None or not failures:
        return
    told = ", ".join(f"{name} ({why})" for name, why in list(failures.items())[:_SHOWN_FAILURES])
    more = len(failures) - _SHOWN_FAILURES
    status.status_detail += f"; Creation failed: {told}" + (f" and {more} more." if more > 0 else ".")


def _check_names(topology: Topology) -> None:
    """Raise KafkaError(STREAMS_INVALID_TOPOLOGY) for topics that no topology may have."""
    names: dict[str, None] = {}
    for one in topology.subtopologies:
        infos = (*one.repartition_source_topics, *one.state_changelog_topics)
        names |= dict.fromkeys((*one.source_topics, *one.repartition_sink_topics, *(info.name for info in infos)))
    prohibited = [name for name in names if is_internal(name)]
    if prohibited:
        why = f"Use of Kafka internal topics {','.join(prohibited)} in a Kafka Streams topology is prohibited."
        raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, why)
    invalid = [name for name in names if not _is_valid(name)]
    if invalid:
        why = f"Topic names {','.join(invalid)} are not valid topic names."
        raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, why)


def _is_valid(name: str) -> bool:
    try:
        check_topic_name(name)
    except KafkaError:
        return False
    return True
