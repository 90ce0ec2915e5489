"""UnregisterBroker (key 64): a broker that will not come back leaves the cluster (KIP-631)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Int16, Int32, String, message, wire


@message(versions="0", flexible="0+")
class UnregisterBrokerRequest:
    broker_id: int = wire(Int32)


@message(versions="0", flexible="0+")
class UnregisterBrokerResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


UNREGISTER_BROKER = Api(64, UnregisterBrokerRequest, UnregisterBrokerResponse)
