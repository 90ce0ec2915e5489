"""JoinGroup: become a member; the reply waits until all who will be in the next generation are here."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupResponse


@serves(JOIN_GROUP)
def join_group(request: JoinGroupRequest, call: Call) -> JoinGroupResponse | Awaitable[JoinGroupResponse]:
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.join_group(request, call.caller, now_ms))
    )
