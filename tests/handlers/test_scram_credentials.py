"""SCRAM credentials of users: set, shown without their secrets, removed, kept."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import alter_user_scram_credentials as alter
from kafkapy.protocol.messages import describe_user_scram_credentials as describe

SHA_256, SHA_512 = 1, 2


def upsertion(user: str, mechanism: int = SHA_256, iterations: int = 4096, password: bytes = b"p" * 32) -> Any:
    return alter.ScramCredentialUpsertion(user, mechanism, iterations, b"s" * 16, password)


def change(client: Any, *changes: Any) -> list[tuple[str, str]]:
    """Upsertions, and (user, mechanism) to delete; users and their errors."""
    deletions = [alter.ScramCredentialDeletion(*one) for one in changes if isinstance(one, tuple)]
    upsertions = [one for one in changes if not isinstance(one, tuple)]
    request = alter.AlterUserScramCredentialsRequest(deletions, upsertions)
    response = client.send(alter.ALTER_USER_SCRAM_CREDENTIALS, 0, request)
    return [(result.user, ErrorCode(result.error_code).name) for result in response.results]


def shown(client: Any, *users: str) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """User, error, and (mechanism, iterations)."""
    names = [describe.UserName(user) for user in users] or None
    request = describe.DescribeUserScramCredentialsRequest(names)
    response = client.send(describe.DESCRIBE_USER_SCRAM_CREDENTIALS, 0, request)
    return [
        (one.user, ErrorCode(one.error_code).name, [(info.mechanism, info.iterations) for info in one.credential_infos])
        for one in response.results
    ]


async def test_credentials_are_set_shown_removed_and_kept(client: Any) -> None:
    assert change(client, upsertion("alice"), upsertion("bob", SHA_512, 8192)) == [("alice", "NONE"), ("bob", "NONE")]
    assert change(client, upsertion("alice", SHA_512, 16384)) == [("alice", "NONE")]
    expected = [
        ("alice", "NONE", [(SHA_256, 4096), (SHA_512, 16384)]),
        ("bob", "NONE", [(SHA_512, 8192)]),
    ]
    assert shown(client) == expected
    await client.restart()
    assert shown(client) == expected
    assert change(client, ("alice", SHA_256), ("bob", SHA_512)) == [("alice", "NONE"), ("bob", "NONE")]
    assert shown(client) == [("alice", "NONE", [(SHA_512, 16384)])]


async def test_what_is_kept_is_what_apache_keeps(client: Any) -> None:
    change(client, upsertion("alice"))
    [record] = client.node.cluster.image.scram_credentials.records()
    # As Apache Kafka 4.3.1 writes it for this salt and salted password.
    assert base64.b64encode(record.stored_key) == b"5fFUxV0AD26xWkoJJg7bXVrfsC18oO/9teoJx9PJtT0="
    assert base64.b64encode(record.server_key) == b"HEtYAvOwTubW02jJL+5MEEljbbOmsXhQuGr9eFqJSO0="


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (upsertion(""), "UNACCEPTABLE_CREDENTIAL"),
        (upsertion("u", iterations=4095), "UNACCEPTABLE_CREDENTIAL"),
        (upsertion("u", iterations=16385), "UNACCEPTABLE_CREDENTIAL"),
        (upsertion("u", 0), "UNSUPPORTED_SASL_MECHANISM"),
        (upsertion("u", 3), "UNSUPPORTED_SASL_MECHANISM"),
        (upsertion("u", password=b""), "UNKNOWN_SERVER_ERROR"),
        (("u", SHA_256), "RESOURCE_NOT_FOUND"),
    ],
)
async def test_what_is_refused_harms_no_neighbour(client: Any, refused: Any, code: str) -> None:
    results = dict(change(client, refused, upsertion("neighbour")))
    assert code in results.values()
    assert results["neighbour"] == "NONE"
    assert shown(client) == [("neighbour", "NONE", [(SHA_256, 4096)])]


async def test_a_user_named_twice(client: Any) -> None:
    change(client, upsertion("alice"))
    assert change(client, ("alice", SHA_256), upsertion("alice", SHA_512)) == [("alice", "DUPLICATE_RESOURCE")]
    assert shown(client, "alice", "alice", "zed") == [
        ("alice", "DUPLICATE_RESOURCE", []),
        ("zed", "RESOURCE_NOT_FOUND", []),
    ]
