"""SyncGroup: the leader hands out the partitions; the others wait for theirs."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupResponse

_FIRST_VERSION_WITH_NAMES = 5


@serves(SYNC_GROUP)
def sync_group(request: SyncGroupRequest, call: Call) -> SyncGroupResponse | Awaitable[SyncGroupResponse]:
    if call.version >= _FIRST_VERSION_WITH_NAMES and None in (request.protocol_type, request.protocol_name):
        return SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.sync_group(request, call.caller, now_ms))
    )
