"""DeleteTopics: topics that are gone, with their records, the moment the reply is there."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import (
    DELETE_TOPICS,
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)

_FIRST_VERSION_WITH_DISABLED = 3


@serves(DELETE_TOPICS)
async def delete_topics(request: DeleteTopicsRequest, call: Call) -> DeleteTopicsResponse:
    try:
        response = await call.node.cluster.wait_change(lambda controller: controller.delete_topics(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        asked = request.topics or [DeleteTopicState(name) for name in request.topic_names]
        return DeleteTopicsResponse(
            responses=[DeletableTopicResult(topic.name, topic.topic_id, found.code, found.why) for topic in asked]
        )
    if call.version < _FIRST_VERSION_WITH_DISABLED:
        for result in response.responses:
            if result.error_code == ErrorCode.TOPIC_DELETION_DISABLED:
                result.error_code = ErrorCode.INVALID_REQUEST
    return response
