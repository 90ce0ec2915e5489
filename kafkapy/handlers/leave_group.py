"""LeaveGroup: members go, and their partitions pass on at once."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest, LeaveGroupResponse


@serves(LEAVE_GROUP)
def leave_group(request: LeaveGroupRequest, call: Call) -> LeaveGroupResponse | Awaitable[LeaveGroupResponse]:
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.leave_group(request, call.caller, now_ms))
    )
