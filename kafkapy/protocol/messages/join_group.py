"""JoinGroup (key 11)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Bytes, Int16, Int32, String, message, wire


@message()
class JoinGroupRequestProtocol:
    name: str = wire(String)
    metadata: bytes = wire(Bytes)


@message(versions="0-9", flexible="6+")
class JoinGroupRequest:
    group_id: str = wire(String)
    session_timeout_ms: int = wire(Int32)
    rebalance_timeout_ms: int = wire(Int32, "1+", default=-1)
    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "5+", nullable="5+", default=None)
    protocol_type: str = wire(String)
    protocols: list[JoinGroupRequestProtocol] = wire(Array(JoinGroupRequestProtocol))
    reason: str | None = wire(String, "8+", nullable="8+", default=None)


@message()
class JoinGroupResponseMember:
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
    members: list[JoinGroupResponseMember] = wire(Array(JoinGroupResponseMember))


JOIN_GROUP = Api(11, JoinGroupRequest, JoinGroupResponse)
