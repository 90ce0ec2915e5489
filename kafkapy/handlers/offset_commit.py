"""OffsetCommit: remember how far a group has read.

Topics come by name, from v10 on by id; the coordinator knows them by name. A partition that does not exist is refused
here, and harms no other.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.topics import Topic
from kafkapy.parking import finish_with
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

Topics = list[OffsetCommitResponseTopic]
_FIRST_VERSION_WITH_TOPIC_IDS = 10


@serves(OFFSET_COMMIT)
def offset_commit(request: OffsetCommitRequest, call: Call) -> OffsetCommitResponse | Awaitable[OffsetCommitResponse]:
    """What exists goes to the coordinator; its answer and the refusals are put together in the order of the request."""
    # As in Apache a topic that is there is not answered if nothing is committed of it.
    asked = [topic for topic in request.topics if topic.partitions or _find(topic, call) is None]
    answers = [_refuse_unknown(topic, call) for topic in asked]
    # Topics of which nothing is left to commit are not the coordinator's business; the others answer in order.
    waiting = [answer for topic, answer in zip(asked, answers, strict=True) if topic.partitions]
    request.topics = [topic for topic in asked if topic.partitions]
    if asked and not request.topics:
        return OffsetCommitResponse(topics=answers)
    try:
        promise = call.node.groups.run(
            request.group_id, lambda shard, now_ms: shard.commit_offsets(request, call.caller, now_ms)
        )
    except KafkaError as error:  # there is no coordinator: the response has no place for that but the partitions
        refused = [_refused(topic, error.code) for topic in request.topics]
        return _merged(answers, waiting, OffsetCommitResponse(topics=refused))
    return finish_with(promise, lambda committed: _merged(answers, waiting, committed))


def _refuse_unknown(topic: OffsetCommitRequestTopic, call: Call) -> OffsetCommitResponseTopic:
    """Take what does not exist out of the request, and into the answer."""
    answer = OffsetCommitResponseTopic(topic.name, topic.topic_id)
    by_id = call.version >= _FIRST_VERSION_WITH_TOPIC_IDS
    found = _find(topic, call)
    if found is not None:
        topic.name, topic.topic_id = found.name, found.topic_id
    code = ErrorCode.UNKNOWN_TOPIC_ID if by_id and found is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    known = []
    for partition in topic.partitions:
        if found is not None and found.partition(partition.partition_index) is not None:
            known.append(partition)
        else:
            answer.partitions.append(OffsetCommitResponsePartition(partition.partition_index, code))
    topic.partitions = known
    return answer


def _find(topic: OffsetCommitRequestTopic, call: Call) -> Topic | None:
    image = call.node.cluster.image
    by_id = call.version >= _FIRST_VERSION_WITH_TOPIC_IDS
    return image.topic_by_id(topic.topic_id) if by_id else image.topic(topic.name)


def _refused(topic: OffsetCommitRequestTopic, code: ErrorCode) -> OffsetCommitResponseTopic:
    partitions = [OffsetCommitResponsePartition(partition.partition_index, code) for partition in topic.partitions]
    return OffsetCommitResponseTopic(topic.name, topic.topic_id, partitions)


def _merged(answers: Topics, waiting: Topics, committed: OffsetCommitResponse) -> OffsetCommitResponse:
    for answer, topic in zip(waiting, committed.topics, strict=True):
        answer.partitions = topic.partitions + answer.partitions
    return OffsetCommitResponse(topics=answers)
