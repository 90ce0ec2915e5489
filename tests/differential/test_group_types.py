"""Groups of every type: what each kind of request about a group says of each type of it, and members of new groups."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sides import Connection, Sides
from test_groups import enter, fetch_all, join, new_topic, sync
from transactional import OLD, Transactional, wait_until

from kafkapy.protocol.messages import delete_share_group_offsets as delete_offsets
from kafkapy.protocol.messages.alter_share_group_offsets import (
    ALTER_SHARE_GROUP_OFFSETS,
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
)
from kafkapy.protocol.messages.consumer_group_describe import CONSUMER_GROUP_DESCRIBE, ConsumerGroupDescribeRequest
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    CONSUMER_GROUP_HEARTBEAT,
    ConsumerGroupHeartbeatRequest,
    HeartbeatTopicPartitions,
)
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.describe_share_group_offsets import (
    DESCRIBE_SHARE_GROUP_OFFSETS,
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
)
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest, MemberIdentity
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OFFSET_DELETE,
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.share_group_describe import SHARE_GROUP_DESCRIBE, ShareGroupDescribeRequest
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest
from kafkapy.protocol.messages.streams_group_describe import STREAMS_GROUP_DESCRIBE, StreamsGroupDescribeRequest
from kafkapy.protocol.messages.streams_group_heartbeat import (
    STREAMS_GROUP_HEARTBEAT,
    StreamsGroupHeartbeatRequest,
    Subtopology,
    Topology,
)

MEMBER, OTHER = "bUYxoJ6jQ2q8Zs0iA3b5Bg", "zUYxoJ6jQ2q8Zs0iA3b5Bg"


class Group:
    """A group that is nobody else's."""

    def __init__(self, line: Connection, sides: Sides, topic: Any) -> None:
        self.line, self.sides, self.name = line, sides, sides.new_name("gt")
        self.topic, self.topic_id = topic
        self.member: Any = MEMBER

    def consumer(self, epoch: int = 0, version: int = 1, **given: Any) -> Any:
        """A heartbeat of a consumer group's member."""
        fields: dict[str, Any] = {"group_id": self.name, "member_id": MEMBER, "member_epoch": epoch}
        if epoch == 0:
            fields |= {"rebalance_timeout_ms": 600_000, "subscribed_topic_names": [self.topic], "topic_partitions": []}
        request = ConsumerGroupHeartbeatRequest(**(fields | given))
        return self.line.ask(CONSUMER_GROUP_HEARTBEAT, version, request)

    def sharer(self, epoch: int = 0, **given: Any) -> Any:
        """A heartbeat of a share group's member."""
        fields: dict[str, Any] = {"group_id": self.name, "member_id": MEMBER, "member_epoch": epoch}
        if epoch == 0:
            fields["subscribed_topic_names"] = [self.topic]
        return self.line.ask(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest(**(fields | given)))

    def streamer(self, epoch: int = 0, **given: Any) -> Any:
        """A heartbeat of a streams group's member."""
        fields: dict[str, Any] = {"group_id": self.name, "member_id": MEMBER, "member_epoch": epoch}
        if epoch == 0:
            fields |= {"active_tasks": [], "standby_tasks": [], "warmup_tasks": [], "process_id": "process"}
            fields |= {"rebalance_timeout_ms": 600_000, "topology": Topology(0, [Subtopology("0", [self.topic])])}
        return self.line.ask(STREAMS_GROUP_HEARTBEAT, 0, StreamsGroupHeartbeatRequest(**(fields | given)))

    def commit(self, version: int = 9, *, topic_id: Any = None, **given: Any) -> None:
        partitions = [OffsetCommitRequestPartition(0, 5)]
        topic = OffsetCommitRequestTopic(self.topic, self.topic_id, partitions)
        self.line.ask(OFFSET_COMMIT, version, OffsetCommitRequest(self.name, **given, topics=[topic]))

    # Into its states:

    def none(self) -> Group:
        return self

    def classic(self) -> Group:
        self.member = enter(self.line, 5, self.name)
        sync(self.line, 3, self.name, 1, self.member)
        return self

    def classic_empty(self) -> Group:
        self.commit()
        return self

    def consumers(self) -> Group:
        self.consumer()
        return self

    def consumers_empty(self) -> Group:
        self.consumer()
        self.consumer(-1)
        return self

    def sharers(self) -> Group:
        """Partitions come to the member once their state is made, with a later heartbeat."""
        self.sharer()
        request = ShareGroupHeartbeatRequest(self.name, MEMBER, 0, None, [self.topic])
        wait_until(
            lambda: self.line.ask_unseen(SHARE_GROUP_HEARTBEAT, 1, request),
            lambda answer: answer.assignment and answer.assignment.topic_partitions,
        )
        return self

    def sharers_empty(self) -> Group:
        self.sharers()
        self.sharer(-1)
        return self

    def streamers(self) -> Group:
        self.streamer()
        return self

    def streamers_empty(self) -> Group:
        self.streamer()
        self.streamer(-1)
        return self


