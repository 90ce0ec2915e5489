"""DeleteShareGroupState: the group coordinator has the state of share partitions forgotten."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_state_requests import run_each
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.delete_share_group_state import (
    DELETE_SHARE_GROUP_STATE,
    DeleteShareGroupStateRequest,
    DeleteShareGroupStateResponse,
    DeleteStateResult,
    PartitionResult,
)


@serves(DELETE_SHARE_GROUP_STATE)
def delete_share_group_state(
    request: DeleteShareGroupStateRequest, call: Call
) -> DeleteShareGroupStateResponse | Awaitable[DeleteShareGroupStateResponse]:
    results = run_each(request.group_id, request.topics, ShareStateShard.delete, PartitionResult, call)
    return finish_with(
        results,
        lambda found: DeleteShareGroupStateResponse([DeleteStateResult(topic_id, each) for topic_id, each in found]),
    )
