"""Quotas of clients: what may be set, who is shown, and that it is there after a restart and from a snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import alter_client_quotas as alter
from kafkapy.protocol.messages import describe_client_quotas as describe

ALICE = {"user": "alice"}
BOB = {"user": "bob", "client-id": None}
ADDRESS = {"ip": "10.0.0.1"}
EXACT, DEFAULT, ANY = 0, 1, 2

Entity = dict[str, str | None]


def request_of(*entries: tuple[Entity, dict[str, float | None]], validate_only: bool = False) -> Any:
    """Entities and their quotas, None to remove one."""
    return alter.AlterClientQuotasRequest(
        [
            alter.EntryData(
                [alter.EntityData(*part) for part in entity.items()],
                [alter.OpData(key, value or 0.0, value is None) for key, value in values.items()],
            )
            for entity, values in entries
        ],
        validate_only,
    )


def set_quotas(client: Any, entity: Entity, **values: float | None) -> tuple[str, str | None]:
    """The error and its text."""
    [result] = client.send(alter.ALTER_CLIENT_QUOTAS, 1, request_of((entity, values))).entries
    assert {part.entity_type: part.entity_name for part in result.entity} == entity
    return ErrorCode(result.error_code).name, result.error_message


def shown(client: Any, *filters: tuple[str, int, str | None], strict: bool = False) -> list[Any]:
    """Entities and their quotas."""
    request = describe.DescribeClientQuotasRequest([describe.ComponentData(*one) for one in filters], strict)
    response = client.send(describe.DESCRIBE_CLIENT_QUOTAS, 1, request)
    assert response.error_code == ErrorCode.NONE
    return [
        ({part.entity_type: part.entity_name for part in entry.entity}, {one.key: one.value for one in entry.values})
        for entry in response.entries
    ]


async def test_quotas_are_set_changed_removed_and_kept(client: Any) -> None:
    assert set_quotas(client, ALICE, producer_byte_rate=1000, request_percentage=12.5) == ("NONE", None)
    assert set_quotas(client, BOB, consumer_byte_rate=5) == ("NONE", None)
    assert set_quotas(client, ALICE, producer_byte_rate=2000, request_percentage=None) == ("NONE", None)
    expected = [(ALICE, {"producer_byte_rate": 2000}), (BOB, {"consumer_byte_rate": 5})]
    assert shown(client) == expected
    await client.restart()
    assert shown(client) == expected
    assert set_quotas(client, ALICE, producer_byte_rate=None, nobody_knows_it=None) == ("NONE", None)
    assert shown(client) == expected[1:]


async def test_a_trial_changes_nothing(client: Any) -> None:
    request = request_of((ALICE, {"producer_byte_rate": 1.0}), (ALICE | {"x": "y"}, {}), validate_only=True)
    codes = [entry.error_code for entry in client.send(alter.ALTER_CLIENT_QUOTAS, 0, request).entries]
    assert codes == [ErrorCode.NONE, ErrorCode.INVALID_REQUEST]
    assert shown(client) == []


@pytest.mark.parametrize(
    ("entity", "key", "value", "why"),
    [
        ({}, "producer_byte_rate", 1, "Invalid empty client quota entity"),
        ({"group": "g"}, "producer_byte_rate", 1, "Unhandled client quota entity type: group"),
        ({"user": ""}, "producer_byte_rate", 1, "Empty user not supported"),
        (ALICE | ADDRESS, "producer_byte_rate", 1, "Invalid quota entity combination, IP entity shouldnot be combined"),
        ({"ip": "300.0.0.1"}, "connection_creation_rate", 1, "300.0.0.1 is not a valid IP or resolvable host."),
        ({"ip": "a.b"}, "connection_creation_rate", 1, "a.b is not a valid IP or resolvable host."),
        ({"ip": "::zz"}, "connection_creation_rate", 1, "::zz is not a valid IP or resolvable host."),
        (ADDRESS, "producer_byte_rate", 1, "Invalid configuration key producer_byte_rate"),
        (ALICE, "connection_creation_rate", 1, "Invalid configuration key connection_creation_rate"),
        (ALICE, "producer_byte_rate", 0, "Quota producer_byte_rate must be greater than 0"),
        (ALICE, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
        (ALICE, "consumer_byte_rate", 1e19, "Proposed value for consumer_byte_rate is too large for a LONG."),
        (ADDRESS, "connection_creation_rate", 2**31, "is too large for an INT."),
    ],
)
async def test_what_cannot_be_set(client: Any, entity: Entity, key: str, value: float, why: str) -> None:
    code, text = set_quotas(client, entity, **{key: value})
    assert code == "INVALID_REQUEST"
    assert why in (text or "")
    assert shown(client) == []


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "[::1]", "10.1", "localhost", None])
async def test_addresses(client: Any, address: str | None) -> None:
    assert set_quotas(client, {"ip": address}, connection_creation_rate=7)[0] == "NONE"


async def test_all_quotas_of_an_entity_or_none(client: Any) -> None:
    assert set_quotas(client, ALICE, producer_byte_rate=1, unknown=1)[0] == "INVALID_REQUEST"
    assert shown(client) == []


async def test_an_entity_named_twice(client: Any) -> None:
    request = request_of((ALICE, {"producer_byte_rate": 1.0}), (ALICE, {"producer_byte_rate": 2.0}))
    [result] = client.send(alter.ALTER_CLIENT_QUOTAS, 1, request).entries
    assert result.error_message == "Ignoring duplicate entity ClientQuotaEntity(entries={user=alice})"
    assert shown(client) == [(ALICE, {"producer_byte_rate": 1})]


async def test_who_is_shown(client: Any) -> None:
    for entity in (ALICE, BOB, {"user": None}):
        set_quotas(client, entity, producer_byte_rate=1)
    set_quotas(client, ADDRESS, connection_creation_rate=1)

    def entities(*filters: tuple[str, int, str | None], strict: bool = False) -> list[Any]:
        return [entity for entity, _ in shown(client, *filters, strict=strict)]

    assert entities() == [ALICE, BOB, {"user": None}, ADDRESS]
    assert entities(("user", EXACT, "alice")) == [ALICE]
    assert entities(("user", DEFAULT, None)) == [{"user": None}]
    assert entities(("user", ANY, None)) == [ALICE, BOB, {"user": None}]
    assert entities(("user", ANY, None), strict=True) == [ALICE, {"user": None}]
    assert entities(("user", ANY, None), ("client-id", DEFAULT, None)) == [BOB]
    assert entities(("ip", ANY, None)) == [ADDRESS]
    assert entities(strict=True) == []


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ([("", EXACT, "x")], ErrorCode.INVALID_REQUEST),
        ([("group", EXACT, "x")], ErrorCode.UNSUPPORTED_VERSION),
        ([("user", EXACT, None)], ErrorCode.INVALID_REQUEST),
        ([("user", DEFAULT, "x")], ErrorCode.INVALID_REQUEST),
        ([("user", ANY, "x")], ErrorCode.INVALID_REQUEST),
        ([("user", 3, None)], ErrorCode.INVALID_REQUEST),
        ([("user", ANY, None), ("user", ANY, None)], ErrorCode.INVALID_REQUEST),
        ([("user", ANY, None), ("ip", ANY, None)], ErrorCode.INVALID_REQUEST),
    ],
)
async def test_filters_that_contradict_themselves(client: Any, filters: list[Any], code: ErrorCode) -> None:
    request = describe.DescribeClientQuotasRequest([describe.ComponentData(*one) for one in filters])
    response = client.send(describe.DESCRIBE_CLIENT_QUOTAS, 1, request)
    assert (response.error_code, response.entries) == (code, None)
    assert response.error_message
