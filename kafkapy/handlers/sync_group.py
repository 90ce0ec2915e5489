"""SyncGroup: the leader hands out the partitions; the others wait for theirs."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupResponse


@serves(SYNC_GROUP)
def sync_group(request: SyncGroupRequest, call: Call) -> SyncGroupResponse | Awaitable[SyncGroupResponse]:
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.sync_group(request, call.caller, now_ms))
    )
