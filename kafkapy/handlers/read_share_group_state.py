"""ReadShareGroupState: who leads share partitions learns where they are."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_state_requests import run_each
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.read_share_group_state import (
    READ_SHARE_GROUP_STATE,
    PartitionResult,
    ReadShareGroupStateRequest,
    ReadShareGroupStateResponse,
    ReadStateResult,
)


@serves(READ_SHARE_GROUP_STATE)
def read_share_group_state(
    request: ReadShareGroupStateRequest, call: Call
) -> ReadShareGroupStateResponse | Awaitable[ReadShareGroupStateResponse]:
    results = run_each(request.group_id, request.topics, ShareStateShard.read, PartitionResult, call)
    return finish_with(
        results,
        lambda found: ReadShareGroupStateResponse([ReadStateResult(topic_id, each) for topic_id, each in found]),
    )
