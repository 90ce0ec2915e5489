"""Metadata: the brokers, and the partitions of topics with their leaders.

A topic that does not exist is made on first use, where the broker's configuration and the client allow it: always
before v4, by the client's flag since. It is complete in the same reply.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_CLUSTER, ON_TOPIC
from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.topic_names import check_topic_name, is_internal
from kafkapy.metadata.topics import Topic
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.metadata import (
    METADATA,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponseTopic,
)
from kafkapy.protocol.wire import ZERO_UUID

TopicAnswer = MetadataResponseTopic | bytes  # a refusal, or a topic as `described_topics` has it
_FIRST_VERSION_WITH_FLAG = 4
_FIRST_VERSION_WITH_TOPIC_IDS = 12


@serves(METADATA)
def metadata(request: MetadataRequest, call: Call) -> MetadataResponse | Awaitable[MetadataResponse]:
    if call.version < _FIRST_VERSION_WITH_TOPIC_IDS and any(map(_is_by_id, request.topics or ())):
        # Versions 10 and 11 have a field for the id and no meaning for it: as in Apache nothing is answered.
        refused = [_refused(topic.name or "", ErrorCode.INVALID_REQUEST, topic) for topic in request.topics or ()]
        return MetadataResponse(topics=list[TopicAnswer](refused))
    # Version 0 had no null: its empty list means all topics.
    if request.topics is None or (call.version == 0 and not request.topics):
        return _response([_describe(topic, request, call) for topic in call.node.cluster.image.topics()], request, call)
    answers, missing = _answers(request, call)
    allowed = request.allow_auto_topic_creation or call.version < _FIRST_VERSION_WITH_FLAG
    if missing and allowed and call.node.config.auto_create_topics_enable:
        return _wait_created(answers, missing, request, call)
    return _response(list(answers.values()), request, call)


def _response(topics: list[TopicAnswer], request: MetadataRequest, call: Call) -> MetadataResponse:
    cluster = call.node.cluster
    return MetadataResponse(
        brokers=[MetadataResponseBroker(*address) for address in cluster.addresses(call.listener)],
        cluster_id=cluster.image.cluster_id,
        controller_id=call.node.config.node_id,
        topics=topics,
        cluster_authorized_operations=ON_CLUSTER if request.include_cluster_authorized_operations else NOT_ASKED,
    )


def _answers(
    request: MetadataRequest, call: Call
) -> tuple[dict[object, TopicAnswer], dict[str, MetadataResponseTopic]]:
    """What is said of each topic, and of these what is said of topics that could be made."""
    answers: dict[object, TopicAnswer] = {}
    missing: dict[str, MetadataResponseTopic] = {}
    # As in Apache, whoever asks for a topic by its id asks for none by name.
    by_id = [topic for topic in request.topics or () if topic.topic_id != ZERO_UUID]
    for topic in by_id or request.topics or ():
        key, answer = _answer(topic, request, call)
        if key in answers:
            continue
        answers[key] = answer
        if isinstance(answer, bytes):
            continue
        if answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION and topic.name:
            missing[topic.name] = answer
    return answers, missing


async def _wait_created(
    answers: dict[object, TopicAnswer],
    missing: dict[str, MetadataResponseTopic],
    request: MetadataRequest,
    call: Call,
) -> MetadataResponse:
    cluster = call.node.cluster
    refused = await cluster.wait_create_on_first_use(list(missing))
    for name, answer in missing.items():
        topic = cluster.image.topic(name)
        if topic is not None:
            answers[name] = _describe(topic, request, call)
        elif name in refused:
            answer.error_code = refused[name].code
    return _response(list(answers.values()), request, call)


def _answer(topic: MetadataRequestTopic, request: MetadataRequest, call: Call) -> tuple[object, TopicAnswer]:
    image = call.node.cluster.image
    if topic.name is None or _is_by_id(topic):
        found = image.topic_by_id(topic.topic_id)
        if found is None:
            return topic.topic_id, _refused(None, ErrorCode.UNKNOWN_TOPIC_ID, topic)
        return found.name, _describe(found, request, call)
    found = image.topic(topic.name)
    if found is not None:
        return topic.name, _describe(found, request, call)
    code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    try:
        check_topic_name(topic.name)
    except KafkaError as error:
        code = error.code
    answer = _refused(topic.name, code, topic)
    if request.include_topic_authorized_operations:  # who may do what with a topic is known before there is one
        answer.topic_authorized_operations = ON_TOPIC
    return topic.name, answer


def _is_by_id(topic: MetadataRequestTopic) -> bool:
    return topic.name is None or topic.topic_id != ZERO_UUID


def _refused(name: str | None, code: ErrorCode, topic: MetadataRequestTopic) -> MetadataResponseTopic:
    internal = name is not None and is_internal(name)
    return MetadataResponseTopic(error_code=code, name=name, topic_id=topic.topic_id, is_internal=internal)


def _describe(topic: Topic, request: MetadataRequest, call: Call) -> bytes:
    with_operations = request.include_topic_authorized_operations
    return call.node.described_topics.describe(
        topic, call.node.cluster.image, call.version, with_operations=with_operations
    )
