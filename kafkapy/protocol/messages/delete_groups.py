"""DeleteGroups (key 42): remove groups that have no members, with their offsets.

v2 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message(versions="0-2", flexible="2+")
class DeleteGroupsRequest:
    groups_names: list[str] = wire(Array(String))


@message()
class DeletableGroupResult:
    group_id: str = wire(String)
    error_code: int = wire(Int16)


@message(versions="0-2", flexible="2+")
class DeleteGroupsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[DeletableGroupResult] = wire(Array(DeletableGroupResult))


DELETE_GROUPS = Api(42, DeleteGroupsRequest, DeleteGroupsResponse)
