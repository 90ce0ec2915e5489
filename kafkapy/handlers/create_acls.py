"""CreateAcls: this broker has no authorizer, and says so of each ACL."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.without_authorizer import no_authorizer
from kafkapy.protocol.messages.create_acls import (
    CREATE_ACLS,
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)


@serves(CREATE_ACLS)
def create_acls(request: CreateAclsRequest, call: Call) -> CreateAclsResponse:
    error = no_authorizer(*request.creations)
    return CreateAclsResponse(results=[AclCreationResult(error.code, error.why) for _ in request.creations])
