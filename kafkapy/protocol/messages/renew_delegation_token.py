"""RenewDelegationToken (key 39): let a token live longer (KIP-48). v2 flexible encoding."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Bytes, Int16, Int32, Int64, message, wire


@message(versions="0-2", flexible="2+")
class RenewDelegationTokenRequest:
    hmac: bytes = wire(Bytes)
    renew_period_ms: int = wire(Int64)


@message(versions="0-2", flexible="2+")
class RenewDelegationTokenResponse:
    error_code: int = wire(Int16)
    expiry_timestamp_ms: int = wire(Int64)  # since the epoch
    throttle_time_ms: int = wire(Int32)


RENEW_DELEGATION_TOKEN = Api(39, RenewDelegationTokenRequest, RenewDelegationTokenResponse)
