"""AlterShareGroupOffsets: an empty share group is to begin elsewhere (KIP-932)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_requests import check_enabled, with_states
from kafkapy.parking import reply_to
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.alter_share_group_offsets import (
    ALTER_SHARE_GROUP_OFFSETS,
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse,
)


@serves(ALTER_SHARE_GROUP_OFFSETS)
def alter_share_group_offsets(
    request: AlterShareGroupOffsetsRequest, call: Call
) -> AlterShareGroupOffsetsResponse | Awaitable[AlterShareGroupOffsetsResponse]:
    return with_states(call, lambda: _answer(request, call))


def _answer(
    request: AlterShareGroupOffsetsRequest, call: Call
) -> AlterShareGroupOffsetsResponse | Awaitable[AlterShareGroupOffsetsResponse]:
    try:
        check_enabled(call)
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID, "the group id is empty; name a group")
        return reply_to(call.node.share_group_states.alter(request))
    except KafkaError as error:
        return AlterShareGroupOffsetsResponse(error_code=error.code, error_message=error.why)
