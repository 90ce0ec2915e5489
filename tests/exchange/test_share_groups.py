"""Share groups (KIP-932), asked of kafkapy and of Apache Kafka side by side: answers are equal but for their texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from side_by_side import Both, Side

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import alter_share_group_offsets as alter
from kafkapy.protocol.messages import delete_share_group_offsets as delete
from kafkapy.protocol.messages import describe_share_group_offsets as describe
from kafkapy.protocol.messages import initialize_share_group_state as init
from kafkapy.protocol.messages import read_share_group_state as read
from kafkapy.protocol.messages import read_share_group_state_summary as summary
from kafkapy.protocol.messages import share_acknowledge as ack
from kafkapy.protocol.messages import share_fetch as fetch
from kafkapy.protocol.messages import write_share_group_state as write
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.delete_share_group_state import (
    DELETE_SHARE_GROUP_STATE,
    DeleteShareGroupStateRequest,
    DeleteStateData,
)
from kafkapy.protocol.messages.delete_share_group_state import PartitionData as DeletedPartition
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.messages.share_group_describe import SHARE_GROUP_DESCRIBE, ShareGroupDescribeRequest
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest

ACCEPT, RELEASE, REJECT, RENEW = range(1, 5)
WORDS = ("error_message", "acknowledge_error_message")


class Sharing:
    """Both sides as share consumers see them."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.topic = "shares"
        self.ahead: dict[tuple[str, str, str], int] = {}  # how many fetches a session took until there were records

    def _epoch(self, side: Side, group: str, member: str, epoch: int) -> int:
        return epoch if epoch <= 0 else epoch + self.ahead.get((side.name, group, member), 0)

    def ask(self, api: Any, version: int, request: Callable[[Side], Any]) -> Any:
        """The answer that both give, without texts: whether there is one counts."""
        answers = [self._wordless(side.plain(side.client.ask(api, version, request(side)))) for side in self.both.sides]
        assert answers[0] == answers[1], f"kafkapy says {answers[0]}\nApache says  {answers[1]}"
        return answers[0]

    def _wordless(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._wordless(one) for one in value]
        if isinstance(value, dict):
            return {name: None if name in WORDS else self._wordless(one) for name, one in value.items()}
        return value

    def configure(self, group: str, **settings: object) -> None:
        changes = [AlterableConfig(name.replace("_", "."), 0, str(value)) for name, value in settings.items()]
        for side in self.both.sides:
            request = IncrementalAlterConfigsRequest([AlterConfigsResource(32, group, changes)])
            assert side.client.ask(INCREMENTAL_ALTER_CONFIGS, 1, request).responses[0].error_code == ErrorCode.NONE

    def produce(self, *sizes: int, topic: str = "") -> None:
        """A batch of each size."""
        for size in sizes:
            batch = build_batch([Record(i, 1_700_000_000_000, None, b"v") for i in range(size)])
            data = [TopicProduceData(topic or self.topic, partition_data=[PartitionProduceData(0, batch)])]
            for side in self.both.sides:
                answer = side.client.ask(PRODUCE, 9, ProduceRequest(None, -1, 10_000, data))
                assert answer.responses[0].partition_responses[0].error_code == ErrorCode.NONE

    def join(self, group: str, member: str, topics: list[str]) -> None:
        """Beat on each side until the member has partitions."""
        for side in self.both.sides:
            epoch, assigned = 0, False
            while not assigned:
                request = ShareGroupHeartbeatRequest(group, member, epoch, None, topics)
                answer = side.client.ask(SHARE_GROUP_HEARTBEAT, 1, request)
                if answer.error_code == ErrorCode.NONE:
                    epoch = answer.member_epoch
                    assigned = answer.assignment is not None and bool(answer.assignment.topic_partitions)

    def fetch(
        self,
        group: str,
        member: str,
        epoch: int,
        *batches: tuple[int, int, list[int]],
        partition: int = 0,
        **fields: Any,
    ) -> Any:
        """What is said of the partition: its error, what became of acknowledgements, what was acquired."""
        acked = [fetch.AcknowledgementBatch(*batch) for batch in batches]

        def request(side: Side) -> fetch.ShareFetchRequest:
            topics = [
                fetch.ShareFetchTopic(side.topic_id(self.topic), [fetch.ShareFetchPartition(partition, 0, acked)])
            ]
            made = fetch.ShareFetchRequest(
                group,
                member,
                self._epoch(side, group, member, epoch),
                0,
                1,
                1 << 20,
                max_records=500,
                batch_size=500,
                topics=topics,
            )
            return replace(made, **fields)

        version = fields.pop("version", 2)
        answer = self.ask(fetch.SHARE_FETCH, version, request)
        return answer["error_code"] or self.told(answer)

    @staticmethod
    def told(answer: Any) -> Any:
        return [
            (
                one["error_code"],
                one["acknowledge_error_code"],
                [(a["first_offset"], a["last_offset"], a["delivery_count"]) for a in one["acquired_records"]],
                len(one["records"] or b""),
            )
            for topic in answer["responses"]
            for one in topic["partitions"]
        ]

    def acknowledge(
        self, group: str, member: str, epoch: int, *batches: tuple[int, int, list[int]], **fields: Any
    ) -> Any:
        acked = [ack.AcknowledgementBatch(*batch) for batch in batches]

        def request(side: Side) -> ack.ShareAcknowledgeRequest:
            topics = [ack.AcknowledgeTopic(side.topic_id(self.topic), [ack.AcknowledgePartition(0, acked)])]
            now = self._epoch(side, group, member, epoch)
            return replace(ack.ShareAcknowledgeRequest(group, member, now, topics=topics), **fields)

        answer = self.ask(ack.SHARE_ACKNOWLEDGE, 2, request)
        if answer["error_code"]:
            return answer["error_code"]
        return [one["error_code"] for topic in answer["responses"] for one in topic["partitions"]]

    def state(self, group: str) -> Any:
        """What the share coordinator keeps."""

        def request(side: Side) -> read.ReadShareGroupStateRequest:
            partitions = [read.PartitionData(0, -1)]
            return read.ReadShareGroupStateRequest(group, [read.ReadStateData(side.topic_id(self.topic), partitions)])

        [found] = self.ask(read.READ_SHARE_GROUP_STATE, 0, request)["results"][0]["partitions"]
        batches = sorted(tuple(one.values()) for one in found["state_batches"])
        return found["error_code"], found["start_offset"], batches


