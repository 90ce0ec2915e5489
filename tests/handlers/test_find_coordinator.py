"""FindCoordinator: the broker of a group, for one key and for several."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest

ONE_KEY = range(4)
KEYS = range(4, FIND_COORDINATOR.versions.last + 1)


@pytest.mark.parametrize("version", ONE_KEY)
async def test_one_group(client: Any, version: int) -> None:
    found = client.send(FIND_COORDINATOR, version, FindCoordinatorRequest("g"))
    assert (found.error_code, found.node_id, found.host, found.port) == (ErrorCode.NONE, 1, "localhost", 9092)
    if version >= 1:
        assert found.error_message == "NONE"  # Apache's own words
    assert client.commit("g", "t", 0, 0) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the coordinator serves at once"


@pytest.mark.parametrize("version", KEYS)
async def test_many_groups(client: Any, version: int) -> None:
    found = client.send(FIND_COORDINATOR, version, FindCoordinatorRequest(coordinator_keys=["a", "", "b"])).coordinators
    assert [one.key for one in found] == ["a", "", "b"]
    assert {(one.error_code, one.node_id, one.host, one.port) for one in found} == {(0, 1, "localhost", 9092)}
    assert client.send(FIND_COORDINATOR, version, FindCoordinatorRequest()).coordinators == []


@pytest.mark.parametrize("version", [*ONE_KEY[1:], *KEYS])
@pytest.mark.parametrize("key_type", [3, -1])
async def test_kinds_of_keys_that_there_are_not(client: Any, version: int, key_type: int) -> None:
    found = client.send(FIND_COORDINATOR, version, FindCoordinatorRequest("k", key_type, ["k"]))
    one = found.coordinators[0] if version >= 4 else found
    assert (one.error_code, one.node_id, one.host, one.port) == (ErrorCode.INVALID_REQUEST, -1, "", -1)
    assert one.error_message
