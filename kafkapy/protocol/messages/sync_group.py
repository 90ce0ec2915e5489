"""SyncGroup (key 14): the leader hands in the assignment, each member gets its part of it.

v1 throttle time; v3 static members (KIP-345); v4 flexible encoding; v5 the protocol's type and name, checked
(KIP-559).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Bytes, Int16, Int32, String, message, wire


@message()
class SyncGroupRequestAssignment:
    member_id: str = wire(String)
    assignment: bytes = wire(Bytes)


@message(versions="0-5", flexible="4+")
class SyncGroupRequest:
    group_id: str = wire(String)
    generation_id: int = wire(Int32)
    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    protocol_type: str | None = wire(String, "5+", nullable="5+", default=None)
    protocol_name: str | None = wire(String, "5+", nullable="5+", default=None)
    assignments: list[SyncGroupRequestAssignment] = wire(Array(SyncGroupRequestAssignment))  # empty but from the leader


@message(versions="0-5", flexible="4+")
class SyncGroupResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16)
    protocol_type: str | None = wire(String, "5+", nullable="5+", default=None)
    protocol_name: str | None = wire(String, "5+", nullable="5+", default=None)
    assignment: bytes = wire(Bytes)


SYNC_GROUP = Api(14, SyncGroupRequest, SyncGroupResponse)
