"""ShareGroupDescribe: the epochs, the members and the assignments of share groups (KIP-932)."""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import ON_GROUP
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.share_requests import check_enabled
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.share_group_describe import (
    SHARE_GROUP_DESCRIBE,
    DescribedShareGroup,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
)


@serves(SHARE_GROUP_DESCRIBE)
def share_group_describe(request: ShareGroupDescribeRequest, call: Call) -> ShareGroupDescribeResponse:
    groups = [_describe(group_id, call) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = ON_GROUP
    return ShareGroupDescribeResponse(groups=groups)


def _describe(group_id: str, call: Call) -> DescribedShareGroup:
    if not group_id:
        return DescribedShareGroup(ErrorCode.INVALID_GROUP_ID)
    try:
        check_enabled(call)
        return call.node.groups.shard_of(group_id).shares.describe(group_id)
    except Exception as error:  # one group's failure is not its neighbours'
        return DescribedShareGroup(refusal(error, call).code, group_id=group_id)
