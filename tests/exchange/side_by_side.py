"""kafkapy and Apache Kafka side by side: the same requests about consumer groups to both, and equal answers from both.

What may differ is named: topic ids are told by the topics' names, and ids that a broker makes up by who asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from kafkapy.coordinator.records import (
    ConsumerGroupChange,
    GroupChange,
    OffsetChange,
    ShareGroupChange,
    StreamsGroupChange,
    read_record,
)
from kafkapy.protocol.batch import read_records, split_batches
from kafkapy.protocol.codec import decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.consumer_group_describe import CONSUMER_GROUP_DESCRIBE, ConsumerGroupDescribeRequest
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    CONSUMER_GROUP_HEARTBEAT,
    ConsumerGroupHeartbeatRequest,
    HeartbeatTopicPartitions,
)
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest, MemberIdentity
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment
from kafkapy.protocol.records.consumer_protocol import (
    AssignedTopic,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    OwnedPartitions,
)

OFFSETS = "__consumer_offsets"
Owned = dict[str, list[int]]


class Side:
    """One of the two brokers, and how what it makes up is called here."""

    def __init__(self, name: str, client: Any) -> None:
        self.name, self.client = name, client
        self.aliases: dict[str, str] = {}
        self._topics: dict[UUID, str] = {}

    def real(self, alias: str) -> str:
        """The id that this side made up for whom the test calls `alias`."""
        return next((real for real, known in self.aliases.items() if known == alias), alias)

    def topic_id(self, name: str) -> UUID:
        found = next((topic_id for topic_id, topic in self._topics.items() if topic == name), None)
        if found is None:
            self._learn()
            found = next(topic_id for topic_id, topic in self._topics.items() if topic == name)
        return found

    def topic(self, topic_id: UUID) -> str:
        if topic_id not in self._topics:
            self._learn()
        return self._topics[topic_id]

    def _learn(self) -> None:
        topics = self.client.ask(METADATA, 12, MetadataRequest(None)).topics
        self._topics |= {topic.topic_id: topic.name for topic in topics}

    def plain(self, value: Any) -> Any:
        """The value as both sides should have it: messages as dictionaries, topics by their names, lists in order."""
        if isinstance(value, UUID):
            return self.topic(value) if value.int else None
        if isinstance(value, str):
            return self.aliases.get(value, value)
        if isinstance(value, list):
            return sorted((self.plain(item) for item in value), key=repr)
        if isinstance(value, memoryview | bytes):
            return bytes(value)
        if hasattr(value, "__dataclass_fields__"):
            return {name: self.plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return value


class Both:
    """Both sides; what is asked of them is answered equally, or the test fails."""

    def __init__(self, kafkapy: Any, apache: Any) -> None:
        self.sides = [Side("kafkapy", kafkapy), Side("apache", apache)]

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic, and wait until both coordinators know all of it: Apache's learns of it a little later."""
        for side in self.sides:
            side.client.create(topic, partitions)
        self.wait_known(topic, partitions)

    def wait_known(self, topic: str, partitions: int) -> None:
        """Wait until both coordinators know all of a topic."""
        for side in self.sides:
            known = 0
            while known < partitions:
                join = ConsumerGroupHeartbeatRequest(f"knows {topic}", "m", 0, None, None, 1000, [topic])
                join.topic_partitions = []
                answer = side.client.ask(CONSUMER_GROUP_HEARTBEAT, 1, join)
                if answer.error_code == ErrorCode.NONE:
                    known = sum(len(found.partitions) for found in answer.assignment.topic_partitions)
                    leave = ConsumerGroupHeartbeatRequest(f"knows {topic}", "m", -1)
                    assert side.client.ask(CONSUMER_GROUP_HEARTBEAT, 1, leave).error_code == ErrorCode.NONE

    def find_coordinators(self) -> None:
        """Wait until there is one for every group: the first look makes the offsets topic, then it is loaded."""
        for side in self.sides:
            for number in range(50):
                group = f"looked for {number}"
                code = ErrorCode.COORDINATOR_NOT_AVAILABLE
                while code != ErrorCode.NONE:
                    code = side.client.ask(FIND_COORDINATOR, 3, FindCoordinatorRequest(group)).error_code
                code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
                while code in (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR):
                    request = ConsumerGroupHeartbeatRequest(group, "m", -1)
                    code = side.client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request).error_code

    def ask(self, api: Any, version: int, request: Callable[[Side], Any]) -> Any:
        """The answer that both give."""
        return self.equal([side.plain(side.client.ask(api, version, request(side))) for side in self.sides])

    def beat(
        self,
        group: str,
        member: str,
        epoch: int,
        *,
        topics: list[str] | None = None,
        owned: Owned | None = None,
        regex: str | None = None,
        version: int = 1,
        timeout_ms: int | None = None,
        **fields: Any,
    ) -> Any:
        """A heartbeat; one that joins says all that it must. The answer has the assignment by topic."""
        if epoch == 0:
            owned = {} if owned is None else owned
            topics = [] if topics is None and regex is None else topics
            timeout_ms = 30_000 if timeout_ms is None else timeout_ms

        def request(side: Side) -> ConsumerGroupHeartbeatRequest:
            has = owned and [HeartbeatTopicPartitions(side.topic_id(name), found) for name, found in owned.items()]
            return ConsumerGroupHeartbeatRequest(
                group_id=group,
                member_id=member,
                member_epoch=epoch,
                rebalance_timeout_ms=-1 if timeout_ms is None else timeout_ms,
                subscribed_topic_names=topics,
                subscribed_topic_regex=regex,
                topic_partitions=[] if owned == {} else has,
                **fields,
            )

        answer = self.ask(CONSUMER_GROUP_HEARTBEAT, version, request)
        if answer["assignment"] is not None:
            found = answer["assignment"]["topic_partitions"]
            answer["assignment"] = {topic["topic_id"]: topic["partitions"] for topic in found}
        return answer

    def beat_until_assigned(self, group: str, member: str, epoch: int, **options: Any) -> None:
        """Beat on each side until it has told an assignment: some of them come later, and not at the same time."""
        for side in self.sides:
            now = epoch
            assignment = None
            while assignment is None or not assignment.topic_partitions:
                request = ConsumerGroupHeartbeatRequest(group, member, now, **options)
                answer = side.client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)
                assert answer.error_code == ErrorCode.NONE, answer
                now, assignment = answer.member_epoch, answer.assignment

    # The classic protocol

    def join(
        self,
        group: str,
        member: str,
        topics: list[str],
        owned: Owned | None = None,
        *,
        instance: str | None = None,
        is_new: bool = False,
        protocols: tuple[str, ...] = ("range",),
        version: int = 9,
    ) -> Any:
        """A consumer of the classic protocol joins; a new one gets its id first."""
        has = [OwnedPartitions(topic, found) for topic, found in (owned or {}).items()]
        said = b"\0\3" + encode_bytes(ConsumerProtocolSubscription(topics, None, has), 3)

        def ask(side: Side) -> Any:
            member_id = "" if is_new else side.real(member)
            request = JoinGroupRequest(
                group,
                30_000,
                30_000,
                member_id,
                instance,
                "consumer",
                [JoinGroupRequestProtocol(p, said) for p in protocols],
            )
            answer = side.client.ask(JOIN_GROUP, version, request)
            if answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
                request.member_id = answer.member_id
                answer = side.client.ask(JOIN_GROUP, version, request)
            if is_new and answer.member_id:
                side.aliases = {real: alias for real, alias in side.aliases.items() if alias != member}
                side.aliases[answer.member_id] = member
            return side.plain(answer)

        return self.equal([ask(side) for side in self.sides])

    def sync(self, group: str, member: str, generation: int, given: Owned | None = None, **fields: Any) -> Any:
        """The member's part by topic; its leader gives it `given`."""
        assigned = [AssignedTopic(topic, found) for topic, found in (given or {}).items()]
        said = b"\0\3" + encode_bytes(ConsumerProtocolAssignment(assigned), 3)

        def request(side: Side) -> SyncGroupRequest:
            mine = [SyncGroupRequestAssignment(side.real(member), said)] if given is not None else []
            return SyncGroupRequest(group, generation, side.real(member), None, "consumer", "range", mine, **fields)

        def ask(side: Side) -> Any:
            answer = side.client.ask(SYNC_GROUP, 5, request(side))
            if answer.assignment:  # its topics are in no order
                found, _ = decode(ConsumerProtocolAssignment, 3, answer.assignment, 2)
                answer.assignment = {one.topic: one.partitions for one in found.assigned_partitions}
            return answer.error_code, answer.protocol_type, answer.protocol_name, answer.assignment

        error_code, _, _, part = self.equal([ask(side) for side in self.sides])
        return error_code or part

    def classic_beat(self, group: str, member: str, generation: int, instance: str | None = None) -> int:
        def request(side: Side) -> HeartbeatRequest:
            return HeartbeatRequest(group, generation, side.real(member), instance)

        return int(self.ask(HEARTBEAT, 4, request)["error_code"])

    def leave(self, group: str, *members: MemberIdentity, version: int = 5) -> Any:
        def request(side: Side) -> LeaveGroupRequest:
            named = [MemberIdentity(side.real(one.member_id), one.group_instance_id, one.reason) for one in members]
            return LeaveGroupRequest(group, named[0].member_id if version < 3 else "", named if version >= 3 else [])

        return self.ask(LEAVE_GROUP, version, request)

    @staticmethod
    def equal(answers: list[Any]) -> Any:
        assert answers[0] == answers[1], f"kafkapy says {answers[0]}\nApache says  {answers[1]}"
        return answers[0]

    def describe(self, group: str) -> Any:
        request = ConsumerGroupDescribeRequest([group], include_authorized_operations=True)
        return self.ask(CONSUMER_GROUP_DESCRIBE, 1, lambda _: request)["groups"][0]

    def same_log(self, group: str) -> list[Any]:
        """The group's records, which are the same in both logs, but for times and versions and the order in a batch."""
        found = [[_told(side, change) for change in changes_of(side, group)] for side in self.sides]
        ours, theirs = (sorted(records, key=repr) for records in found)
        only = [one for one in ours if one not in theirs], [one for one in theirs if one not in ours]
        assert ours == theirs, f"only kafkapy has {only[0]}\nonly Apache has  {only[1]}"
        return found[0]


