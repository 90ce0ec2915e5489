"""DeleteGroups: forget groups that have no members, with all that they committed."""

from __future__ import annotations

from kafkapy.coordinator.promise import Promise
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.parking import wait_for
from kafkapy.protocol.messages.delete_groups import (
    DELETE_GROUPS,
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)


@serves(DELETE_GROUPS)
async def delete_groups(request: DeleteGroupsRequest, call: Call) -> DeleteGroupsResponse:
    """All deletions begin at once; the reply waits for the last to be committed."""
    deletions = [_delete(group_id, call) for group_id in dict.fromkeys(request.groups_names)]
    return DeleteGroupsResponse(results=[await wait_for(deletion) for deletion in deletions])


def _delete(group_id: str, call: Call) -> Promise[DeletableGroupResult]:
    try:
        return call.node.share_group_states.delete_group(group_id)
    except Exception as error:  # one group's failure is not its neighbours'
        return Promise.of(DeletableGroupResult(group_id, refusal(error, call).code))
