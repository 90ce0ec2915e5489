"""ExpireDelegationToken (key 40): let a token end sooner, or at once (KIP-48). v2 flexible encoding."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Bytes, Int16, Int32, Int64, message, wire


@message(versions="0-2", flexible="2+")
class ExpireDelegationTokenRequest:
    hmac: bytes = wire(Bytes)
    expiry_time_period_ms: int = wire(Int64)


@message(versions="0-2", flexible="2+")
class ExpireDelegationTokenResponse:
    error_code: int = wire(Int16)
    expiry_timestamp_ms: int = wire(Int64)  # since the epoch
    throttle_time_ms: int = wire(Int32)


EXPIRE_DELEGATION_TOKEN = Api(40, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse)
