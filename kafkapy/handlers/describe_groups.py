"""DescribeGroups: the state, the members and their assignments of groups."""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import ON_GROUP
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_groups import (
    DESCRIBE_GROUPS,
    DescribedGroup,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)


@serves(DESCRIBE_GROUPS)
def describe_groups(request: DescribeGroupsRequest, call: Call) -> DescribeGroupsResponse:
    groups = [_describe(group_id, call) for group_id in request.groups]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = ON_GROUP
    return DescribeGroupsResponse(groups=groups)


def _describe(group_id: str, call: Call) -> DescribedGroup:
    try:
        return call.node.groups.shard_of(group_id).describe(group_id, call.caller)
    except Exception as error:  # one group's failure is not its neighbours'
        found = refusal(error, call)
        return DescribedGroup(found.code, found.why, group_id)
