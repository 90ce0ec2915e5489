"""JoinGroup: become a member; the reply waits until all who will be in the next generation are here."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupResponse

_FIRST_VERSION_WITH_NULL = 7


@serves(JOIN_GROUP)
def join_group(request: JoinGroupRequest, call: Call) -> JoinGroupResponse | Awaitable[JoinGroupResponse]:
    promise = call.node.groups.run(
        request.group_id, lambda shard, now_ms: shard.join_group(request, call.caller, now_ms)
    )
    return finish_with(promise, lambda response: _with_null(response, call))


def _with_null(response: JoinGroupResponse, call: Call) -> JoinGroupResponse:
    if call.version >= _FIRST_VERSION_WITH_NULL and not response.protocol_name:
        response.protocol_name = None
    return response
