"""OffsetDelete: forget what a group committed for topics that it no longer reads (KIP-496)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.parking import reply_to
from kafkapy.protocol.messages.offset_delete import OFFSET_DELETE, OffsetDeleteRequest, OffsetDeleteResponse


@serves(OFFSET_DELETE)
def offset_delete(request: OffsetDeleteRequest, call: Call) -> OffsetDeleteResponse | Awaitable[OffsetDeleteResponse]:
    return reply_to(
        call.node.groups.run(request.group_id, lambda shard, now_ms: shard.delete_offsets(request, call.caller, now_ms))
    )
