"""SaslAuthenticate (key 36): what a SASL mechanism sends (KIP-152).

v1 how long the session lasts (KIP-368); v2 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Bytes, Int16, Int64, String, message, wire


@message(versions="0-2", flexible="2+")
class SaslAuthenticateRequest:
    auth_bytes: bytes = wire(Bytes)


@message(versions="0-2", flexible="2+")
class SaslAuthenticateResponse:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    auth_bytes: bytes = wire(Bytes)
    session_lifetime_ms: int = wire(Int64, "1+", default=0)  # 0: for ever


SASL_AUTHENTICATE = Api(36, SaslAuthenticateRequest, SaslAuthenticateResponse)
