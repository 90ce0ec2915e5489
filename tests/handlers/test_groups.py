"""The group APIs through their handlers: what the coordinator's own tests cannot see."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_GROUP
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.consumer_group_describe import CONSUMER_GROUP_DESCRIBE, ConsumerGroupDescribeRequest
from kafkapy.protocol.messages.consumer_group_heartbeat import CONSUMER_GROUP_HEARTBEAT, ConsumerGroupHeartbeatRequest
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest, MemberIdentity
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment


def versions(api: Any) -> range:
    return range(api.versions.first, api.versions.last + 1)


def join_request(member_id: str = "", **options: Any) -> JoinGroupRequest:
    protocols = [JoinGroupRequestProtocol("range", b"topics")]
    return JoinGroupRequest("g", 10_000, 10_000, member_id, None, "consumer", protocols, **options)


async def join(client: Any, version: int) -> Any:
    response = await client.ask(JOIN_GROUP, version, join_request())
    if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
        response = await client.ask(JOIN_GROUP, version, join_request(response.member_id))
    return response


@pytest.mark.parametrize("version", versions(JOIN_GROUP))
async def test_the_first_member_leads(client: Any, version: int) -> None:
    joined = await join(client, version)
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (ErrorCode.NONE, 1, "range")
    assert joined.leader == joined.member_id
    assert joined.member_id.startswith("me-")
    assert [(member.member_id, member.metadata) for member in joined.members] == [(joined.member_id, b"topics")]
    if version >= 7:
        assert joined.protocol_type == "consumer"


@pytest.mark.parametrize("version", versions(JOIN_GROUP))
async def test_a_refused_join(client: Any, version: int) -> None:
    refused = await client.ask(JOIN_GROUP, version, join_request("nobody"))
    assert (refused.error_code, refused.generation_id) == (ErrorCode.UNKNOWN_MEMBER_ID, -1)
    assert refused.protocol_name == (None if version >= 7 else "")


@pytest.mark.parametrize("version", versions(JOIN_GROUP)[4:])
async def test_a_new_member_must_come_back_with_its_id(client: Any, version: int) -> None:
    refused = client.send(JOIN_GROUP, version, join_request())
    assert refused.error_code == ErrorCode.MEMBER_ID_REQUIRED
    assert refused.member_id


async def test_two_members_share_a_generation(client: Any) -> None:
    first = await client.join("g")
    answers: dict[str, Any] = {}

    async def rejoin() -> None:
        answers["first"] = await client.join("g", first.member_id)

    async with trio.open_nursery() as nursery:

        async def second() -> None:
            answers["second"] = await client.join("g")

        nursery.start_soon(second)
        await trio.testing.wait_all_tasks_blocked()
        assert not answers, "the newcomer waits for the first"
        heartbeat = client.send(HEARTBEAT, 4, HeartbeatRequest("g", 1, first.member_id))
        assert heartbeat.error_code == ErrorCode.REBALANCE_IN_PROGRESS
        nursery.start_soon(rejoin)
    assert {answer.generation_id for answer in answers.values()} == {2}
    assert len(answers["first"].members) == 2
    assert answers["second"].members == []
    follower = answers["second"].member_id
    synced: dict[str, bytes] = {}

    async def wait_for_assignment() -> None:
        synced["second"] = bytes((await client.sync("g", answers["second"])).assignment)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_assignment)
        await trio.testing.wait_all_tasks_blocked()
        assert not synced, "the follower waits for the leader's assignment"
        parts = {first.member_id: b"one", follower: b"two"}
        synced["first"] = bytes((await client.sync("g", answers["first"], **parts)).assignment)
    assert synced == {"first": b"one", "second": b"two"}


async def test_a_silent_member_is_out_after_its_session_timeout(client: Any) -> None:
    joined = await client.join("g")
    await client.sync("g", joined)
    await trio.sleep(9.9)
    assert client.send(HEARTBEAT, 4, HeartbeatRequest("g", 1, joined.member_id)).error_code == ErrorCode.NONE
    await trio.sleep(10.1)
    gone = client.send(HEARTBEAT, 4, HeartbeatRequest("g", 1, joined.member_id))
    assert gone.error_code == ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("version", versions(SYNC_GROUP))
async def test_sync(client: Any, version: int) -> None:
    member = (await client.join("g")).member_id
    part = [SyncGroupRequestAssignment(member, b"mine")]

    async def sync(generation: int, name: str, protocol_type: str | None, protocol: str | None) -> Any:
        request = SyncGroupRequest("g", generation, name, None, protocol_type, protocol, part)
        return await client.ask(SYNC_GROUP, version, request)

    assert (await sync(7, member, "consumer", "range")).error_code == ErrorCode.ILLEGAL_GENERATION
    assert (await sync(1, "nobody", "consumer", "range")).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    if version >= 5:
        for missing in ((None, "range"), ("consumer", None), ("consumer", "other")):
            assert (await sync(1, member, *missing)).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    synced = await sync(1, member, "consumer", "range")
    assert (synced.error_code, bytes(synced.assignment)) == (ErrorCode.NONE, b"mine")


@pytest.mark.parametrize("version", versions(HEARTBEAT))
async def test_heartbeats(client: Any, version: int) -> None:
    member = (await client.join("g")).member_id
    cases = {
        ("g", 1, member): ErrorCode.NONE,
        ("g", 2, member): ErrorCode.ILLEGAL_GENERATION,
        ("g", 1, "nobody"): ErrorCode.UNKNOWN_MEMBER_ID,
        ("nowhere", 1, member): ErrorCode.UNKNOWN_MEMBER_ID,
        ("", 1, member): ErrorCode.INVALID_GROUP_ID,
    }
    assert {case: client.send(HEARTBEAT, version, HeartbeatRequest(*case)).error_code for case in cases} == cases


@pytest.mark.parametrize("version", versions(LEAVE_GROUP))
async def test_leaving(client: Any, version: int) -> None:
    member = (await client.join("g")).member_id

    async def leave(name: str) -> Any:
        response = await client.ask(LEAVE_GROUP, version, LeaveGroupRequest("g", name, [MemberIdentity(name)]))
        return response.members[0].error_code if version >= 3 else response.error_code

    assert await leave("nobody") == ErrorCode.UNKNOWN_MEMBER_ID
    assert await leave(member) == ErrorCode.NONE
    assert await leave(member) == ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("version", versions(DESCRIBE_GROUPS))
async def test_describing(client: Any, version: int) -> None:
    joined = await client.join("g")
    await client.sync("g", joined, **{joined.member_id: b"mine"})
    request = DescribeGroupsRequest(["g", "nowhere"], include_authorized_operations=True)
    known, missing = client.send(DESCRIBE_GROUPS, version, request).groups
    assert (known.error_code, known.group_state, known.protocol_type, known.protocol_data) == (
        *(ErrorCode.NONE, "Stable"),
        *("consumer", "range"),
    )
    [member] = known.members
    assert (member.member_id, member.client_id, member.client_host) == (joined.member_id, "me", "/127.0.0.1")
    assert (bytes(member.member_metadata), bytes(member.member_assignment)) == (b"subscription", b"mine")
    assert (missing.group_id, missing.group_state) == ("nowhere", "Dead")
    assert missing.error_code == (ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else ErrorCode.NONE)
    if version >= 3:
        assert known.authorized_operations == ON_GROUP
        assert missing.authorized_operations == (NOT_ASKED if version >= 6 else ON_GROUP)


@pytest.mark.parametrize("version", versions(LIST_GROUPS))
async def test_listing(client: Any, version: int) -> None:
    client.create("t")
    client.commit("simple", "t", 0, 1)
    joined = await client.join("g")
    await client.sync("g", joined)

    def listed(*filters: list[str]) -> dict[str, str]:
        groups = client.send(LIST_GROUPS, version, ListGroupsRequest(*filters)).groups
        return {group.group_id: group.protocol_type for group in groups}

    assert listed() == {"g": "consumer", "simple": ""}
    if version >= 4:
        assert listed(["stable"]) == {"g": "consumer"}
        assert listed(["Empty", "Dead"]) == {"simple": ""}
    if version >= 5:
        assert listed([], ["Classic"]) == {"g": "consumer", "simple": ""}
        assert listed([], ["consumer"]) == {}


@pytest.mark.parametrize("version", versions(DELETE_GROUPS))
async def test_deleting(client: Any, version: int) -> None:
    client.create("t")
    client.commit("simple", "t", 0, 1)
    await client.join("g")
    response = await client.ask(DELETE_GROUPS, version, DeleteGroupsRequest(["simple", "g", "nowhere", "simple"]))
    assert {result.group_id: result.error_code for result in response.results} == {
        "simple": ErrorCode.NONE,
        "g": ErrorCode.NON_EMPTY_GROUP,
        "nowhere": ErrorCode.GROUP_ID_NOT_FOUND,
    }
    assert [group.group_id for group in client.send(LIST_GROUPS, 0, ListGroupsRequest()).groups] == ["g"]


async def test_generations_outlive_the_broker(client: Any) -> None:
    joined = await client.join("g")
    await client.sync("g", joined, **{joined.member_id: b"mine"})
    await client.restart()
    assert client.send(HEARTBEAT, 4, HeartbeatRequest("g", 1, joined.member_id)).error_code == ErrorCode.NONE
    assert bytes((await client.sync("g", joined)).assignment) == b"mine"


@pytest.fixture
def classic_only(client: Any) -> Any:
    client.configure(group_coordinator_rebalance_protocols="classic")
    return client


async def test_a_protocol_that_is_not_configured_is_not_served(classic_only: Any) -> None:
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, ["t"], topic_partitions=[])
    refused = await classic_only.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)
    assert refused.error_code == ErrorCode.UNSUPPORTED_VERSION


async def test_what_a_group_is_configured_with_is_in_force_at_once(client: Any) -> None:
    client.create("t")
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, ["t"], topic_partitions=[])
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)).heartbeat_interval_ms == 5_000
    change = [AlterableConfig("consumer.heartbeat.interval.ms", 0, "6000")]
    altered = IncrementalAlterConfigsRequest([AlterConfigsResource(32, "g", change)])
    assert client.send(INCREMENTAL_ALTER_CONFIGS, 1, altered).responses[0].error_code == ErrorCode.NONE
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)).heartbeat_interval_ms == 6_000


async def test_a_silent_consumer_is_fenced_and_the_group_is_there_after_a_restart(client: Any) -> None:
    client.create("t", 2)
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, ["t"], topic_partitions=[])
    joined = await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)
    assert joined.assignment.topic_partitions[0].partitions == [0, 1]
    await client.restart()
    beat = ConsumerGroupHeartbeatRequest("g", "m", joined.member_epoch)
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, beat)).member_epoch == joined.member_epoch
    await trio.sleep(46)  # of mock time
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, beat)).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    described = client.send(CONSUMER_GROUP_DESCRIBE, 1, ConsumerGroupDescribeRequest(["g"], True)).groups[0]
    assert (described.group_state, described.members) == ("Empty", [])
    assert described.authorized_operations == ON_GROUP


async def test_a_regular_expression_is_matched_soon(client: Any) -> None:
    client.create("t1")
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, None, "t.", topic_partitions=[])
    joined = await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)
    assert joined.assignment.topic_partitions == []
    await trio.testing.wait_all_tasks_blocked()
    beat = ConsumerGroupHeartbeatRequest("g", "m", joined.member_epoch)
    assert len((await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, beat)).assignment.topic_partitions) == 1