@pytest.fixture(scope="module")
def sharing(both: Both) -> Sharing:
    both.create("shares", 1)
    made = Sharing(both)
    for side in both.sides:
        key = f"warm:{'A' * 22}:0"
        code = ErrorCode.COORDINATOR_NOT_AVAILABLE
        while code != ErrorCode.NONE:
            request = FindCoordinatorRequest(key_type=2, coordinator_keys=[key])
            code = side.client.ask(FIND_COORDINATOR, 6, request).coordinators[0].error_code
    return made


def begin(sharing: Sharing, group: str, topic: str, *sizes: int) -> None:
    """A topic with batches of these sizes, and a member `m` that is to read it."""
    sharing.both.create(topic, 1)
    sharing.topic = topic
    sharing.configure(group, share_auto_offset_reset="earliest")
    sharing.produce(*sizes)
    sharing.join(group, "m", [topic])


def first_fetch(sharing: Sharing, group: str, member: str = "m", **fields: Any) -> Any:
    """Begin a session, and look until records are there: Apache answers before it has read the state."""
    answers = []
    for side in sharing.both.sides:
        epoch, found = 0, None
        while found is None:
            topics = [fetch.ShareFetchTopic(side.topic_id(sharing.topic), [fetch.ShareFetchPartition(0)])]
            made = fetch.ShareFetchRequest(
                group, member, epoch, 0, 1, 1 << 20, max_records=500, batch_size=500, topics=topics
            )
            answer = side.client.ask(fetch.SHARE_FETCH, 2, replace(made, **fields))
            assert answer.error_code == ErrorCode.NONE
            if any(one.acquired_records for topic in answer.responses for one in topic.partitions):
                found = answer
                sharing.ahead[side.name, group, member] = epoch
            epoch += 1
        answers.append(sharing.told(side.plain(found)))
    assert answers[0] == answers[1], f"kafkapy says {answers[0]}\nApache says  {answers[1]}"
    return answers[0]


