"""Groups that change their protocol while they have members, on kafkapy and on Apache Kafka side by side (KIP-848)."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.leave_group import MemberIdentity
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)

ALL = [0, 1, 2, 3, 4, 5]


def classic(both: Any, group: str) -> int:
    """A classic group of one member that has all of `six`; its generation."""
    generation = both.join(group, "c1", ["six"], is_new=True)["generation_id"]
    assert both.sync(group, "c1", generation, {"six": ALL}) == {"six": ALL}
    return int(generation)


def test_up_and_down_again(both: Any) -> None:
    generation = classic(both, "up")
    joined = both.beat("up", "m1", 0, topics=["six"])
    assert (joined["error_code"], joined["assignment"]) == (ErrorCode.NONE, {})
    assert [one["member_type"] for one in both.describe("up")["members"]] == [0, 1]
    assert both.classic_beat("up", "c1", generation) == ErrorCode.REBALANCE_IN_PROGRESS
    assert both.sync("up", "c1", generation) == ErrorCode.REBALANCE_IN_PROGRESS
    # It owns too much: it learns what to give back, and joins again when it has.
    again = both.join("up", "c1", ["six"], {"six": ALL})
    assert again["generation_id"] == generation
    assert both.sync("up", "c1", generation) == {"six": [0, 1, 2]}
    assert both.classic_beat("up", "c1", generation) == ErrorCode.REBALANCE_IN_PROGRESS
    again = both.join("up", "c1", ["six"], {"six": [0, 1, 2]})
    assert again["generation_id"] == generation + 1
    assert both.sync("up", "c1", generation + 1) == {"six": [0, 1, 2]}
    assert both.classic_beat("up", "c1", generation + 1) == ErrorCode.NONE
    assert both.beat("up", "m1", joined["member_epoch"])["assignment"] == {"six": [3, 4, 5]}
    assert both.describe("up")["group_state"] == "Stable"
    assert both.classic_beat("up", "c1", generation) == ErrorCode.ILLEGAL_GENERATION
    assert both.classic_beat("up", "m1", generation + 1) == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.classic_beat("up", "nobody", generation + 1) == ErrorCode.UNKNOWN_MEMBER_ID
    both.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest(["up"]))
    assert both.beat("up", "m1", -1)["error_code"] == ErrorCode.NONE
    assert both.describe("up")["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    assert both.classic_beat("up", "c1", generation + 1) == ErrorCode.REBALANCE_IN_PROGRESS
    last = both.join("up", "c1", ["six"], {"six": [0, 1, 2]})
    assert last["leader"] == "c1"
    assert both.sync("up", "c1", last["generation_id"], {"six": ALL}) == {"six": ALL}
    both.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest(["up"]))
    both.same_log("up")


def test_a_classic_member_joins_a_consumer_group(both: Any) -> None:
    epoch = both.beat("mixed", "m1", 0, topics=["six"])["member_epoch"]
    assert both.join("mixed", "c1", ["six"], is_new=True, protocols=("range", "cooperative-sticky"))["generation_id"]
    assert both.sync("mixed", "c1", epoch + 1) == {}
    assert both.join("mixed", "c2", ["six"], is_new=True, protocols=("other",))["error_code"]
    both.beat("mixed", "m1", epoch)
    both.beat("mixed", "m1", epoch, owned={"six": [0, 1, 2]})
    assert both.classic_beat("mixed", "c1", epoch + 1) == ErrorCode.REBALANCE_IN_PROGRESS, "what it waited for is free"
    assert both.join("mixed", "c1", ["six"])["generation_id"] == epoch + 1
    assert both.sync("mixed", "c1", epoch + 1) == {"six": [3, 4, 5]}

    def commit(member: str, generation: int, version: int) -> Any:
        def request(side: Any) -> OffsetCommitRequest:
            topics = [OffsetCommitRequestTopic("six", side.topic_id("six"), [OffsetCommitRequestPartition(3, 1)])]
            return OffsetCommitRequest("mixed", generation, side.real(member), topics=topics)

        return both.ask(OFFSET_COMMIT, version, request)["topics"][0]["partitions"][0]["error_code"]

    assert commit("c1", epoch + 1, 7) == ErrorCode.NONE
    assert commit("c1", epoch, 7) == ErrorCode.ILLEGAL_GENERATION
    assert commit("c1", epoch + 2, 9) == ErrorCode.ILLEGAL_GENERATION
    both.leave("mixed", MemberIdentity("nobody"), MemberIdentity("c1"), MemberIdentity("", "nobody"))
    assert both.describe("mixed")["group_state"] == "Assigning"
    both.beat("mixed", "m1", epoch + 1)
    both.same_log("mixed")


def test_static_members_change_their_protocol(both: Any) -> None:
    generation = both.join("fixed", "c1", ["six"], is_new=True, instance="i")["generation_id"]
    assert both.sync(
        "fixed",
        "c1",
        generation,
        {"six": ALL},
    ) == {"six": ALL}
    taken = both.beat("fixed", "m1", 0, instance_id="i", topics=["six"])
    assert taken["assignment"] == {"six": ALL}
    assert both.classic_beat("fixed", "c1", generation, "i") == ErrorCode.FENCED_INSTANCE_ID
    both.describe("fixed")
    back = both.join("fixed", "c2", ["six"], is_new=True, instance="i")
    assert back["error_code"] == ErrorCode.NONE
    assert both.describe("fixed")["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    both.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest(["fixed"]))
    both.same_log("fixed")


def test_empty_groups_make_place(both: Any) -> None:
    generation = classic(both, "empty")
    both.leave("empty", MemberIdentity("c1"))
    assert both.beat("empty", "m1", 0, topics=["six"])["assignment"] == {"six": ALL}
    both.beat("empty", "m1", -1)
    assert both.describe("empty")["group_state"] == "Empty"
    assert both.classic_beat("empty", "c1", generation) == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.sync("empty", "c1", generation) == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.join("empty", "c2", ["six"], is_new=True)["generation_id"] == 1
    both.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest(["empty"]))
    both.same_log("empty")


@pytest.mark.parametrize("version", [2, 5])
def test_leaving_an_upgraded_group_the_old_way(both: Any, version: int) -> None:
    group = f"old {version}"
    classic(both, group)
    epoch = both.beat(group, "m1", 0, topics=["six"])["member_epoch"]
    both.leave(group, MemberIdentity("c1"), version=version)
    assert both.beat(group, "m1", epoch)["assignment"] == {"six": ALL}
    both.leave(group, MemberIdentity("m1"), version=version)
    assert both.describe(group)["group_state"] == "Empty"
    both.same_log(group)


def test_a_group_that_is_no_consumers_stays_classic(both: Any) -> None:
    from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol

    for side in both.sides:
        request = JoinGroupRequest("work", 30_000, 30_000, "", None, "connect", [JoinGroupRequestProtocol("x", b"y")])
        assert side.client.ask(JOIN_GROUP, 3, request).error_code == ErrorCode.NONE
    assert both.beat("work", "m1", 0, topics=["six"])["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    assert both.beat("work", "m1", 1)["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    assert both.beat("work", "m1", -1)["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
