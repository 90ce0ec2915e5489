"""DeleteAcls: this broker has no authorizer, and says so of each filter."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.without_authorizer import no_authorizer
from kafkapy.protocol.messages.delete_acls import (
    DELETE_ACLS,
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)


@serves(DELETE_ACLS)
def delete_acls(request: DeleteAclsRequest, call: Call) -> DeleteAclsResponse:
    error = no_authorizer(*request.filters)
    return DeleteAclsResponse(filter_results=[DeleteAclsFilterResult(error.code, error.why) for _ in request.filters])
