"""DescribeClientQuotas: the quotas of users, client ids and addresses. Nobody is held to them yet."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.describe_client_quotas import (
    DESCRIBE_CLIENT_QUOTAS,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
)


@serves(DESCRIBE_CLIENT_QUOTAS)
def describe_client_quotas(request: DescribeClientQuotasRequest, call: Call) -> DescribeClientQuotasResponse:
    try:
        return DescribeClientQuotasResponse(entries=call.node.cluster.image.client_quotas.describe(request))
    except Exception as error:
        found = refusal(error, call)
        return DescribeClientQuotasResponse(error_code=found.code, error_message=found.why, entries=None)
