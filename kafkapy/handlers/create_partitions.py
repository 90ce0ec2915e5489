"""CreatePartitions: topics grow; the new partitions are usable the moment the reply is there."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.create_partitions import (
    CREATE_PARTITIONS,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)


@serves(CREATE_PARTITIONS)
async def create_partitions(request: CreatePartitionsRequest, call: Call) -> CreatePartitionsResponse:
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.create_partitions(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        return CreatePartitionsResponse(
            results=[CreatePartitionsTopicResult(topic.name, found.code, found.why) for topic in request.topics]
        )
