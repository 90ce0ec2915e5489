"""Share groups: members come and go, and each reads its part of the partitions that have a state."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.share.membership import ToInitialize
from kafkapy.coordinator.share.simple_assignor import assign_simple
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.share_group_heartbeat import ShareGroupHeartbeatRequest

A, B = UUID(int=1), UUID(int=2)


class Sharing:
    """A coordinator whose share coordinator grants every state at once."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.asked: list[ToInitialize] = []
        self.has: dict[str, dict[UUID, list[int]]] = {}
        self.epochs: dict[str, int] = {}

    def beat(self, member: str, epoch: int | None = None, topics: list[str] | None = None, group: str = "g") -> Any:
        broker = self.broker
        epoch = self.epochs.get(member, 0) if epoch is None else epoch
        request = ShareGroupHeartbeatRequest(group, member, epoch, None, topics)
        outcome = broker.shard.shares.membership.heartbeat(request, Caller("me", "/host", 1), broker.now_ms)
        response, wanted = broker.run(outcome).result()
        if wanted is not None:
            self.asked.append(wanted)
            have = {topic_id: list(found) for topic_id, found in wanted.offsets.items()}
            broker.run(broker.shard.shares.membership.initialized(group, have, broker.now_ms))
        if response.error_code == ErrorCode.NONE:
            self.epochs[member] = response.member_epoch
            if response.assignment is not None:
                found = response.assignment.topic_partitions
                self.has[member] = {one.topic_id: one.partitions for one in found}
        return response

    def settle(self, *members: str) -> None:
        """Time passes, and all of them beat."""
        for _ in range(4):
            self.broker.advance(2_000)
            for member in members:
                self.beat(member)


@pytest.fixture
def sharing(broker: Any) -> Sharing:
    return Sharing(broker)


def test_partitions_are_assigned_once_they_have_a_state(sharing: Sharing) -> None:
    topic = sharing.broker.topics.create("t", 2)
    first = sharing.beat("one", 0, ["t"])
    assert (first.error_code, sharing.has["one"]) == (ErrorCode.NONE, {})
    assert sharing.asked == [ToInitialize("g", first.member_epoch, {topic: {0: -1, 1: -1}})]
    sharing.settle("one")
    assert sharing.has["one"] == {topic: [0, 1]}
    sharing.broker.topics.create("t", 3)
    sharing.settle("one")
    assert sharing.has["one"] == {topic: [0, 1, 2]}
    assert len(sharing.asked) == 2


def test_members_share_what_there_is(sharing: Sharing) -> None:
    topic = sharing.broker.topics.create("t", 1)
    for member in ("one", "two", "three"):
        sharing.beat(member, 0, ["t"])
    sharing.settle("one", "two", "three")
    assert list(sharing.has.values()) == [{topic: [0]}] * 3


def test_a_silent_member_is_removed_and_the_rest_survives_a_crash(sharing: Sharing) -> None:
    topic = sharing.broker.topics.create("t", 4)
    sharing.beat("one", 0, ["t"])
    sharing.beat("two", 0, ["t"])
    sharing.settle("one", "two")
    assert sorted(map(len, (sharing.has["one"][topic], sharing.has["two"][topic]))) == [2, 2]
    sharing.broker.kill_and_restart()
    assert sharing.beat("two").error_code == ErrorCode.NONE
    for _ in range(30):
        sharing.broker.advance(2_000)
        sharing.beat("two")
    assert sharing.has["two"] == {topic: [0, 1, 2, 3]}
    assert sharing.beat("one").error_code == ErrorCode.UNKNOWN_MEMBER_ID
    described = sharing.broker.shard.shares.describe("g")
    assert (described.group_state, [member.member_id for member in described.members]) == ("Stable", ["two"])


def test_a_group_id_is_of_one_kind(sharing: Sharing) -> None:
    broker = sharing.broker
    broker.topics.create("t", 1)
    sharing.beat("one", 0, ["t"])
    assert broker.join(group="g").result().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    broker.join(group="classic")
    assert sharing.beat("one", 0, ["t"], group="classic").error_code == ErrorCode.GROUP_ID_NOT_FOUND
    kinds = {(one.group_id, one.group_type) for one in broker.shard.list_groups(types=["Share"])}
    assert kinds == {("g", "share")}


def test_epochs_that_are_wrong_are_fenced(sharing: Sharing) -> None:
    sharing.broker.topics.create("t", 1)
    assert sharing.beat("one", 3).error_code == ErrorCode.GROUP_ID_NOT_FOUND
    sharing.beat("one", 0, ["t"])
    sharing.settle("one")
    assert sharing.beat("one", 99).error_code == ErrorCode.FENCED_MEMBER_EPOCH
    assert sharing.beat("one", sharing.epochs["one"] - 1).error_code == ErrorCode.NONE, "its last answer was lost"
    assert sharing.beat("one", -1).error_code == ErrorCode.NONE
    assert sharing.beat("one", -1).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_group_forgets_a_deleted_topic(sharing: Sharing) -> None:
    topic = sharing.broker.topics.create("t", 1)
    sharing.beat("one", 0, ["t"])
    sharing.broker.topics.delete("t")
    sharing.broker.run(sharing.broker.shard.remove_topic("t", sharing.broker.now_ms, topic))
    assert sharing.broker.shard.shares.initialized_partitions("g") == {}


@pytest.mark.parametrize(("members", "partitions"), [(1, 5), (2, 5), (5, 2), (3, 3), (7, 3), (4, 0)])
def test_readers_and_partitions_are_balanced(members: int, partitions: int) -> None:
    names = [f"m{index}" for index in range(members)]
    made = assign_simple({name: {A} for name in names}, {}, {A: range(partitions)})
    sizes = [len(made[name].get(A, ())) for name in names]
    assert max(sizes) - min(sizes) <= 1
    readers = [sum(partition in made[name].get(A, ()) for name in names) for partition in range(partitions)]
    assert not readers or (min(readers) >= 1 and max(readers) - min(readers) <= 1)
    again = assign_simple({name: {A} for name in names}, made, {A: range(partitions)})
    assert again == made, "nobody is moved without need"


def test_members_that_want_different_topics() -> None:
    subscribed = {"one": {A}, "two": {A, B}, "three": {B}}
    made = assign_simple(subscribed, {}, {A: range(4), B: range(2)})
    assert made["one"][A] | made["two"][A] == {0, 1, 2, 3}
    assert made["two"][B] | made["three"][B] == {0, 1}
    assert B not in made["one"]
    assert A not in made["three"]
