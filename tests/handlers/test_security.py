"""ACLs and delegation tokens: what a broker says that has no authorizer, and whose clients do not say who they are."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.handlers.call import HangUpError
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_acls import CREATE_ACLS, AclCreation, CreateAclsRequest
from kafkapy.protocol.messages.create_delegation_token import CREATE_DELEGATION_TOKEN, CreateDelegationTokenRequest
from kafkapy.protocol.messages.delete_acls import DELETE_ACLS, DeleteAclsFilter, DeleteAclsRequest
from kafkapy.protocol.messages.describe_acls import DESCRIBE_ACLS, DescribeAclsRequest

EVERYTHING = (1, None, 1, None, None, 1, 1)
ACL = (2, "t", 3, "User:u", "*", 3, 3)


async def test_there_are_no_acls(client: Any) -> None:
    described = client.send(DESCRIBE_ACLS, 3, DescribeAclsRequest(*EVERYTHING))
    assert (described.error_code, described.resources) == (ErrorCode.SECURITY_DISABLED, [])
    assert "no authorizer" in described.error_message
    created = client.send(CREATE_ACLS, 3, CreateAclsRequest([AclCreation(*ACL)] * 2)).results
    assert [one.error_code for one in created] == [ErrorCode.SECURITY_DISABLED] * 2
    deleted = client.send(DELETE_ACLS, 3, DeleteAclsRequest([DeleteAclsFilter(*EVERYTHING)] * 2)).filter_results
    assert [(one.error_code, one.matching_acls) for one in deleted] == [(ErrorCode.SECURITY_DISABLED, [])] * 2


@pytest.mark.parametrize("at", [0, 2, 5, 6])
async def test_what_is_not_known_is_never_sent(client: Any, at: int) -> None:
    fields = [0 if index == at else value for index, value in enumerate(ACL)]
    for api, request in (
        (DESCRIBE_ACLS, DescribeAclsRequest(*fields)),
        (CREATE_ACLS, CreateAclsRequest([AclCreation(*ACL), AclCreation(*fields)])),
        (DELETE_ACLS, DeleteAclsRequest([DeleteAclsFilter(*ACL), DeleteAclsFilter(*fields)])),
    ):
        with pytest.raises(HangUpError, match="stands for what is not known"):
            client.send(api, 3, request)


async def test_nobody_gets_a_token(client: Any) -> None:
    answer = client.send(CREATE_DELEGATION_TOKEN, 3, CreateDelegationTokenRequest("User", "u", [], -1))
    assert answer.error_code == ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    assert (answer.principal_name, answer.token_requester_principal_name) == ("u", "ANONYMOUS")
    assert (answer.token_id, answer.expiry_timestamp_ms) == ("", -1)
