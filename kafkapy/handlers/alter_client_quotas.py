"""AlterClientQuotas: quotas of users, client ids and addresses are set and removed."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.alter_client_quotas import (
    ALTER_CLIENT_QUOTAS,
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntryResult,
)


@serves(ALTER_CLIENT_QUOTAS)
async def alter_client_quotas(request: AlterClientQuotasRequest, call: Call) -> AlterClientQuotasResponse:
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.alter_client_quotas(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        return AlterClientQuotasResponse(
            entries=[EntryResult(found.code, found.why, entry.entity) for entry in request.entries]
        )
