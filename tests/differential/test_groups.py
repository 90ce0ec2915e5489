"""Groups: members come, work and go, offsets are committed and read, rightly and wrongly, in every version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sides import Connection, Sides, Two

from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
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
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment

NOWHERE = UUID(int=77)
SUBSCRIBED = b"\0\0\0\0\0\x01\0\x01t\0\0\0\0"  # to topic "t", as the consumer protocol writes it


def join_request(group: str, member: Any = "", **options: Any) -> JoinGroupRequest:
    given = {
        "session_timeout_ms": 600_000,  # none ends by itself, but where it is to
        "rebalance_timeout_ms": 600_000,
        "protocol_type": "consumer",
        "protocols": [JoinGroupRequestProtocol("range", SUBSCRIBED), JoinGroupRequestProtocol("other", b"o")],
    }
    return JoinGroupRequest(group_id=group, member_id=member, **(given | options))


def join(line: Connection, version: int, group: str, member: Any = "", **options: Any) -> Two:
    return line.ask(JOIN_GROUP, version, join_request(group, member, **options))


def enter(line: Connection, version: int, group: str, **options: Any) -> Any:
    """Join as a client does, that is asked to come again with its id from version 4 on; the member's id."""
    joined = join(line, version, group, **options)
    if joined.kafkapy.error_code == 79:
        joined = join(line, version, group, joined.member_id, **options)
    return joined.member_id


def sync(line: Connection, version: int, group: str, generation: int, member: Any, **options: Any) -> Two:
    assignments = [SyncGroupRequestAssignment(member, b"mine")]
    given = {"protocol_type": "consumer", "protocol_name": "range", "assignments": assignments} | options
    return line.ask(SYNC_GROUP, version, SyncGroupRequest(group, generation, member, **given))


def describe(line: Connection, *groups: str, version: int = 6) -> None:
    line.ask(DESCRIBE_GROUPS, version, DescribeGroupsRequest(list(groups)))


def new_topic(line: Connection, sides: Sides) -> Any:
    """A topic's name and id."""
    name = sides.new_name()
    made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, 2, 1)]))
    sides.settle()
    return name, made.topics[0].topic_id


def test_join_group(line: Connection, sides: Sides) -> None:
    for version in sides.versions(JOIN_GROUP):
        new = sides.new_name

        def ask(version: int = version, **options: Any) -> Two:
            return join(line, version, **({"group": sides.new_name("g")} | options))

        ask(group="")
        ask(group=f"a b/ü{version}")
        ask(group="x" * (300 + version))
        for timeout in (-1, 0, 49, 50, 1_800_000, 1_800_001, 2**31 - 1):
            ask(session_timeout_ms=timeout)
        for timeout in (-2, -1, 0, 1, 2**31 - 1):
            ask(rebalance_timeout_ms=timeout)
        ask(protocol_type="")
        ask(protocols=[])
        ask(protocol_type="", protocols=[])
        ask(protocols=[JoinGroupRequestProtocol("", b"")])
        ask(protocols=[JoinGroupRequestProtocol("range", b"\xff\xff")])
        ask(protocol_type="connect", protocols=[JoinGroupRequestProtocol("default", b"\0\x01")])
        ask(member="unknown")
        group = new("g")
        member = enter(line, version, group)
        describe(line, group)
        ask(group=group, member="unknown")
        ask(group=group, member=member, protocol_type="connect")
        ask(group=group, member=member, protocols=[JoinGroupRequestProtocol("third", b"")])
        ask(group=group, protocols=[JoinGroupRequestProtocol("third", b"")])
        ask(group=group, protocol_type="connect")
        ask(group=group, member=member)
        describe(line, group)
        sync(line, 0, group, 3, member)
        ask(group=group, member=member)
        describe(line, group)
        if version >= 5:
            ask(group_instance_id="")
            ask(group_instance_id="a b")
            ask(member="unknown", group_instance_id="i")
            ask(group=group, member=member, group_instance_id="i")
        if version >= 8:
            ask(reason="because")
            ask(reason="x" * 300)


