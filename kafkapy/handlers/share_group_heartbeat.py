"""ShareGroupHeartbeat: join a share group, stay in it, leave it (KIP-932)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_requests import check_enabled, check_member_id, with_states
from kafkapy.parking import reply_to
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.messages.share_group_heartbeat import (
    SHARE_GROUP_HEARTBEAT,
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)


@serves(SHARE_GROUP_HEARTBEAT)
def share_group_heartbeat(
    request: ShareGroupHeartbeatRequest, call: Call
) -> ShareGroupHeartbeatResponse | Awaitable[ShareGroupHeartbeatResponse]:
    return with_states(call, lambda: _answer(request, call))


def _answer(
    request: ShareGroupHeartbeatRequest, call: Call
) -> ShareGroupHeartbeatResponse | Awaitable[ShareGroupHeartbeatResponse]:
    try:
        check_enabled(call)
        check_member_id(request.member_id)
        return reply_to(call.node.share_group_states.heartbeat(request, call.caller))
    except KafkaError as error:
        return ShareGroupHeartbeatResponse(error_code=error.code, error_message=error.why)
