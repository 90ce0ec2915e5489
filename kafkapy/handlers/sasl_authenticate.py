"""SaslAuthenticate: no listener here is one of SASL, and on another nobody is to say who he is."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.sasl_authenticate import (
    SASL_AUTHENTICATE,
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)


@serves(SASL_AUTHENTICATE)
def sasl_authenticate(request: SaslAuthenticateRequest, call: Call) -> SaslAuthenticateResponse:
    why = f"listener {call.listener} has no SASL: connect without (security.protocol=PLAINTEXT)"
    return SaslAuthenticateResponse(ErrorCode.ILLEGAL_SASL_STATE, why)
