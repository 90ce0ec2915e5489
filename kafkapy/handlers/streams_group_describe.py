"""StreamsGroupDescribe: the topology, the epochs, the members and the tasks of streams groups (KIP-1071)."""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import ON_GROUP
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.streams_group_describe import (
    STREAMS_GROUP_DESCRIBE,
    DescribedStreamsGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)


@serves(STREAMS_GROUP_DESCRIBE)
def streams_group_describe(request: StreamsGroupDescribeRequest, call: Call) -> StreamsGroupDescribeResponse:
    groups = [_describe(group_id, call) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = ON_GROUP
    return StreamsGroupDescribeResponse(groups=groups)


def _describe(group_id: str, call: Call) -> DescribedStreamsGroup:
    if not call.node.groups.serves_streams_groups:
        return DescribedStreamsGroup(ErrorCode.UNSUPPORTED_VERSION, group_id=group_id)
    if not group_id:
        return DescribedStreamsGroup(ErrorCode.INVALID_GROUP_ID)
    try:
        return call.node.groups.shard_of(group_id).streams.describe(group_id)
    except Exception as error:  # one group's failure is not its neighbours'
        return DescribedStreamsGroup(refusal(error, call).code, group_id=group_id)
