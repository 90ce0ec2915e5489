"""Heartbeat (key 12): a member shows that it is alive and learns of a rebalance.

v1 throttle time; v3 static members (KIP-345); v4 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Int16, Int32, String, message, wire


@message(versions="0-4", flexible="4+")
class HeartbeatRequest:
    group_id: str = wire(String)
    generation_id: int = wire(Int32)
    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)


@message(versions="0-4", flexible="4+")
class HeartbeatResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16)


HEARTBEAT = Api(12, HeartbeatRequest, HeartbeatResponse)
