"""FindCoordinator (key 10): the broker that keeps a group, a transactional id or a share partition.

v1 kinds of keys, throttle time, error messages; v3 flexible encoding; v4 many keys at once (KIP-699); v5
TRANSACTION_ABORTABLE (KIP-890); v6 share groups (KIP-932).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire


@message(versions="0-6", flexible="3+")
class FindCoordinatorRequest:
    key: str = wire(String, "0-3")
    key_type: int = wire(Int8, "1+")  # 0 group, 1 transaction, 2 share (group:topic id:partition)
    coordinator_keys: list[str] = wire(Array(String), "4+")


@message()
class Coordinator:
    """The broker that keeps one of the keys."""

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