def test_whole_batches_and_their_states(sharing: Sharing) -> None:
    begin(sharing, "whole", "whole", 5, 5, 5)
    assert first_fetch(sharing, "whole")[0][2][0][0] == 0
    turn = iter(range(1, 99))

    def say(*batches: tuple[int, int, list[int]]) -> None:
        # Apart from a fetch: whether that sees what is released along with it depends on the share coordinator's pace.
        sharing.acknowledge("whole", "m", next(turn), *batches)
        sharing.state("whole")

    say((0, 4, [ACCEPT]))
    say((5, 9, [RELEASE]), (10, 14, [ACCEPT] * 4 + [REJECT]))
    sharing.fetch("whole", "m", next(turn))
    say((5, 5, [ACCEPT]), (6, 9, [RELEASE, ACCEPT, RELEASE, REJECT]))
    sharing.fetch("whole", "m", next(turn))
    say((6, 6, [ACCEPT]), (8, 8, [ACCEPT]))
    sharing.produce(3)
    assert sharing.fetch("whole", "m", next(turn))
    sharing.fetch("whole", "m", next(turn), (15, 15, [ACCEPT]))
    assert sharing.acknowledge("whole", "m", -1, (16, 16, [ACCEPT])) == [ErrorCode.NONE]
    assert sharing.acknowledge("whole", "m", 8) == ErrorCode.SHARE_SESSION_NOT_FOUND


@pytest.mark.parametrize("strict", [0, 1])
@pytest.mark.parametrize(("records", "size"), [(1, 1), (3, 500), (7, 2), (7, 500), (100, 4)])
def test_how_many_are_acquired(sharing: Sharing, strict: int, records: int, size: int) -> None:
    group = f"many-{strict}-{records}-{size}"
    begin(sharing, group, group, 4, 1, 6, 2, 9)
    options = {"max_records": records, "batch_size": size, "share_acquire_mode": strict}
    first_fetch(sharing, group, **options)
    sharing.fetch(group, "m", 1, **options)
    sharing.fetch(group, "other", 0, **options)
    sharing.acknowledge(group, "m", 2, (0, 0, [RELEASE]))
    sharing.fetch(group, "m", 3, **options)
    sharing.fetch(group, "other", 1, **options)
    sharing.fetch(group, "other", 2, **options)
    sharing.state(group)


def test_a_record_is_given_up_after_its_last_delivery(sharing: Sharing) -> None:
    begin(sharing, "limit", "limit", 8)
    first_fetch(sharing, "limit")
    epoch = 1
    for _ in range(24):
        found = sharing.fetch("limit", "m", epoch)
        epoch += 1
        for one in found:
            for first, last, _ in one[2]:
                sharing.acknowledge("limit", "m", epoch, (first, last, [RELEASE]))
                epoch += 1
    sharing.state("limit")


