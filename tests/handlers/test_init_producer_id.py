"""InitProducerId: ids that nobody had before, also after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest

VERSIONS = range(INIT_PRODUCER_ID.versions.last + 1)


def ask(client: Any, version: int, *fields: Any, **options: Any) -> Any:
    return client.send(INIT_PRODUCER_ID, version, InitProducerIdRequest(*(fields or (None, 0)), **options))


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_producer_gets_its_own_id(client: Any, version: int) -> None:
    found = [ask(client, version) for _ in range(3)]
    assert {(one.error_code, one.producer_epoch) for one in found} == {(ErrorCode.NONE, 0)}
    assert len({one.producer_id for one in found}) == 3


async def test_no_id_is_given_twice_by_a_broker_that_was_restarted(client: Any) -> None:
    before = ask(client, 4).producer_id
    await client.restart()
    assert ask(client, 4).producer_id > before


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("transactional_id", "timeout_ms", "code"),
    [
        ("", 1000, ErrorCode.INVALID_REQUEST),
        ("mine", 0, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        ("mine", 900_001, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
    ],
)
async def test_transactional_ids(
    client: Any, version: int, transactional_id: str, timeout_ms: int, code: ErrorCode
) -> None:
    client.send(FIND_COORDINATOR, 3, FindCoordinatorRequest("mine", 1))
    found = ask(client, version, transactional_id, timeout_ms)
    assert (found.error_code, found.producer_id, found.producer_epoch) == (code, -1, -1)


@pytest.mark.parametrize("version", VERSIONS[3:])
async def test_a_producer_that_had_an_id_gets_another(client: Any, version: int) -> None:
    first = ask(client, version).producer_id
    again = ask(client, version, producer_id=first, producer_epoch=0)
    assert (again.error_code, again.producer_epoch) == (ErrorCode.NONE, 0)
    assert again.producer_id != first
    for half in ({"producer_id": 5}, {"producer_epoch": 5}):
        assert ask(client, version, **half).error_code == ErrorCode.INVALID_REQUEST
