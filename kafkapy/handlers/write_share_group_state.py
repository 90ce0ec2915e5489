"""WriteShareGroupState: who leads share partitions says what has changed of them."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_state_requests import run_each
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.write_share_group_state import (
    WRITE_SHARE_GROUP_STATE,
    PartitionResult,
    WriteShareGroupStateRequest,
    WriteShareGroupStateResponse,
    WriteStateResult,
)


@serves(WRITE_SHARE_GROUP_STATE)
def write_share_group_state(
    request: WriteShareGroupStateRequest, call: Call
) -> WriteShareGroupStateResponse | Awaitable[WriteShareGroupStateResponse]:
    results = run_each(request.group_id, request.topics, ShareStateShard.write, PartitionResult, call)
    return finish_with(
        results,
        lambda found: WriteShareGroupStateResponse([WriteStateResult(topic_id, each) for topic_id, each in found]),
    )
