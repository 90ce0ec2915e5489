"""AlterPartitionReassignments: partitions begin to move to other brokers, or stop; the answer waits for none."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.alter_partition_reassignments import (
    ALTER_PARTITION_REASSIGNMENTS,
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
)


@serves(ALTER_PARTITION_REASSIGNMENTS)
async def alter_partition_reassignments(
    request: AlterPartitionReassignmentsRequest, call: Call
) -> AlterPartitionReassignmentsResponse:
    if not request.topics:
        return AlterPartitionReassignmentsResponse()
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.alter_reassignments(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        return AlterPartitionReassignmentsResponse(error_code=found.code, error_message=found.why)