STATES: dict[str, Callable[[Group], Group]] = {
    "none": Group.none,
    "classic": Group.classic,
    "classic, empty": Group.classic_empty,
    "consumer": Group.consumers,
    "consumer, empty": Group.consumers_empty,
    "share": Group.sharers,
    "share, empty": Group.sharers_empty,
    "streams": Group.streamers,
    "streams, empty": Group.streamers_empty,
}


@pytest.fixture(scope="module")
def topic(sides: Sides) -> Any:
    """Its name, and its id."""
    with closing(sides.connection()) as line:
        return new_topic(line, sides)


in_every_state = pytest.mark.parametrize("state", STATES)


@in_every_state
def test_offsets(line: Connection, sides: Sides, topic: Any, state: str) -> None:
    group = STATES[state](Group(line, sides, topic))
    name, member = group.name, group.member
    topic_name = group.topic
    for version in (2, 9, 10):
        for who in (
            {},
            {"member_id": member},
            {"member_id": member, "generation_id_or_member_epoch": 1},
            {"member_id": member, "generation_id_or_member_epoch": 2},
            {"generation_id_or_member_epoch": 1},
            {"member_id": "nobody", "generation_id_or_member_epoch": 1},
        ):
            line.note = f"{state}, v{version}, {who}"
            group.commit(version, **who)
    for version in (5, 9, 10):
        line.note = f"{state}, fetch v{version}"
        fetch_all(line, version, name)
        for who, epoch in ((None, -1), (member, 1), (member, 5), ("nobody", 1)) if version >= 9 else ():
            wanted = [OffsetFetchRequestTopics(topic_name, group.topic_id, [0, 1])]
            asked = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(name, who, epoch, wanted)])
            line.ask(OFFSET_FETCH, version, asked)
    for who in ({}, {"member_id": member, "generation_id": 1}, {"member_id": "nobody", "generation_id": 1}):
        for version in (2, 4):
            line.note = f"{state}, transaction v{version}, {who}"
            tx = Transactional(line, sides, topic_name, OLD).init()
            tx.add_offsets(name)
            tx.commit_offset(name, version=version, **(who if version >= 3 else {}))
            tx.ended(commit=True)
    line.note = f"{state}, delete"
    for names in ((topic_name,), ("no-such", topic_name)):
        asked_of = [OffsetDeleteRequestTopic(one, [OffsetDeleteRequestPartition(0)]) for one in names]
        line.ask(OFFSET_DELETE, 0, OffsetDeleteRequest(name, asked_of))
    line.note = ""


