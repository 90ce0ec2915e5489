"""FindCoordinator (key 10)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire


@message(versions="0-6", flexible="3+")
class FindCoordinatorRequest:
    key: str = wire(String, "0-3")
    key_type: int = wire(Int8, "1+")
    coordinator_keys: list[str] = wire(Array(String), "4+")


@message()
class Coordinator:
    key: str = wire(String, "4+")
    node_id: int = wire(Int32, "4+")
    host: str = wire(String, "4+")
    port: int = wire(Int32, "4+")
    error_code: int = wire(Int16, "4+")
    error_message: str | None = wire(String, "4+", nullable="4+")


@message(versions="0-6", flexible="3+")
class FindCoordinatorResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    error_code: int = wire(Int16, "0-3")
    error_message: str | None = wire(String, "1-3", nullable="1-3")
    node_id: int = wire(Int32, "0-3")
    host: str = wire(String, "0-3")
    port: int = wire(Int32, "0-3")
    coordinators: list[Coordinator] = wire(Array(Coordinator), "4+")


FIND_COORDINATOR = Api(10, FindCoordinatorRequest, FindCoordinatorResponse)
