"""CreateDelegationToken: nobody is given a token who has not said who he is, and on PLAINTEXT nobody has."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_delegation_token import (
    CREATE_DELEGATION_TOKEN,
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)

ANONYMOUS = ("User", "ANONYMOUS")
_NO_TIME = -1


@serves(CREATE_DELEGATION_TOKEN)
def create_delegation_token(request: CreateDelegationTokenRequest, call: Call) -> CreateDelegationTokenResponse:
    owner, code = ANONYMOUS, ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    if request.owner_principal_name:
        if request.owner_principal_type is None:
            code = ErrorCode.UNKNOWN_SERVER_ERROR  # where Apache fails
        else:
            owner = (request.owner_principal_type, request.owner_principal_name)
    return CreateDelegationTokenResponse(
        code,
        *owner,
        *ANONYMOUS,
        issue_timestamp_ms=_NO_TIME,
        expiry_timestamp_ms=_NO_TIME,
        max_timestamp_ms=_NO_TIME,
    )
