"""DescribeUserScramCredentials: which users have credentials, of which mechanism; never the credentials."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.messages.describe_user_scram_credentials import (
    DESCRIBE_USER_SCRAM_CREDENTIALS,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
)


@serves(DESCRIBE_USER_SCRAM_CREDENTIALS)
def describe_user_scram_credentials(
    request: DescribeUserScramCredentialsRequest, call: Call
) -> DescribeUserScramCredentialsResponse:
    credentials = call.node.cluster.image.scram_credentials
    found = credentials.describe([user.name for user in request.users or ()])
    return DescribeUserScramCredentialsResponse(results=found)