def test_one_member(line: Connection, sides: Sides) -> None:
    for version in sides.versions(SYNC_GROUP):
        group = sides.new_name("g")
        sync(line, version, group, 1, "nobody")
        sync(line, version, "", 1, "nobody")
        member = enter(line, 5, group)
        join_version = 5
        for generation in (0, 2, -1):
            sync(line, version, group, generation, member)
            line.ask(HEARTBEAT, 3, HeartbeatRequest(group, generation, member))
        sync(line, version, group, 1, "nobody")
        sync(line, version, group, 1, "")
        if version >= 5:
            for options in (
                {"protocol_type": None},
                {"protocol_name": None},
                {"protocol_type": "connect"},
                {"protocol_name": "other"},
                {"protocol_type": ""},
                {"protocol_name": ""},
            ):
                sync(line, version, group, 1, member, **options)
        if version >= 3:
            sync(line, version, group, 1, member, group_instance_id="i")
        describe(line, group)
        line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 1, member))
        sync(line, version, group, 1, member, assignments=[])
        describe(line, group)
        sync(line, version, group, 1, member)
        sync(line, version, group, 1, member, assignments=[])
        for beat in sides.versions(HEARTBEAT):
            for name, generation, who in (
                (group, 1, member),
                (group, 2, member),
                (group, 0, member),
                (group, -1, member),
                (group, 1, "nobody"),
                (group, 1, ""),
                ("", 1, member),
                ("no-such", 1, member),
                ("no-such", -1, ""),
            ):
                line.ask(HEARTBEAT, beat, HeartbeatRequest(name, generation, who))
            if beat >= 3:
                line.ask(HEARTBEAT, beat, HeartbeatRequest(group, 1, member, "i"))
        join(line, join_version, group, member)
        sync(
            line,
            version,
            group,
            2,
            member,
            assignments=[
                SyncGroupRequestAssignment("nobody", b"theirs"),
                SyncGroupRequestAssignment(member, b"first"),
                SyncGroupRequestAssignment(member, b"second"),
            ],
        )
        describe(line, group)


def test_leave_group(line: Connection, sides: Sides) -> None:
    for version in sides.versions(LEAVE_GROUP):
        group = sides.new_name("g")

        def ask(*members: MemberIdentity, member: Any = "", group: str = group, version: int = version) -> None:
            line.ask(LEAVE_GROUP, version, LeaveGroupRequest(group, member, list(members)))

        ask(MemberIdentity("nobody"), member="nobody")
        ask(MemberIdentity("nobody"), member="nobody", group="")
        ask()
        first = join(line, 5, group).member_id
        ask(MemberIdentity(first), member=first)
        ask(MemberIdentity(first), member=first)
        member = enter(line, 5, group)
        sync(line, 3, group, 1, member)
        ask(MemberIdentity("nobody"), member="nobody")
        if version >= 3:
            ask(MemberIdentity(member, "i"))
            ask(MemberIdentity("", "i"))
            ask(MemberIdentity(""))
            ask()
            ask(MemberIdentity("nobody"), MemberIdentity(member), MemberIdentity(member))
        else:
            ask(member=member)
        describe(line, group)
        static = sides.new_name("g")
        member = enter(line, 5, static, group_instance_id="i")
        sync(line, 3, static, 1, member)
        if version >= 3:
            for one in (
                MemberIdentity("nobody", "i"),
                MemberIdentity("", "j"),
                MemberIdentity("nobody", "j"),
                MemberIdentity(member, "j"),
                MemberIdentity("", "i", "why"),
                MemberIdentity("", "i"),
            ):
                ask(one, group=static)
        else:
            ask(member=member, group=static)
        describe(line, static)


def test_static_members(line: Connection, sides: Sides) -> None:
    for version in sides.versions(JOIN_GROUP):
        if version < 5:
            continue
        group = sides.new_name("g")
        first = enter(line, version, group, group_instance_id="i")
        sync(line, 3, group, 1, first, group_instance_id="i")
        for generation, member, instance in ((1, first, "i"), (1, first, None), (1, first, "j"), (1, "nobody", "i")):
            line.ask(HEARTBEAT, 3, HeartbeatRequest(group, generation, member, instance))
            sync(line, 3, group, generation, member, group_instance_id=instance, assignments=[])
        second = join(line, version, group, group_instance_id="i").member_id
        describe(line, group)
        for member in (first, second):
            line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 1, member, "i"))
            line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 1, member))
            sync(line, 3, group, 1, member, group_instance_id="i", assignments=[])
            join(line, version, group, member, group_instance_id="i")
            commit = [OffsetCommitRequestTopic("t", partitions=[OffsetCommitRequestPartition(0, 1)])]
            line.ask(OFFSET_COMMIT, 7, OffsetCommitRequest(group, 1, member, "i", topics=commit))
        describe(line, group)
        others = [JoinGroupRequestProtocol("range", b"else")]
        join(line, version, group, group_instance_id="i", protocols=others)
        describe(line, group)


