"""ConsumerGroupDescribe: the epochs, the members and the assignments of consumer groups (KIP-848)."""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import ON_GROUP
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.consumer_group_describe import (
    CONSUMER_GROUP_DESCRIBE,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedConsumerGroup,
)


@serves(CONSUMER_GROUP_DESCRIBE)
def consumer_group_describe(request: ConsumerGroupDescribeRequest, call: Call) -> ConsumerGroupDescribeResponse:
    groups = [_describe(group_id, call) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = ON_GROUP
    return ConsumerGroupDescribeResponse(groups=groups)


def _describe(group_id: str, call: Call) -> DescribedConsumerGroup:
    if not call.node.groups.serves_consumer_groups:
        return DescribedConsumerGroup(ErrorCode.UNSUPPORTED_VERSION, group_id=group_id)
    if not group_id:
        return DescribedConsumerGroup(ErrorCode.INVALID_GROUP_ID)
    try:
        return call.node.groups.shard_of(group_id).describe_consumer_group(group_id)
    except Exception as error:  # one group's failure is not its neighbours'
        return DescribedConsumerGroup(refusal(error, call).code, group_id=group_id)
