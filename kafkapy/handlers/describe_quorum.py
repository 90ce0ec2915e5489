"""DescribeQuorum: who leads the cluster's metadata, and how far its voters are.

This broker is the only voter, and everything that is in the log is committed. The answer is about one partition, the
only one of its topic: any other request is answered as if nothing in it were known, as in Apache's `RaftUtil`.
"""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.topic_names import CLUSTER_METADATA_TOPIC
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_quorum import (
    DESCRIBE_QUORUM,
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    Listener,
    Node,
    QuorumPartition,
    QuorumTopic,
    ReplicaState,
)
from kafkapy.protocol.wire import ZERO_UUID


@serves(DESCRIBE_QUORUM)
def describe_quorum(request: DescribeQuorumRequest, call: Call) -> DescribeQuorumResponse:
    asked = [(topic.topic_name, [one.partition_index for one in topic.partitions]) for topic in request.topics]
    if asked != [(CLUSTER_METADATA_TOPIC, [0])]:
        return DescribeQuorumResponse(topics=[_unknown(name, indexes) for name, indexes in asked])
    quorum, now_ms, node_id = call.node.cluster.quorum, call.node.clock(), call.node.config.node_id
    directories = {voter.voter_id: voter.voter_directory_id for voter in quorum.voters}
    itself = ReplicaState(node_id, directories.get(node_id, ZERO_UUID), quorum.end_offset, now_ms, now_ms)
    partition = QuorumPartition(
        partition_index=0,
        leader_id=node_id,
        leader_epoch=quorum.leader_epoch,
        high_watermark=quorum.end_offset,
        current_voters=[itself],
    )
    return DescribeQuorumResponse(
        topics=[QuorumTopic(CLUSTER_METADATA_TOPIC, [partition])],
        nodes=[
            Node(voter.voter_id, [Listener(one.name, one.host, one.port) for one in voter.endpoints])
            for voter in quorum.voters
        ],
    )


def _unknown(name: str, indexes: list[int]) -> QuorumTopic:
    code, why = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition."
    return QuorumTopic(name, [QuorumPartition(index, code, why) for index in indexes])
