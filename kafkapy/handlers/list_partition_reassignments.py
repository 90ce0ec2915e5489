"""ListPartitionReassignments: which partitions are on their way to other brokers."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.reassignments import list_reassignments
from kafkapy.protocol.messages.list_partition_reassignments import (
    LIST_PARTITION_REASSIGNMENTS,
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


@serves(LIST_PARTITION_REASSIGNMENTS)
def list_partition_reassignments(
    request: ListPartitionReassignmentsRequest, call: Call
) -> ListPartitionReassignmentsResponse:
    found = list_reassignments(call.node.cluster.image, request.topics)
    return ListPartitionReassignmentsResponse(error_message=None, topics=found)
