"""OffsetDelete: forget what a group committed for topics that it no longer reads (KIP-496)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import finish_with
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.offset_delete import (
    OFFSET_DELETE,
    OffsetDeleteRequest,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
)


@serves(OFFSET_DELETE)
def offset_delete(request: OffsetDeleteRequest, call: Call) -> OffsetDeleteResponse | Awaitable[OffsetDeleteResponse]:
    """What exists goes to the coordinator; its answer and the refusals are put together."""
    refusals = [_refuse_unknown(topic, call) for topic in request.topics]
    promise = call.node.groups.run(
        request.group_id, lambda shard, now_ms: shard.delete_offsets(request, call.caller, now_ms)
    )
    return finish_with(promise, lambda response: _merged(response, refusals, call))


def _refuse_unknown(topic: OffsetDeleteRequestTopic, call: Call) -> list[OffsetDeleteResponsePartition]:
    """Take the partitions that do not exist out of the request; the result refuses them."""
    image = call.node.cluster.image
    asked = topic.partitions
    topic.partitions = [one for one in asked if image.partition(topic.name, one.partition_index) is not None]
    return [
        OffsetDeleteResponsePartition(one.partition_index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        for one in asked
        if one not in topic.partitions
    ]


def _merged(
    response: OffsetDeleteResponse, refusals: list[list[OffsetDeleteResponsePartition]], call: Call
) -> OffsetDeleteResponse:
    image = call.node.cluster.image
    if response.error_code == ErrorCode.NONE:
        for topic, refused in zip(response.topics, refusals, strict=True):
            topic.partitions += refused
        # A topic that does not exist is told of, even if nothing was asked about it.
        response.topics = [one for one in response.topics if one.partitions or image.topic(one.name) is None]
    return response