@in_every_state
def test_administration(line: Connection, sides: Sides, topic: Any, state: str) -> None:
    group = STATES[state](Group(line, sides, topic))
    name = group.name
    topic_name = group.topic
    line.note = state
    for version in (5, 6):
        line.ask(DESCRIBE_GROUPS, version, DescribeGroupsRequest([name], version >= 3))
    for version in (0, 1):
        for operations in (False, True):
            request = ConsumerGroupDescribeRequest([name, name, "", "no-such"], operations)
            line.ask(CONSUMER_GROUP_DESCRIBE, version, request)
    line.ask(SHARE_GROUP_DESCRIBE, 1, ShareGroupDescribeRequest([name, name, "", "no-such"], True))
    line.ask(STREAMS_GROUP_DESCRIBE, 0, StreamsGroupDescribeRequest([name, name, "", "no-such"], True))
    for kinds in ([], ["share"], ["consumer"], ["Share"], ["streams"]):
        for states in ([], ["Stable"], ["Empty", "Dead"], ["NotReady"], ["not_ready"]):
            line.ask(LIST_GROUPS, 5, ListGroupsRequest(states, kinds))
    for version in (0, 1):
        for topics in (None, [], [(topic_name, 0, 1)], [("no-such", 0)], [(topic_name,)]):
            wanted = topics and [DescribeShareGroupOffsetsRequestTopic(one, list(rest)) for one, *rest in topics]
            line.note = f"{state}, of a topic without partitions" if topics == [(topic_name,)] else state
            asked = DescribeShareGroupOffsetsRequestGroup(name, [] if topics == [] else wanted)
            line.ask(DESCRIBE_SHARE_GROUP_OFFSETS, version, DescribeShareGroupOffsetsRequest([asked]))
    for names in ([], ["no-such"], [topic_name], [topic_name, "no-such"]):
        alter = [
            AlterShareGroupOffsetsRequestTopic(
                one, [AlterShareGroupOffsetsRequestPartition(index, 3) for index in (0, 7)]
            )
            for one in names
        ]
        line.ask(ALTER_SHARE_GROUP_OFFSETS, 0, AlterShareGroupOffsetsRequest(name, alter))
    for names in ([], ["no-such"], [topic_name], [topic_name, "no-such"]):
        gone = [delete_offsets.DeleteShareGroupOffsetsRequestTopic(one) for one in names]
        request = delete_offsets.DeleteShareGroupOffsetsRequest(name, gone)
        line.ask(delete_offsets.DELETE_SHARE_GROUP_OFFSETS, 0, request)
    for _ in range(2):
        line.ask(DELETE_GROUPS, 2, DeleteGroupsRequest([name]))
    line.ask(LIST_GROUPS, 5, ListGroupsRequest())
    line.note = ""


@in_every_state
def test_members_of_each_type(line: Connection, sides: Sides, topic: Any, state: str) -> None:
    line.note = state
    group = STATES[state](Group(line, sides, topic))
    name, member = group.name, group.member
    line.ask(HEARTBEAT, 4, HeartbeatRequest(name, 1, member))
    line.ask(HEARTBEAT, 4, HeartbeatRequest(name, 1, "nobody"))
    sync(line, 5, name, 1, member)
    for who in (member, "nobody"):
        line.ask(LEAVE_GROUP, 5, LeaveGroupRequest(name, members=[MemberIdentity(who)]))
    is_shared = state.startswith("share")  # which takes Apache a second to make, and nothing changes but what is last
    for kind in (Group.consumer, Group.sharer, Group.streamer):
        group = group if is_shared else STATES[state](Group(line, sides, topic))
        for epoch in (0, 1, -1):
            kind(group, epoch, member_id=OTHER)
    group = group if is_shared else STATES[state](Group(line, sides, topic))
    join(line, 9, group.name, "" if state != "classic" else group.member)
    line.note = ""