def test_two_members(line: Connection, sides: Sides) -> None:
    other = sides.connection("you")
    for version in (0, 3, 4, 5, 7, 9):
        group = sides.new_name("g")
        first = enter(line, version, group)
        sync(line, 3, group, 1, first)
        second = join(other, 5, group).member_id if version >= 4 else ""
        other.send(JOIN_GROUP, version, join_request(group, second))
        _wait_for_rebalance(line, group, 1, first)
        describe(line, group)
        commit = [OffsetCommitRequestTopic("t", partitions=[OffsetCommitRequestPartition(0, 1)])]
        line.ask(OFFSET_COMMIT, 7, OffsetCommitRequest(group, 1, first, topics=commit))
        sync(line, 3, group, 1, first)
        join(line, version, group, first)
        second = other.receive(JOIN_GROUP, version).member_id
        describe(line, group)
        line.ask(OFFSET_COMMIT, 7, OffsetCommitRequest(group, 2, first, topics=commit))
        line.ask(OFFSET_COMMIT, 7, OffsetCommitRequest(group, 1, first, topics=commit))
        line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 2, first))
        other.send(SYNC_GROUP, 3, SyncGroupRequest(group, 2, second))
        assignments = [SyncGroupRequestAssignment(first, b"1"), SyncGroupRequestAssignment(second, b"2")]
        sync(line, 3, group, 2, first, assignments=assignments)
        other.receive(SYNC_GROUP, 3)
        for member in (first, second):
            line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 2, member))
        describe(line, group)
        line.ask(LEAVE_GROUP, 3, LeaveGroupRequest(group, members=[MemberIdentity(first)]))
        other.ask(HEARTBEAT, 3, HeartbeatRequest(group, 2, second))
        describe(line, group)
        join(other, version, group, second)
        describe(line, group)
    other.close()


def _wait_for_rebalance(line: Connection, group: str, generation: int, member: Any) -> None:
    """Until both brokers have taken notice of a member whose join waits."""
    while True:
        sides = line.ask_unseen(HEARTBEAT, 3, HeartbeatRequest(group, generation, member))
        if sides.kafkapy.error_code == sides.apache.error_code == 27:
            return


def test_sessions_end(line: Connection, sides: Sides) -> None:
    group = sides.new_name("g")
    member = enter(line, 5, group, session_timeout_ms=60)
    sync(line, 3, group, 1, member)
    _wait_until_gone(line, group)
    line.ask(HEARTBEAT, 3, HeartbeatRequest(group, 1, member))
    sync(line, 3, group, 1, member)
    join(line, 5, group, member)
    describe(line, group)
    other = sides.new_name("g")
    waiting = join(line, 5, other, session_timeout_ms=60).member_id
    describe(line, other)
    line.ask(HEARTBEAT, 3, HeartbeatRequest(other, 0, waiting))
    sync(line, 3, other, 0, waiting)
    line.ask(LEAVE_GROUP, 3, LeaveGroupRequest(other, members=[MemberIdentity(waiting)]))
    join(line, 5, other, waiting)
    late = sides.new_name("g")
    member = enter(line, 5, late, rebalance_timeout_ms=100)
    _wait_until_gone(line, late)  # it does not sync
    line.ask(HEARTBEAT, 3, HeartbeatRequest(late, 1, member))
    describe(line, late)


def _wait_until_gone(line: Connection, group: str) -> None:
    """Until neither broker has a member in the group."""
    while True:
        answers = line.ask_unseen(DESCRIBE_GROUPS, 4, DescribeGroupsRequest([group]))
        if not any(one.groups[0].members for one in answers.both()):
            return


