"""ElectLeaders: partitions are led by their first replica again, or by any that is there."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.elect_leaders import (
    ELECT_LEADERS,
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)


@serves(ELECT_LEADERS)
async def elect_leaders(request: ElectLeadersRequest, call: Call) -> ElectLeadersResponse:
    """What fails as a whole fails for each partition too: version 0 has no other place for it."""
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.elect_leaders(request))
    except Exception as error:  # the kind of election, or the log refused them all
        found = refusal(error, call)
        return ElectLeadersResponse(
            error_code=found.code,
            replica_election_results=[
                ReplicaElectionResult(
                    one.topic, [PartitionResult(index, found.code, found.why) for index in one.partitions]
                )
                for one in request.topic_partitions or ()
            ],
        )
