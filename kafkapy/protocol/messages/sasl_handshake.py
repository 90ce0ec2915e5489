"""SaslHandshake (key 17): the mechanism by which a client is going to say who it is (KIP-43).

v1 what follows is in SaslAuthenticate.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, String, message, wire


@message(versions="0-1")
class SaslHandshakeRequest:
    mechanism: str = wire(String)


@message(versions="0-1")
class SaslHandshakeResponse:
    error_code: int = wire(Int16)
    mechanisms: list[str] = wire(Array(String))  # that the listener takes


SASL_HANDSHAKE = Api(17, SaslHandshakeRequest, SaslHandshakeResponse)