def test_offsets(line: Connection, sides: Sides) -> None:
    name, topic_id = new_topic(line, sides)
    for version in sides.versions(OFFSET_COMMIT):
        group = sides.new_name("g")

        def commit(
            *partitions: OffsetCommitRequestPartition,
            group: str = group,
            topic: str = name,
            topic_id: Any = topic_id,
            version: int = version,
            **options: Any,
        ) -> None:
            topics = [OffsetCommitRequestTopic(topic, topic_id, list(partitions))]
            line.ask(OFFSET_COMMIT, version, OffsetCommitRequest(group, topics=topics, **options))

        one = OffsetCommitRequestPartition
        commit(one(0, 5))
        commit(one(0, 6, committed_metadata="m"), one(1, 7, committed_metadata=""))
        commit(one(0, 6, committed_metadata=None))
        commit(one(2, 5), one(-1, 5), one(0, 8), one(2**31 - 1, 1))
        commit(one(0, -1), one(1, -2))
        commit(one(0, 2**63 - 1))
        commit(one(0, 1), one(0, 2))
        commit()
        line.ask(OFFSET_COMMIT, version, OffsetCommitRequest(group, topics=[]))
        commit(one(1, 9, committed_metadata="x" * 4096))
        commit(one(1, 10, committed_metadata="x" * 4097), one(0, 10))
        commit(one(1, 10, committed_metadata="ü" * 3000), one(0, 11))
        for epoch in (0, 5, -2):
            commit(one(0, 12, epoch))
        if version < 10:
            for topic in ("no-such", "", "a b", "__consumer_offsets"):
                commit(one(0, 1), topic=topic)
        else:
            for unknown in (NOWHERE, UUID(int=0)):
                commit(one(0, 1), topic_id=unknown)
        commit(one(0, 1), group="")
        commit(one(0, 1), group="new-" + group, generation_id_or_member_epoch=3)
        commit(one(0, 1), group="new-" + group, member_id="nobody")
        commit(one(0, 1), group="new-" + group, member_id="nobody", generation_id_or_member_epoch=3)
        commit(one(0, 20), generation_id_or_member_epoch=0)
        commit(one(0, 20), generation_id_or_member_epoch=-2)
        commit(one(0, 20), member_id="nobody")
        if version >= 7:
            commit(one(0, 20), group_instance_id="i")
        for retention in (-1, 0, 5, -5):
            commit(one(0, 30), retention_time_ms=retention)
        member = enter(line, 5, group)
        for generation, who in ((1, member), (-1, member), (-1, ""), (1, "")):
            commit(one(0, 40), generation_id_or_member_epoch=generation, member_id=who)
        sync(line, 3, group, 1, member)
        for generation, who in ((1, member), (0, member), (2, member), (1, "nobody"), (-1, ""), (-1, member), (1, "")):
            commit(one(0, 50 + generation), generation_id_or_member_epoch=generation, member_id=who)
        fetch_offsets(line, sides, group, name, topic_id)
    deleted, _ = new_topic(line, sides)
    line.ask(
        OFFSET_COMMIT,
        5,
        OffsetCommitRequest(
            "of-deleted", topics=[OffsetCommitRequestTopic(deleted, partitions=[OffsetCommitRequestPartition(0, 1)])]
        ),
    )
    line.ask(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=[deleted], timeout_ms=5000))
    sides.settle()
    for version in (5, 8):
        fetch_all(line, version, "of-deleted")


def fetch_all(line: Connection, version: int, group: str) -> None:
    line.ask(OFFSET_FETCH, version, OffsetFetchRequest(group, None, [OffsetFetchRequestGroup(group, topics=None)]))


def fetch_offsets(line: Connection, sides: Sides, group: str, name: str, topic_id: Any) -> None:
    for version in sides.versions(OFFSET_FETCH):
        if version < 8:

            def ask(*topics: Any, group: str = group, version: int = version, stable: bool = False) -> None:
                asked = [OffsetFetchRequestTopic(topic, list(indexes)) for topic, *indexes in topics]
                line.ask(OFFSET_FETCH, version, OffsetFetchRequest(group, asked, require_stable=stable))

            ask((name, 0, 1, 2, -1, 0), ("no-such", 0), ("", 0), (name, 1))
            ask((name,))
            ask()
            ask((name, 0), group="")
            ask((name, 0), group="no-such")
            if version >= 2:
                for one in (group, "no-such", ""):
                    fetch_all(line, version, one)
            if version >= 7:
                ask((name, 0), stable=True)
            continue

        def ask_many(*groups: Any, version: int = version) -> None:
            asked = [
                OffsetFetchRequestGroup(
                    one, who, epoch, topics and [OffsetFetchRequestTopics(*topic) for topic in topics]
                )
                for one, who, epoch, topics in groups
            ]
            line.ask(OFFSET_FETCH, version, OffsetFetchRequest(groups=asked))

        unknown = ("no-such", NOWHERE, [0])
        ask_many((group, None, -1, [(name, topic_id, [0, 1, 2, -1, 0]), unknown, (name, topic_id, [1])]))
        ask_many((group, None, -1, [(name, topic_id, [])]))
        ask_many((group, None, -1, [("", UUID(int=0), [0])]))
        ask_many()
        ask_many((group, None, -1, None), ("no-such", None, -1, None), ("", None, -1, [unknown]), (group, None, -1, []))
        ask_many((group, None, -1, None), (group, None, -1, None))
        if version >= 9:
            for who, epoch in (("", -1), ("nobody", 1), (None, 1), ("nobody", -1), ("", 0)):
                ask_many((group, who, epoch, [(name, topic_id, [0])]), ("no-such", who, epoch, None))


