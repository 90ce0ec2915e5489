"""Heartbeat: a member shows that it is alive, and learns of a rebalance."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest, HeartbeatResponse


@serves(HEARTBEAT)
def heartbeat(request: HeartbeatRequest, call: Call) -> HeartbeatResponse | Awaitable[HeartbeatResponse]:
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.heartbeat(request, call.caller, now_ms))
    )
