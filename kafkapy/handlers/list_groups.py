"""ListGroups: every group that this broker coordinates, from v4 on by state, from v5 on by type."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest, ListGroupsResponse


@serves(LIST_GROUPS)
def list_groups(request: ListGroupsRequest, call: Call) -> ListGroupsResponse:
    return ListGroupsResponse(
        groups=[
            group
            for shard in call.node.groups.shards()
            for group in shard.list_groups(request.states_filter, request.types_filter)
        ]
    )
