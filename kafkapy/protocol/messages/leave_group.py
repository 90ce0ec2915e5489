"""LeaveGroup (key 13): members go, and the others rebalance.

v1 throttle time; v3 many members at once, static ones by their instance id (KIP-345); v4 flexible encoding; v5 why
(KIP-800).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message()
class MemberIdentity:
    """Who leaves; a static member may leave by its instance id, with an empty member id."""

    member_id: str = wire(String, "3+")
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    reason: str | None = wire(String, "5+", nullable="5+", default=None)


@message(versions="0-5", flexible="4+")
class LeaveGroupRequest:
    group_id: str = wire(String)
    member_id: str = wire(String, "0-2")
    members: list[MemberIdentity] = wire(Array(MemberIdentity), "3+")


@message()
class MemberResponse:
    member_id: str = wire(String, "3+")
    group_instance_id: str | None = wire(String, "3+", nullable="3+")
    error_code: int = wire(Int16, "3+")


@message(versions="0-5", flexible="4+")
class LeaveGroupResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16)
    members: list[MemberResponse] = wire(Array(MemberResponse), "3+")


LEAVE_GROUP = Api(13, LeaveGroupRequest, LeaveGroupResponse)
