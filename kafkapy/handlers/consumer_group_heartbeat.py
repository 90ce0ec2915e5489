"""ConsumerGroupHeartbeat: join a group whose coordinator divides the partitions, stay in it, leave it (KIP-848)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    CONSUMER_GROUP_HEARTBEAT,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)


@serves(CONSUMER_GROUP_HEARTBEAT)
def consumer_group_heartbeat(
    request: ConsumerGroupHeartbeatRequest, call: Call
) -> ConsumerGroupHeartbeatResponse | Awaitable[ConsumerGroupHeartbeatResponse]:
    if not call.node.groups.serves_consumer_groups:
        return ConsumerGroupHeartbeatResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    return reply_to(
        call.node.groups.run(
            request.group_id, lambda shard, now_ms: shard.consumer_group_heartbeat(request, call.caller, now_ms)
        )
    )
