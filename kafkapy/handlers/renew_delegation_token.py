"""RenewDelegationToken: on PLAINTEXT nobody has said who he is, and no token is his."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.renew_delegation_token import (
    RENEW_DELEGATION_TOKEN,
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

_NO_TIME = -1


@serves(RENEW_DELEGATION_TOKEN)
def renew_delegation_token(request: RenewDelegationTokenRequest, call: Call) -> RenewDelegationTokenResponse:
    return RenewDelegationTokenResponse(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, _NO_TIME)
