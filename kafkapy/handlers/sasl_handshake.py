"""SaslHandshake: no listener here is one of SASL, and on another nobody is to say who he is."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.sasl_handshake import SASL_HANDSHAKE, SaslHandshakeRequest, SaslHandshakeResponse


@serves(SASL_HANDSHAKE)
def sasl_handshake(request: SaslHandshakeRequest, call: Call) -> SaslHandshakeResponse:
    return SaslHandshakeResponse(ErrorCode.ILLEGAL_SASL_STATE)
