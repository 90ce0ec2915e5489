"""ListGroups (key 16): the groups that this broker keeps.

v1 throttle time; v3 flexible encoding; v4 states (KIP-518); v5 types (KIP-848). An empty filter lets everything pass.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message(versions="0-5", flexible="3+")
class ListGroupsRequest:
    states_filter: list[str] = wire(Array(String), "4+")
    types_filter: list[str] = wire(Array(String), "5+")


@message()
class ListedGroup:
    group_id: str = wire(String)
    protocol_type: str = wire(String)
    group_state: str = wire(String, "4+")  # such as Stable or Empty
    group_type: str = wire(String, "5+")  # such as classic or consumer


@message(versions="0-5", flexible="3+")
class ListGroupsResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16)
    groups: list[ListedGroup] = wire(Array(ListedGroup))


LIST_GROUPS = Api(16, ListGroupsRequest, ListGroupsResponse)
