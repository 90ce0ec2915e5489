"""DescribeShareGroupOffsets: where the share partitions of groups begin, and how much is left to do (KIP-932)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.share_requests import check_enabled
from kafkapy.parking import wait_for
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.describe_share_group_offsets import (
    DESCRIBE_SHARE_GROUP_OFFSETS,
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)
from kafkapy.protocol.messages.read_share_group_state_summary import PartitionResult

_NOT_KNOWN = -1


@serves(DESCRIBE_SHARE_GROUP_OFFSETS)
async def describe_share_group_offsets(
    request: DescribeShareGroupOffsetsRequest, call: Call
) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(groups=[await _wait_described(group, call) for group in request.groups])


async def _wait_described(
    group: DescribeShareGroupOffsetsRequestGroup, call: Call
) -> DescribeShareGroupOffsetsResponseGroup:
    described = DescribeShareGroupOffsetsResponseGroup(group.group_id)
    try:
        check_enabled(call)
        image = call.node.cluster.image
        wanted: dict[UUID, Sequence[int]] = {}
        if group.topics is None:
            shares = call.node.groups.shard_of(group.group_id).shares
            initialized = shares.initialized_partitions(group.group_id)
            wanted = {topic_id: sorted(found) for topic_id, found in initialized.items()}
        for topic in group.topics or ():
            known = image.topic(topic.topic_name)
            if known is not None:
                wanted[known.topic_id] = topic.partitions
                continue
            unknown = [
                DescribeShareGroupOffsetsResponsePartition(one, start_offset=_NOT_KNOWN, lag=_NOT_KNOWN)
                for one in topic.partitions
            ]
            described.topics.append(DescribeShareGroupOffsetsResponseTopic(topic.topic_name, partitions=unknown))
        found = await wait_for(call.node.share_group_states.summaries(group.group_id, wanted))
        for topic_id, partitions in wanted.items():
            known = image.topic_by_id(topic_id)
            if known is not None:
                each = [_partition(known.name, found[topic_id, one], call) for one in partitions]
                described.topics.append(DescribeShareGroupOffsetsResponseTopic(known.name, topic_id, each))
    except Exception as error:  # one group's failure is not its neighbours'
        why = refusal(error, call)
        return DescribeShareGroupOffsetsResponseGroup(group.group_id, error_code=why.code, error_message=why.why)
    return described


def _partition(topic: str, result: PartitionResult, call: Call) -> DescribeShareGroupOffsetsResponsePartition:
    described = DescribeShareGroupOffsetsResponsePartition(result.partition, start_offset=_NOT_KNOWN, lag=_NOT_KNOWN)
    if result.error_code != ErrorCode.NONE:
        return described  # as if nothing were known: there is none
    described.start_offset, described.leader_epoch = result.start_offset, result.leader_epoch
    if _NOT_KNOWN in (result.start_offset, result.delivery_complete_count):
        return described
    try:
        end = call.node.replicas.leader_of(topic, result.partition).high_watermark
    except KafkaError as error:
        return DescribeShareGroupOffsetsResponsePartition(
            result.partition, error_code=error.code, error_message=error.why
        )
    described.lag = end - result.start_offset - result.delivery_complete_count
    return described
