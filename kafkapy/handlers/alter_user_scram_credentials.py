"""AlterUserScramCredentials: users' SCRAM credentials are set and removed."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.alter_user_scram_credentials import (
    ALTER_USER_SCRAM_CREDENTIALS,
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)


@serves(ALTER_USER_SCRAM_CREDENTIALS)
async def alter_user_scram_credentials(
    request: AlterUserScramCredentialsRequest, call: Call
) -> AlterUserScramCredentialsResponse:
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.alter_user_scram_credentials(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        names = [one.name for one in request.deletions] + [one.name for one in request.upsertions]
        return AlterUserScramCredentialsResponse(
            results=[AlterUserScramCredentialsResult(user, found.code, found.why) for user in dict.fromkeys(names)]
        )
