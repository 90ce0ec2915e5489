"""InitializeShareGroupState: the group coordinator has the state of share partitions begun."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_state_requests import run_each
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.initialize_share_group_state import (
    INITIALIZE_SHARE_GROUP_STATE,
    InitializeShareGroupStateRequest,
    InitializeShareGroupStateResponse,
    InitializeStateResult,
    PartitionResult,
)


@serves(INITIALIZE_SHARE_GROUP_STATE)
def initialize_share_group_state(
    request: InitializeShareGroupStateRequest, call: Call
) -> InitializeShareGroupStateResponse | Awaitable[InitializeShareGroupStateResponse]:
    results = run_each(request.group_id, request.topics, ShareStateShard.initialize, PartitionResult, call)
    return finish_with(
        results,
        lambda found: InitializeShareGroupStateResponse(
            [InitializeStateResult(topic_id, each) for topic_id, each in found]
        ),
    )
