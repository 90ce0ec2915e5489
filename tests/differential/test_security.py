"""SASL, ACLs and delegation tokens, of brokers without an authorizer that know nobody's name, in every version."""

from __future__ import annotations

from sides import Connection, Sides

from kafkapy.protocol.messages.create_acls import CREATE_ACLS, AclCreation, CreateAclsRequest
from kafkapy.protocol.messages.create_delegation_token import (
    CREATE_DELEGATION_TOKEN,
    CreatableRenewers,
    CreateDelegationTokenRequest,
)
from kafkapy.protocol.messages.delete_acls import DELETE_ACLS, DeleteAclsFilter, DeleteAclsRequest
from kafkapy.protocol.messages.describe_acls import DESCRIBE_ACLS, DescribeAclsRequest
from kafkapy.protocol.messages.describe_delegation_token import (
    DESCRIBE_DELEGATION_TOKEN,
    DescribeDelegationTokenOwner,
    DescribeDelegationTokenRequest,
)
from kafkapy.protocol.messages.expire_delegation_token import EXPIRE_DELEGATION_TOKEN, ExpireDelegationTokenRequest
from kafkapy.protocol.messages.renew_delegation_token import RENEW_DELEGATION_TOKEN, RenewDelegationTokenRequest
from kafkapy.protocol.messages.sasl_authenticate import SASL_AUTHENTICATE, SaslAuthenticateRequest
from kafkapy.protocol.messages.sasl_handshake import SASL_HANDSHAKE, SaslHandshakeRequest

# Resource type, name, pattern type, principal, host, operation, permission. Of the numbers 0 is UNKNOWN, and 1 ANY.
ACLS = (
    (2, "t", 3, "User:a", "*", 3, 3),
    (2, "t", 4, "User:a", "*", 3, 2),
    (2, "", 3, "", "", 3, 3),
    (1, "t", 1, "User:a", "*", 1, 1),
    (99, "t", 99, "a", "*", 99, 99),
    (-1, "t", 3, "a", "*", -1, 3),
    (0, "t", 3, "User:a", "*", 3, 3),
    (2, "t", 0, "User:a", "*", 3, 3),
    (2, "t", 3, "User:a", "*", 0, 3),
    (2, "t", 3, "User:a", "*", 3, 0),
)


def test_sasl(line: Connection, sides: Sides) -> None:
    for version in sides.versions(SASL_HANDSHAKE):
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "no such", ""):
            line.ask(SASL_HANDSHAKE, version, SaslHandshakeRequest(mechanism))
    for version in sides.versions(SASL_AUTHENTICATE):
        for sent in (b"\0me\0secret", b""):
            line.ask(SASL_AUTHENTICATE, version, SaslAuthenticateRequest(sent))


def test_acls(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DESCRIBE_ACLS):
        for acl in ACLS:
            line.ask(DESCRIBE_ACLS, version, DescribeAclsRequest(*acl))
        line.ask(DESCRIBE_ACLS, version, DescribeAclsRequest(1, None, 1, None, None, 1, 1))
    for version in sides.versions(CREATE_ACLS):
        line.ask(CREATE_ACLS, version, CreateAclsRequest([]))
        for acl in ACLS:
            line.ask(CREATE_ACLS, version, CreateAclsRequest([AclCreation(*ACLS[0]), AclCreation(*acl)]))
    for version in sides.versions(DELETE_ACLS):
        line.ask(DELETE_ACLS, version, DeleteAclsRequest([]))
        for acl in ACLS:
            line.ask(DELETE_ACLS, version, DeleteAclsRequest([DeleteAclsFilter(*ACLS[0]), DeleteAclsFilter(*acl)]))
        line.ask(DELETE_ACLS, version, DeleteAclsRequest([DeleteAclsFilter(1, None, 1, None, None, 1, 1)]))


def test_delegation_tokens(line: Connection, sides: Sides) -> None:
    for version in sides.versions(CREATE_DELEGATION_TOKEN):
        for renewers in ([], [CreatableRenewers("User", "r")], [CreatableRenewers("Group", "")]):
            for lifetime_ms in (-1, 0, 1000):
                request = CreateDelegationTokenRequest(None, None, renewers, lifetime_ms)
                line.ask(CREATE_DELEGATION_TOKEN, version, request)
        if version >= 3:
            for owner in (("User", "o"), ("", "o"), ("User", ""), ("User", None), (None, ""), (None, "o")):
                line.ask(CREATE_DELEGATION_TOKEN, version, CreateDelegationTokenRequest(*owner, [], -1))
    for version in sides.versions(RENEW_DELEGATION_TOKEN):
        for hmac in (b"", b"secret"):
            for period_ms in (-1, 0, 1000):
                line.ask(RENEW_DELEGATION_TOKEN, version, RenewDelegationTokenRequest(hmac, period_ms))
                line.ask(EXPIRE_DELEGATION_TOKEN, version, ExpireDelegationTokenRequest(hmac, period_ms))
    for version in sides.versions(DESCRIBE_DELEGATION_TOKEN):
        for owners in (None, [], [DescribeDelegationTokenOwner("User", "o")], [DescribeDelegationTokenOwner("", "")]):
            line.ask(DESCRIBE_DELEGATION_TOKEN, version, DescribeDelegationTokenRequest(owners))
