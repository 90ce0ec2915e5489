"""CreateTopics: topics that are usable the moment the reply is there."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)


@serves(CREATE_TOPICS)
async def create_topics(request: CreateTopicsRequest, call: Call) -> CreateTopicsResponse:
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.create_topics(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        return CreateTopicsResponse(
            topics=[
                CreatableTopicResult(topic.name, error_code=found.code, error_message=found.why)
                for topic in request.topics
            ]
        )
