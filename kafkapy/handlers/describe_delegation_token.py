"""DescribeDelegationToken: on PLAINTEXT nobody has said who he is, and nobody is shown tokens."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_delegation_token import (
    DESCRIBE_DELEGATION_TOKEN,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)


@serves(DESCRIBE_DELEGATION_TOKEN)
def describe_delegation_token(request: DescribeDelegationTokenRequest, call: Call) -> DescribeDelegationTokenResponse:
    return DescribeDelegationTokenResponse(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)