def changes_of(side: Side, group: str) -> list[Any]:
    """What the records of a group say, in the order of its partition."""
    request = MetadataRequest(None)
    topics = side.client.ask(METADATA, 12, request).topics
    count = next(len(topic.partitions) for topic in topics if topic.name == OFFSETS)
    found = []
    for partition in range(count):
        wanted = FetchPartition(partition, fetch_offset=0, partition_max_bytes=1 << 28)
        fetch = FetchRequest(max_wait_ms=0, max_bytes=1 << 28, topics=[FetchTopic(OFFSETS, partitions=[wanted])])
        data = side.client.ask(FETCH, 12, fetch).responses[0].partitions[0]
        for at, header in split_batches(data.records or b""):
            for record in read_records(data.records, at) if not header.is_control else ():
                change = read_record(record)
                if change is not None and _group_of(change) == group:
                    found.append(change)
    return found


def _group_of(change: Any) -> str:
    return str(
        change.key.group_id
        if isinstance(change, ConsumerGroupChange | ShareGroupChange | StreamsGroupChange)
        else change.group_id
    )


def _told(side: Side, change: Any) -> Any:
    if isinstance(change, OffsetChange):
        return "offset", change.topic, change.partition, change.value and change.value.offset
    if isinstance(change, GroupChange):
        value = side.plain(change.value)
        if value is not None:
            value["current_state_timestamp"] = None
        return "group", value
    assert isinstance(change, ConsumerGroupChange | ShareGroupChange | StreamsGroupChange)
    value = side.plain(change.value)
    for name in ("assignment_timestamp", "timestamp", "version", "metadata_hash"):
        if value is not None and name in value:
            value[name] = value[name] != 0
    return type(change.key).__name__, side.plain(change.key), value
