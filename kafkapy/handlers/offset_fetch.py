"""OffsetFetch: how far groups have read. From v8 on for several groups at once, from v10 on with topics by id."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

_FIRST_VERSION_WITH_GROUPS = 8
_FIRST_VERSION_WITH_TOPIC_IDS = 10


@serves(OFFSET_FETCH)
def offset_fetch(request: OffsetFetchRequest, call: Call) -> OffsetFetchResponse:
    if call.version < _FIRST_VERSION_WITH_GROUPS:
        try:
            return call.node.groups.shard_of(request.group_id).fetch_offsets(request, call.caller)
        except KafkaError as error:  # there is no coordinator: before v2 only the partitions have a place for that
            return OffsetFetchResponse(
                topics=[_refused(topic, error.code) for topic in request.topics or []], error_code=error.code
            )
    return OffsetFetchResponse(groups=[_fetch(group, request.require_stable, call) for group in request.groups])


def _refused(topic: OffsetFetchRequestTopic, code: ErrorCode) -> OffsetFetchResponseTopic:
    partitions = [OffsetFetchResponsePartition(index, -1, -1, "", code) for index in topic.partition_indexes]
    return OffsetFetchResponseTopic(topic.name, partitions)


def _fetch(group: OffsetFetchRequestGroup, require_stable: bool, call: Call) -> OffsetFetchResponseGroup:
    try:
        unknown = _name_topics(group, call)
        answer = call.node.groups.shard_of(group.group_id).fetch_group_offsets(group, require_stable)
    except Exception as error:  # one group's failure is not its neighbours'
        return OffsetFetchResponseGroup(group.group_id, error_code=refusal(error, call).code)
    if call.version >= _FIRST_VERSION_WITH_TOPIC_IDS:
        _identify_topics(answer, call)
        answer.topics += unknown
    return answer


def _name_topics(group: OffsetFetchRequestGroup, call: Call) -> list[OffsetFetchResponseTopics]:
    """Give the topics of a request by id their names; the result answers for ids that there are not."""
    if call.version < _FIRST_VERSION_WITH_TOPIC_IDS or group.topics is None:
        return []
    named: list[OffsetFetchRequestTopics] = []
    unknown: list[OffsetFetchResponseTopics] = []
    for topic in group.topics:
        found = call.node.cluster.image.topic_by_id(topic.topic_id)
        if found is None:
            unknown.append(
                OffsetFetchResponseTopics("", topic.topic_id, [_unknown(i) for i in topic.partition_indexes])
            )
        else:
            topic.name = found.name
            named.append(topic)
    group.topics = named
    return unknown


def _identify_topics(answer: OffsetFetchResponseGroup, call: Call) -> None:
    """All topics of a group are asked for without ids; those that were deleted since have none to answer with."""
    image = call.node.cluster.image
    known = [(topic, image.topic(topic.name)) for topic in answer.topics]
    answer.topics = [topic for topic, found in known if found is not None]
    for topic, found in known:
        if found is not None:
            topic.topic_id = found.topic_id


def _unknown(index: int) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(index, -1, -1, "", ErrorCode.UNKNOWN_TOPIC_ID)