@pytest.mark.parametrize(
    "batches",
    [
        [(0, 4, [])],
        [(0, 4, [ACCEPT, ACCEPT])],
        [(4, 0, [ACCEPT])],
        [(0, 4, [9])],
        [(0, 4, [-1])],
        [(0, 4, [RENEW])],
        [(0, 99, [ACCEPT])],
        [(50, 99, [ACCEPT])],
        [(3, 4, [ACCEPT]), (0, 2, [ACCEPT])],
        [(0, 2, [ACCEPT]), (2, 4, [ACCEPT])],
        [(0, 4, [0])],
        [],
    ],
    ids=repr,
)
def test_acknowledgements_that_are_wrong(
    sharing: Sharing, batches: list[tuple[int, int, list[int]]], request: Any
) -> None:
    group = f"wrong-{abs(hash(request.node.name)) % 10**9}"
    begin(sharing, group, group, 5, 5)
    first_fetch(sharing, group)
    sharing.fetch(group, "m", 1)
    sharing.acknowledge(group, "m", 2, *batches)
    sharing.state(group)
    sharing.acknowledge(group, "m", 3, (0, 4, [ACCEPT]))
    sharing.acknowledge(group, "m", 4, (0, 4, [ACCEPT]))
    sharing.acknowledge(group, "stranger", 1, (5, 9, [ACCEPT]))


def test_no_more_are_out_than_may_be(sharing: Sharing) -> None:
    begin(sharing, "locks", "locks", *[10] * 15, 3, 60, 1)
    sharing.configure("locks", share_partition_max_record_locks=100)
    first_fetch(sharing, "locks")
    sharing.fetch("locks", "m", 1)
    sharing.acknowledge("locks", "m", 2, (0, 4, [ACCEPT]))
    sharing.fetch("locks", "m", 3)
    sharing.acknowledge("locks", "m", 4, (20, 29, [RELEASE]), (42, 42, [RELEASE]))
    sharing.fetch("locks", "m", 5, max_records=5)
    sharing.fetch("locks", "m", 6)
    sharing.acknowledge("locks", "m", 7, (5, 41, [ACCEPT]))
    sharing.fetch("locks", "m", 8)
    sharing.fetch("locks", "m", 9, batch_size=3)
    sharing.state("locks")


def test_records_that_are_deleted(sharing: Sharing) -> None:
    begin(sharing, "deleted", "deleted", 5, 5, 5, 5)
    first_fetch(sharing, "deleted", max_records=5)
    sharing.fetch("deleted", "m", 1, max_records=5)
    sharing.acknowledge("deleted", "m", 2, (0, 1, [ACCEPT]), (7, 8, [RELEASE]))
    for side in sharing.both.sides:
        topics = [DeleteRecordsTopic("deleted", [DeleteRecordsPartition(0, 12)])]
        answer = side.client.ask(DELETE_RECORDS, 2, DeleteRecordsRequest(topics, 10_000))
        assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE
    for epoch in (3, 4, 5):
        sharing.fetch("deleted", "m", epoch)
    sharing.acknowledge("deleted", "m", 6, (2, 6, [ACCEPT]))
    sharing.acknowledge("deleted", "m", 7, (12, 14, [ACCEPT]), (15, 19, [RELEASE]))
    sharing.state("deleted")
    sharing.fetch("deleted", "m", 8)
    sharing.state("deleted")


def test_sessions_and_who_may_ask(sharing: Sharing) -> None:
    begin(sharing, "sessions", "sessions", 2)
    assert sharing.fetch("sessions", "m", 1) == ErrorCode.SHARE_SESSION_NOT_FOUND
    assert sharing.fetch("sessions", "m", -1) == ErrorCode.SHARE_SESSION_NOT_FOUND
    assert sharing.fetch("sessions", "m", 0, (0, 0, [ACCEPT])) == ErrorCode.INVALID_REQUEST
    first_fetch(sharing, "sessions")
    assert sharing.fetch("sessions", "m", 7) == ErrorCode.INVALID_SHARE_SESSION_EPOCH
    assert sharing.acknowledge("sessions", "m", 0) == ErrorCode.INVALID_SHARE_SESSION_EPOCH
    assert sharing.acknowledge("sessions", "m", 7) == ErrorCode.INVALID_SHARE_SESSION_EPOCH
    assert sharing.fetch("sessions", "", 0) == ErrorCode.INVALID_REQUEST
    assert sharing.fetch("sessions", "m" * 37, 0) == ErrorCode.INVALID_REQUEST
    assert sharing.fetch("sessions", "m", 1, is_renew_ack=True) == ErrorCode.INVALID_REQUEST
    sharing.fetch("sessions", "m", 1, partition=3)
    sharing.fetch("sessions", "m", 2)


