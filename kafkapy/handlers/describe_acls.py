"""DescribeAcls: this broker has no authorizer, and says so."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.without_authorizer import no_authorizer
from kafkapy.protocol.messages.describe_acls import DESCRIBE_ACLS, DescribeAclsRequest, DescribeAclsResponse


@serves(DESCRIBE_ACLS)
def describe_acls(request: DescribeAclsRequest, call: Call) -> DescribeAclsResponse:
    error = no_authorizer(request)
    return DescribeAclsResponse(error_code=error.code, error_message=error.why)