def test_consumers_wrongly(line: Connection, sides: Sides, topic: Any) -> None:
    group = Group(line, sides, topic)
    partitions = [HeartbeatTopicPartitions(group.topic_id, [0])]
    for version in (0, 1):
        for given in (
            {"group_id": ""},
            {"member_id": ""},
            {"rebalance_timeout_ms": -1},
            {"rebalance_timeout_ms": 0},
            {"subscribed_topic_names": None},
            {"subscribed_topic_names": []},
            {"topic_partitions": None},
            {"topic_partitions": partitions},
            {"server_assignor": "no such"},
            {"server_assignor": ""},
            {"server_assignor": "RANGE"},
            {"instance_id": ""},
            {"rack_id": ""},
            {"member_epoch": 1},
            {"member_epoch": -1},
            {"member_epoch": -2},
            {"member_epoch": -3},
            {"member_epoch": -2, "instance_id": "i"},
            *(
                {"subscribed_topic_names": None, "subscribed_topic_regex": regex}
                for regex in ("", "(", group.topic, "x*+", "no-such.*")
                if version >= 1
            ),
        ):
            group.name = sides.new_name("gt")
            epoch = given.pop("member_epoch", 0)
            line.note = f"v{version} {given}, epoch {epoch}"
            group.consumer(epoch, version, **given)
            if "subscribed_topic_regex" not in given:  # which takes Apache its time
                line.ask(CONSUMER_GROUP_DESCRIBE, 1, ConsumerGroupDescribeRequest([group.name]))
    line.note = ""


def test_consumers(line: Connection, sides: Sides, topic: Any) -> None:
    """Two members come, and one of them goes: epochs, and who has what."""
    for assignor in ("uniform", "range"):
        group = Group(line, sides, topic)
        owned = [HeartbeatTopicPartitions(group.topic_id, [0, 1])]

        def describe(group: Group = group) -> None:
            line.ask(CONSUMER_GROUP_DESCRIBE, 1, ConsumerGroupDescribeRequest([group.name]))

        group.consumer(server_assignor=assignor, instance_id="i")
        describe()
        for epoch in (1, 1, 2, 0, -5):
            group.consumer(epoch, topic_partitions=owned)
        group.consumer(1, topic_partitions=[])
        describe()
        group.consumer(0, member_id=OTHER, instance_id="j")
        describe()
        for epoch in (1, 2, 1):
            group.consumer(epoch, topic_partitions=owned)
            group.consumer(2, member_id=OTHER)
        describe()
        group.consumer(0, member_id="someone", instance_id="i")
        group.consumer(-2, instance_id="i")
        describe()
        group.consumer(0, member_id="someone", instance_id="i")
        describe()
        group.consumer(2, member_id=OTHER, subscribed_topic_names=["no-such"])
        describe()
        group.consumer(-1, member_id=OTHER)
        describe()


def test_sharers(line: Connection, sides: Sides, topic: Any) -> None:
    group = Group(line, sides, topic)
    for given in (
        {"group_id": ""},
        {"member_id": ""},
        {"subscribed_topic_names": None},
        {"subscribed_topic_names": []},
        {"subscribed_topic_names": [""]},
        {"subscribed_topic_names": ["no-such"]},
        {"rack_id": ""},
        {"member_epoch": 1},
        {"member_epoch": -1},
        {"member_epoch": -2},
    ):
        group.name = sides.new_name("gt")
        epoch = given.pop("member_epoch", 0)
        line.note = f"{given}, epoch {epoch}"
        group.sharer(epoch, **given)
        line.ask(SHARE_GROUP_DESCRIBE, 1, ShareGroupDescribeRequest([group.name]))
    line.note = ""
    group = Group(line, sides, topic).sharers()

    def describe() -> None:
        line.ask(SHARE_GROUP_DESCRIBE, 1, ShareGroupDescribeRequest([group.name]))

    describe()
    for epoch in (1, 2, 3, 2, 0, 9, -5):
        group.sharer(epoch)
    describe()
    group.sharer(0, member_id=OTHER)
    describe()
    group.sharer(-1)
    group.sharer(-1)
    describe()
