"""ReadShareGroupStateSummary: the group coordinator learns where share partitions begin."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_state_requests import run_each
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.read_share_group_state_summary import (
    READ_SHARE_GROUP_STATE_SUMMARY,
    PartitionResult,
    ReadShareGroupStateSummaryRequest,
    ReadShareGroupStateSummaryResponse,
    ReadStateSummaryResult,
)


@serves(READ_SHARE_GROUP_STATE_SUMMARY)
def read_share_group_state_summary(
    request: ReadShareGroupStateSummaryRequest, call: Call
) -> ReadShareGroupStateSummaryResponse | Awaitable[ReadShareGroupStateSummaryResponse]:
    results = run_each(request.group_id, request.topics, ShareStateShard.read_summary, PartitionResult, call)
    return finish_with(
        results,
        lambda found: ReadShareGroupStateSummaryResponse(
            [ReadStateSummaryResult(topic_id, each) for topic_id, each in found]
        ),
    )