def test_describe_list_and_delete_groups(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    commit = [OffsetCommitRequestTopic(topic, partitions=[OffsetCommitRequestPartition(0, 1)])]
    for version in sides.versions(DESCRIBE_GROUPS):
        group, empty = sides.new_name("g"), sides.new_name("g")
        member = enter(line, 5, group)
        sync(line, 3, group, 1, member)
        line.ask(OFFSET_COMMIT, 5, OffsetCommitRequest(empty, topics=commit))
        for names in ([], [group], [empty], ["no-such"], [""], [group, group], [group, "no-such", empty, ""]):
            line.ask(DESCRIBE_GROUPS, version, DescribeGroupsRequest(names))
        if version >= 3:
            line.ask(DESCRIBE_GROUPS, version, DescribeGroupsRequest([group, "no-such"], True))
    for version in sides.versions(LIST_GROUPS):
        line.ask(LIST_GROUPS, version, ListGroupsRequest())
        if version >= 4:
            for states in (
                ["Stable"],
                ["stable"],
                ["Empty", "Stable"],
                ["Dead"],
                ["no such"],
                [""],
                ["PreparingRebalance"],
            ):
                line.ask(LIST_GROUPS, version, ListGroupsRequest(states))
        if version >= 5:
            for types in (["classic"], ["Classic"], ["consumer"], ["no such"], [""], ["share"], ["classic", "streams"]):
                line.ask(LIST_GROUPS, version, ListGroupsRequest([], types))
                line.ask(LIST_GROUPS, version, ListGroupsRequest(["Empty"], types))
    for version in sides.versions(DELETE_GROUPS):
        group, empty, other = (sides.new_name("g") for _ in range(3))
        member = enter(line, 5, group)
        sync(line, 3, group, 1, member)
        for one in (empty, other):
            line.ask(OFFSET_COMMIT, 5, OffsetCommitRequest(one, topics=commit))
        for names in ([], [group], [empty], [empty], ["no-such"], [""], [other, other], [group, "no-such"]):
            line.ask(DELETE_GROUPS, version, DeleteGroupsRequest(names))
        fetch_all(line, 5, empty)


def test_offset_delete(line: Connection, sides: Sides) -> None:
    name, _ = new_topic(line, sides)
    other, _ = new_topic(line, sides)
    partitions = [OffsetCommitRequestPartition(0, 1), OffsetCommitRequestPartition(1, 1)]
    commit = [OffsetCommitRequestTopic(topic, partitions=partitions) for topic in (name, other)]
    for version in sides.versions(OFFSET_DELETE):
        group = sides.new_name("g")
        line.ask(OFFSET_COMMIT, 5, OffsetCommitRequest(group, topics=commit))

        def ask(*topics: Any, group: str = group, version: int = version) -> None:
            asked = [
                OffsetDeleteRequestTopic(topic, [OffsetDeleteRequestPartition(index) for index in indexes])
                for topic, *indexes in topics
            ]
            line.ask(OFFSET_DELETE, version, OffsetDeleteRequest(group, asked))

        ask()
        ask((name,))
        ask((name, 0), ("no-such", 0), (other, 5, -1, 0))
        ask((name, 1), (name, 1))
        ask((name, 0))
        ask((name, 0), group="no-such")
        ask((name, 0), group="")
        fetch_all(line, 5, group)
        subscribed = b"\0\0\0\0\0\x01" + len(name).to_bytes(2) + name.encode() + b"\0\0\0\0"
        member = enter(line, 5, group, protocols=[JoinGroupRequestProtocol("range", subscribed)])
        sync(line, 3, group, 1, member)
        line.ask(OFFSET_COMMIT, 5, OffsetCommitRequest(group, 1, member, topics=commit))
        ask((name, 0), (other, 0))
        connect = sides.new_name("g")
        enter(line, 5, connect, protocol_type="connect")
        ask((name, 0), group=connect)
