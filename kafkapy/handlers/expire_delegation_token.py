"""ExpireDelegationToken: on PLAINTEXT nobody has said who he is, and no token is his."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.expire_delegation_token import (
    EXPIRE_DELEGATION_TOKEN,
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)

_NO_TIME = -1


@serves(EXPIRE_DELEGATION_TOKEN)
def expire_delegation_token(request: ExpireDelegationTokenRequest, call: Call) -> ExpireDelegationTokenResponse:
    return ExpireDelegationTokenResponse(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, _NO_TIME)
