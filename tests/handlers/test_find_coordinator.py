"""FindCoordinator: the broker of a group, for one key and for several."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.offset_delete import OFFSET_DELETE, OffsetDeleteRequest
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest

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


@pytest.mark.parametrize(
    ("api", "request_"),
    [
        (HEARTBEAT, HeartbeatRequest("g", 1, "me")),
        (JOIN_GROUP, JoinGroupRequest("g", 10_000, 10_000, "", None, "consumer", [JoinGroupRequestProtocol("p")])),
        (OFFSET_DELETE, OffsetDeleteRequest("g")),
        (INIT_PRODUCER_ID, InitProducerIdRequest("tx", 1000)),
        (SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest("g", "me", 0)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_before_anybody_looks_for_a_coordinator_there_is_none(client: Any, api: Api, request_: Any) -> None:
    """As in Apache: their topics are made for FindCoordinator, and for no other request."""
    client.has_coordinator = True  # believes this client, and asks without looking for it
    assert client.send(api, api.versions.last, request_).error_code == ErrorCode.NOT_COORDINATOR
    assert client.send(METADATA, 12, MetadataRequest(None)).topics == []


@pytest.mark.parametrize("version", [*ONE_KEY[1:], *KEYS])
@pytest.mark.parametrize("key_type", [3, -1])
async def test_kinds_of_keys_that_there_are_not(client: Any, version: int, key_type: int) -> None:
    found = client.send(FIND_COORDINATOR, version, FindCoordinatorRequest("k", key_type, ["k"]))
    one = found.coordinators[0] if version >= 4 else found
    assert (one.error_code, one.node_id, one.host, one.port) == (ErrorCode.INVALID_REQUEST, -1, "", -1)
    assert one.error_message
