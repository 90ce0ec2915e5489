"""JoinGroup (key 11): a member enters a group; the answer comes when all have, and the leader's lists them.

v1 rebalance timeout; v2 throttle time; v4 a new member is first refused with its id, MEMBER_ID_REQUIRED (KIP-394); v5
static members (KIP-345); v6 flexible encoding; v7 the protocol's type in the answer (KIP-559); v8 why (KIP-800); v9
the leader may be told to leave the assignment as it is (KIP-814).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Bytes, Int16, Int32, String, message, wire


@message()
class JoinGroupRequestProtocol:
    """A protocol that the member speaks, with what it has to say in it; the best liked comes first."""

    name: str = wire(String)
    metadata: bytes = wire(Bytes)


@message(versions="0-9", flexible="6+")
class JoinGroupRequest:
    group_id: str = wire(String)
    session_timeout_ms: int = wire(Int32)
    rebalance_timeout_ms: int = wire(Int32, "1+", default=-1)  # -1 (v0): the session timeout counts
    member_id: str = wire(String)  # empty: a new member
    group_instance_id: str | None = wire(String, "5+", nullable="5+", default=None)
    protocol_type: str = wire(String)
    protocols: list[JoinGroupRequestProtocol] = wire(Array(JoinGroupRequestProtocol))
    reason: str | None = wire(String, "8+", nullable="8+", default=None)


@message()
class JoinGroupResponseMember:
    """A member, for the leader to assign to, with its metadata for the protocol chosen."""

    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "5+", nullable="5+", default=None)
    metadata: bytes = wire(Bytes)


@message(versions="0-9", flexible="6+")
class JoinGroupResponse:
    throttle_time_ms: int = wire(Int32, "2+")
    error_code: int = wire(Int16)
    generation_id: int = wire(Int32, default=-1)
    protocol_type: str | None = wire(String, "7+", nullable="7+", default=None)
    protocol_name: str | None = wire(String, nullable="7+")
    leader: str = wire(String)
    skip_assignment: bool = wire(Boolean, "9+")
    member_id: str = wire(String)
    members: list[JoinGroupResponseMember] = wire(Array(JoinGroupResponseMember))  # empty but for the leader


JOIN_GROUP = Api(11, JoinGroupRequest, JoinGroupResponse)
