"""OffsetForLeaderEpoch: where the log of an epoch ended, so that a client or follower finds where it went astray.

The answer for an epoch is the largest one here that is not above it, with its end offset; -1 and -1 for one that this
log has not reached or no longer knows (KIP-101, KIP-279, KIP-320).
"""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.offset_for_leader_epoch import (
    OFFSET_FOR_LEADER_EPOCH,
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)


@serves(OFFSET_FOR_LEADER_EPOCH)
def offset_for_leader_epoch(request: OffsetForLeaderEpochRequest, call: Call) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(topic.topic, [_end_of(topic.topic, wanted, call) for wanted in topic.partitions])
            for topic in request.topics
        ]
    )


def _end_of(topic: str, wanted: OffsetForLeaderPartition, call: Call) -> EpochEndOffset:
    answer = EpochEndOffset(partition=wanted.partition)
    try:
        partition = call.node.replicas.leader_of(topic, wanted.partition, wanted.current_leader_epoch)
        answer.leader_epoch, answer.end_offset = partition.end_offset_for_epoch(wanted.leader_epoch)
    except Exception as error:  # one partition's failure is not its neighbours'
        answer.error_code = refusal(error, call).code
    return answer