def test_members_and_what_is_shown_of_them(sharing: Sharing) -> None:
    sharing.both.create("members", 3)
    sharing.topic = "members"

    def beat(member: str, epoch: int, topics: list[str] | None = None, group: str = "members") -> Any:
        request = ShareGroupHeartbeatRequest(group, member, epoch, None, topics)
        return sharing.ask(SHARE_GROUP_HEARTBEAT, 1, lambda _: request)

    assert beat("", 0, ["members"])["error_code"] == ErrorCode.INVALID_REQUEST
    assert beat("a", 0)["error_code"] == ErrorCode.INVALID_REQUEST
    assert beat("a", -2)["error_code"] == ErrorCode.INVALID_REQUEST
    assert beat("a", 1)["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    beat("a", 0, ["members"])
    sharing.join("members", "a", ["members"])
    assert beat("a", 99)["error_code"] == ErrorCode.FENCED_MEMBER_EPOCH
    assert beat("b", 1)["error_code"] == ErrorCode.UNKNOWN_MEMBER_ID
    assert beat("nobody", -1)["error_code"] == ErrorCode.UNKNOWN_MEMBER_ID
    assert beat("a", -1)["error_code"] == ErrorCode.NONE
    shown = sharing.ask(SHARE_GROUP_DESCRIBE, 1, lambda _: ShareGroupDescribeRequest(["none", "members"]))
    assert {one["group_state"] for one in shown["groups"]} == {"", "Empty"}
    listed = sharing.ask(LIST_GROUPS, 5, lambda _: ListGroupsRequest([], ["share"]))["groups"]
    assert {"group_id": "members", "protocol_type": "share", "group_state": "Empty", "group_type": "share"} in listed
    assert len(sharing.both.same_log("members")) > 10


def test_where_a_group_begins(sharing: Sharing) -> None:
    begin(sharing, "offsets", "offsets", 4, 4)

    def shown(*partitions: int, topic: str = "offsets") -> Any:
        wanted = [describe.DescribeShareGroupOffsetsRequestTopic(topic, list(partitions))] if partitions else None
        request = describe.DescribeShareGroupOffsetsRequest(
            [describe.DescribeShareGroupOffsetsRequestGroup("offsets", wanted)]
        )
        return sharing.ask(describe.DESCRIBE_SHARE_GROUP_OFFSETS, 1, lambda _: request)["groups"][0]

    def altered(*offsets: tuple[int, int], topic: str = "offsets", group: str = "offsets") -> Any:
        each = [alter.AlterShareGroupOffsetsRequestPartition(*one) for one in offsets]
        request = alter.AlterShareGroupOffsetsRequest(group, [alter.AlterShareGroupOffsetsRequestTopic(topic, each)])
        return sharing.ask(alter.ALTER_SHARE_GROUP_OFFSETS, 0, lambda _: request)

    def deleted(*topics: str, group: str = "offsets") -> Any:
        each = [delete.DeleteShareGroupOffsetsRequestTopic(one) for one in topics]
        request = delete.DeleteShareGroupOffsetsRequest(group, each)
        return sharing.ask(delete.DELETE_SHARE_GROUP_OFFSETS, 0, lambda _: request)

    shown(0)
    shown()
    shown(0, topic="nothing")
    assert altered((0, 3))["error_code"] == ErrorCode.NON_EMPTY_GROUP
    assert deleted("offsets")["error_code"] == ErrorCode.NON_EMPTY_GROUP
    for side in sharing.both.sides:
        leave = ShareGroupHeartbeatRequest("offsets", "m", -1)
        assert side.client.ask(SHARE_GROUP_HEARTBEAT, 1, leave).error_code == ErrorCode.NONE
    altered((0, 3), (7, 1))
    altered((0, 3), topic="nothing")
    shown()
    assert sharing.state("offsets") == (ErrorCode.NONE, 3, [])
    deleted("offsets", "nothing", "two")
    shown()
    shown(0)
    deleted("offsets", group="none")
    altered((0, 2))
    shown()
    result = sharing.ask(DELETE_GROUPS, 2, lambda _: DeleteGroupsRequest(["offsets", "none"]))
    assert {one["error_code"] for one in result["results"]} == {ErrorCode.NONE, ErrorCode.GROUP_ID_NOT_FOUND}
    sharing.state("offsets")


def test_the_share_coordinator(sharing: Sharing) -> None:
    sharing.topic = "shares"

    def begun(epoch: int, start: int, partition: int = 0) -> Any:
        def request(side: Side) -> Any:
            data = init.InitializeStateData(side.topic_id("shares"), [init.PartitionData(partition, epoch, start)])
            return init.InitializeShareGroupStateRequest("direct", [data])

        return sharing.ask(init.INITIALIZE_SHARE_GROUP_STATE, 0, request)["results"][0]["partitions"][0]["error_code"]

    def written(state: int, leader: int, start: int, *batches: tuple[int, int, int, int], partition: int = 0) -> Any:
        def request(side: Side) -> Any:
            data = write.PartitionData(partition, state, leader, start, 0, [write.StateBatch(*one) for one in batches])
            return write.WriteShareGroupStateRequest("direct", [write.WriteStateData(side.topic_id("shares"), [data])])

        return sharing.ask(write.WRITE_SHARE_GROUP_STATE, 1, request)["results"][0]["partitions"][0]["error_code"]

    def led(epoch: int, partition: int = 0) -> Any:
        def request(side: Side) -> Any:
            data = read.ReadStateData(side.topic_id("shares"), [read.PartitionData(partition, epoch)])
            return read.ReadShareGroupStateRequest("direct", [data])

        return sharing.ask(read.READ_SHARE_GROUP_STATE, 0, request)["results"][0]["partitions"][0]["error_code"]

    def summed() -> Any:
        def request(side: Side) -> Any:
            data = summary.ReadStateSummaryData(side.topic_id("shares"), [summary.PartitionData(0, -1)])
            return summary.ReadShareGroupStateSummaryRequest("direct", [data])

        return sharing.ask(summary.READ_SHARE_GROUP_STATE_SUMMARY, 1, request)

    assert written(0, 0, 0) == ErrorCode.INVALID_REQUEST
    assert led(0) == ErrorCode.INVALID_REQUEST
    summed()
    for partition in (-1, 5):
        begun(0, -1, partition)
        led(0, partition)
        written(0, 0, 0, partition=partition)
    begun(2, -1)
    begun(1, 5)
    summed()
    led(3)
    assert led(2) == ErrorCode.FENCED_LEADER_EPOCH
    assert written(2, 2, 0) == ErrorCode.FENCED_LEADER_EPOCH
    assert written(1, 3, 0) == ErrorCode.FENCED_STATE_EPOCH
    written(2, 3, 0, (0, 9, 0, 1), (10, 19, 2, 1))
    written(2, 3, -1, (3, 5, 2, 1), (15, 25, 0, 2))
    written(2, -1, 4)
    summed()
    sharing.state("direct")
    begun(2, 7)
    sharing.state("direct")
    summed()

    def forgotten(side: Side) -> Any:
        data = DeleteStateData(side.topic_id("shares"), [DeletedPartition(0)])
        return DeleteShareGroupStateRequest("direct", [data])

    sharing.ask(DELETE_SHARE_GROUP_STATE, 0, forgotten)
    sharing.ask(DELETE_SHARE_GROUP_STATE, 0, forgotten)
    summed()
