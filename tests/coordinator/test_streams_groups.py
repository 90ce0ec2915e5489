"""Streams groups: members come and go, topics must be as the topology needs them, and each task has its place."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.java_hash import java_order
from kafkapy.coordinator.streams.configured_topology import StatusCode
from kafkapy.coordinator.streams.load_queue import LoadQueue
from kafkapy.coordinator.streams.settings import StreamsGroupConfig, StreamsGroupSettings
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import streams_group_heartbeat as h
from kafkapy.protocol.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)

Tasks = dict[str, list[int]]
NOTHING: dict[str, Any] = {"active_tasks": [], "standby_tasks": [], "warmup_tasks": []}
LINES = h.Topology(0, [h.Subtopology("0", ["lines"])])


def counting(partitions: int = 0) -> h.Topology:
    """A word count: lines are divided into words, words are counted in a store."""
    words = h.TopicInfo("words", partitions, 0, [h.KeyValue("cleanup.policy", "delete")])
    counts = h.TopicInfo("counts", topic_configs=[h.KeyValue("cleanup.policy", "compact")])
    split = h.Subtopology("0", ["lines"], repartition_sink_topics=["words"])
    count = h.Subtopology("1", repartition_source_topics=[words], state_changelog_topics=[counts])
    return h.Topology(0, [split, count])


def joined(*topics: str, repartition: list[h.TopicInfo] | None = None) -> h.Topology:
    """Topics that are read together."""
    infos = repartition or []
    group = h.CopartitionGroup(list(range(len(topics))), repartition_source_topics=list(range(len(infos))))
    sinks = [info.name for info in infos]
    one = h.Subtopology("0", list(topics), [], [], sinks, infos, [group])
    return h.Topology(0, [one])


class Streaming:
    """A coordinator as threads of Streams applications see it."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.epochs: dict[str, int] = {}
        self.active: dict[str, Tasks] = {}
        self.standby: dict[str, Tasks] = {}
        self.to_create: dict[str, int] = {}

    def configure(self, max_size: int = 100, **settings: int) -> None:
        self.broker.streams_settings = StreamsGroupSettings(**({"initial_rebalance_delay_ms": 0} | settings))
        self.broker.streams_config = StreamsGroupConfig(max_size)
        self.broker.kill_and_restart()

    def ask(self, request: h.StreamsGroupHeartbeatRequest) -> Any:
        broker = self.broker
        outcome = broker.shard.streams.membership.heartbeat(request, Caller("me", "/host", 0), broker.now_ms)
        response, topics = broker.run(outcome).result()
        self.to_create = {topic.name: topic.num_partitions for topic in topics}
        return response

    def join(self, member: str, topology: h.Topology = LINES, **fields: Any) -> Any:
        fields = NOTHING | {"process_id": f"process of {member}", "rebalance_timeout_ms": 10_000} | fields
        return self._took(member, self.ask(h.StreamsGroupHeartbeatRequest("g", member, 0, topology=topology, **fields)))

    def beat(self, member: str, epoch: int | None = None, **fields: Any) -> Any:
        """A heartbeat that says what the member has, as one does that gave back what it was asked for."""
        epoch = self.epochs[member] if epoch is None else epoch
        owned = {
            "active_tasks": _ids(self.active.get(member, {})),
            "standby_tasks": _ids(self.standby.get(member, {})),
            "warmup_tasks": [],
        }
        return self._took(member, self.ask(h.StreamsGroupHeartbeatRequest("g", member, epoch, **(owned | fields))))

    def _took(self, member: str, response: Any) -> Any:
        if response.error_code == ErrorCode.NONE:
            self.epochs[member] = response.member_epoch
            if response.active_tasks is not None:
                self.active[member] = {ids.subtopology_id: ids.partitions for ids in response.active_tasks}
                self.standby[member] = {ids.subtopology_id: ids.partitions for ids in response.standby_tasks}
        return response

    def settle(self, *members: str) -> None:
        """Time passes, and all of them beat."""
        for _ in range(4):
            self.broker.advance(2_000)
            for member in members:
                self.beat(member)

    def describe(self) -> Any:
        return self.broker.shard.streams.describe("g")


def _ids(tasks: Tasks) -> list[h.TaskIds]:
    return [h.TaskIds(subtopology_id, partitions) for subtopology_id, partitions in tasks.items()]


def statuses(response: Any) -> list[int]:
    return [status.status_code for status in response.status]


@pytest.fixture
def streaming(broker: Any) -> Streaming:
    made = Streaming(broker)
    made.configure()
    return made


def test_a_member_has_all_tasks_and_a_second_one_takes_its_part(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 4)
    first = streaming.join("one")
    assert (first.error_code, first.member_epoch, first.status) == (ErrorCode.NONE, 2, [])
    assert streaming.active["one"] == {"0": [0, 1, 2, 3]}
    assert streaming.describe().group_state == "Stable"
    streaming.broker.advance(2_000)
    second = streaming.join("two")
    assert (second.member_epoch, streaming.active["two"]) == (3, {})
    assert streaming.describe().group_state == "Reconciling"
    streaming.beat("one")
    assert len(streaming.active["one"]["0"]) == 2
    assert streaming.beat("two").active_tasks is None, "the first one has not said yet that it gave its tasks back"
    streaming.settle("one", "two")
    assert sorted(streaming.active["one"]["0"] + streaming.active["two"]["0"]) == [0, 1, 2, 3]
    assert streaming.describe().group_state == "Stable"


def test_internal_topics_are_asked_for_before_tasks_are_assigned(streaming: Streaming) -> None:
    topics = streaming.broker.topics
    topics.create("lines", 3)
    first = streaming.join("one", counting())
    assert statuses(first) == [StatusCode.MISSING_INTERNAL_TOPICS]
    assert streaming.to_create == {"words": 3, "counts": 3}
    assert (streaming.active["one"], streaming.describe().group_state) == ({}, "NotReady")
    topics.create("words", 3)
    assert StatusCode.MISSING_INTERNAL_TOPICS in statuses(streaming.beat("one"))
    assert streaming.to_create == {"counts": 3}
    topics.create("counts", 3)
    streaming.settle("one")
    assert (streaming.active["one"], streaming.to_create) == ({"0": [0, 1, 2], "1": [0, 1, 2]}, {})
    described = {one.subtopology_id: one for one in streaming.describe().topology.subtopologies}
    assert [topic.partitions for topic in described["1"].state_changelog_topics] == [3]


def test_what_is_wrong_with_topics_is_told(streaming: Streaming) -> None:
    topics = streaming.broker.topics
    missing = streaming.join("one", counting(5))
    assert missing.status == [h.Status(StatusCode.MISSING_SOURCE_TOPICS, "Source topics lines are missing.")]
    topics.create("lines", 3)
    topics.create("counts", 4)
    streaming.broker.advance(2_000)
    [status] = streaming.beat("one").status
    assert status.status_code == StatusCode.INCORRECTLY_PARTITIONED_TOPICS
    assert status.status_detail == "Existing topic counts has different number of partitions: expected 5, found 4"
    topics.create("counts", 5)
    streaming.beat("one")
    assert streaming.to_create == {"words": 5}


@pytest.mark.parametrize(
    ("topology", "told"),
    [
        (joined("lines", "more"), "Following topics do not have the same number of partitions: [{lines=2, more=3}]"),
        (
            joined("lines", repartition=[h.TopicInfo("words", 7)]),
            "Number of partitions [7] of repartition topic [words] doesn't match number of partitions [2] of the "
            "source topic.",
        ),
    ],
)
def test_topics_that_are_read_together_have_equally_many_partitions(
    streaming: Streaming, topology: h.Topology, told: str
) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.broker.topics.create("more", 3)
    [status] = streaming.join("one", topology).status
    assert (status.status_code, status.status_detail) == (StatusCode.INCORRECTLY_PARTITIONED_TOPICS, told)


def test_a_repartition_topic_follows_what_it_is_read_with(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.join("one", joined("lines", repartition=[h.TopicInfo("words")]))
    assert streaming.to_create == {"words": 2}


def test_a_topology_that_no_topics_could_serve_is_refused(streaming: Streaming) -> None:
    loop = h.Topology(0, [h.Subtopology("0", repartition_sink_topics=["a"], repartition_source_topics=[_named("a")])])
    orphan = h.Topology(0, [h.Subtopology("0", repartition_source_topics=[_named("a")])])
    fixed = h.Topology(0, [h.Subtopology("0", ["lines"], state_changelog_topics=[h.TopicInfo("counts", 1)])])
    streaming.broker.topics.create("lines", 1)
    for topology in (loop, orphan, fixed, h.Topology(0, [h.Subtopology("0")])):
        assert streaming.join("one", topology).error_code == ErrorCode.STREAMS_INVALID_TOPOLOGY
    out_of_list = h.Topology(0, [h.Subtopology("0", ["lines"], copartition_groups=[h.CopartitionGroup([1])])])
    refused = streaming.join("one", out_of_list)
    assert (refused.error_code, refused.error_message) == (ErrorCode.UNKNOWN_SERVER_ERROR, None)


def _named(name: str) -> h.TopicInfo:
    return h.TopicInfo(name)


def test_standby_tasks_lie_in_other_processes(streaming: Streaming) -> None:
    streaming.configure(num_standby_replicas=1)
    for topic in ("lines", "words", "counts"):
        streaming.broker.topics.create(topic, 2)
    for member in ("one", "two"):
        streaming.join(member, counting())
    streaming.settle("one", "two")
    for member, other in (("one", "two"), ("two", "one")):
        assert streaming.standby[member] == {"1": streaming.active[other]["1"]}
    # Who kept the state goes on with it.
    streaming.beat("one", -1)
    streaming.settle("two")
    assert streaming.active["two"]["1"] == [0, 1]


def test_another_number_of_standby_tasks_assigns_anew(streaming: Streaming) -> None:
    for topic in ("lines", "words", "counts"):
        streaming.broker.topics.create(topic, 1)
    for member in ("one", "two"):
        streaming.join(member, counting())
    streaming.settle("one", "two")
    assert [*streaming.standby["one"], *streaming.standby["two"]] == []
    streaming.configure(num_standby_replicas=1)
    streaming.settle("one", "two")
    assert [*streaming.standby["one"], *streaming.standby["two"]] == ["1"]


def test_the_first_assignment_waits_for_more_members(streaming: Streaming) -> None:
    streaming.configure(initial_rebalance_delay_ms=3_000)
    streaming.broker.topics.create("lines", 2)
    assert statuses(streaming.join("one")) == [StatusCode.ASSIGNMENT_DELAYED]
    assert statuses(streaming.join("two")) == [StatusCode.ASSIGNMENT_DELAYED]
    streaming.broker.advance(3_000)
    for member in ("one", "two"):
        assert statuses(streaming.beat(member)) == []
    assert sorted(streaming.active["one"]["0"] + streaming.active["two"]["0"]) == [0, 1]


def test_assignments_keep_their_distance(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.join("one")
    streaming.broker.advance(999)
    assert statuses(streaming.join("two")) == [StatusCode.ASSIGNMENT_DELAYED]
    streaming.broker.advance(1)
    assert statuses(streaming.beat("two")) == []


def test_a_silent_member_is_removed_and_the_rest_survives_a_crash(streaming: Streaming) -> None:
    broker = streaming.broker
    broker.topics.create("lines", 4)
    streaming.join("one")
    streaming.join("two")
    streaming.settle("one", "two")
    described = streaming.describe()
    broker.kill_and_restart()
    streaming.beat("one")
    assert streaming.describe() == described
    for _ in range(30):
        broker.advance(2_000)
        streaming.beat("one")
    assert [member.member_id for member in streaming.describe().members] == ["one"]
    assert streaming.active["one"] == {"0": [0, 1, 2, 3]}
    assert streaming.beat("two").error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_who_does_not_give_back_in_time_is_fenced(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.join("one")
    streaming.broker.advance(2_000)
    streaming.join("two")
    kept = {"active_tasks": _ids({"0": [0, 1]})}
    for _ in range(6):
        streaming.beat("one", **kept)
        streaming.broker.advance(2_000)
        streaming.beat("two")
    assert streaming.beat("one", **kept).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    streaming.settle("two")
    assert streaming.active["two"] == {"0": [0, 1]}


def test_epochs_fence(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    epoch = streaming.join("one").member_epoch
    assert streaming.beat("one", epoch + 1).error_code == ErrorCode.FENCED_MEMBER_EPOCH
    streaming.broker.advance(2_000)
    streaming.join("two")
    streaming.settle("one", "two")
    # An answer was lost: it is in the epoch before, and has nothing that is not its own.
    now = streaming.epochs["one"]
    before = streaming.describe().members[0]
    assert before.member_epoch == now
    assert streaming.beat("one", 1).error_code == ErrorCode.FENCED_MEMBER_EPOCH
    assert streaming.beat("one", now).error_code == ErrorCode.NONE


def test_a_shutdown_is_told_to_all_until_the_group_is_empty(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.join("one")
    streaming.join("two")
    streaming.beat("one", -1, shutdown_application=True)
    [status] = [one for one in streaming.beat("two").status if one.status_code == StatusCode.SHUTDOWN_APPLICATION]
    assert status.status_detail.startswith("Streams group member one encountered a fatal error")
    streaming.beat("two", -1)
    streaming.broker.advance(2_000)
    assert streaming.join("three").status == []


def test_a_topology_stays_and_an_older_one_is_stale(streaming: Streaming) -> None:
    for topic in ("lines", "more"):
        streaming.broker.topics.create(topic, 1)
    streaming.join("one", h.Topology(3, LINES.subtopologies))
    assert statuses(streaming.join("two"))[0] == StatusCode.STALE_TOPOLOGY
    refused = streaming.join("three", h.Topology(3, [h.Subtopology("0", ["more"])]))
    assert (refused.error_code, refused.error_message) == (
        ErrorCode.INVALID_REQUEST,
        "Topology updates are not supported yet.",
    )


def test_endpoints_are_told_when_they_change(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    first = streaming.join("one", user_endpoint=h.Endpoint("here", 80))
    assert first.partitions_by_user_endpoint[0].active_partitions == [h.TopicPartition("lines", [0, 1])]
    streaming.broker.advance(2_000)
    streaming.join("two", user_endpoint=h.Endpoint("there", 81))
    streaming.settle("one", "two")
    told = streaming.beat("two")
    assert {one.user_endpoint.host: len(one.active_partitions) for one in told.partitions_by_user_endpoint} == {
        "here": 1,
        "there": 1,
    }
    again = streaming.beat("two", endpoint_information_epoch=told.endpoint_information_epoch)
    assert again.partitions_by_user_endpoint is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"instance_id": "i"}, ErrorCode.INVALID_REQUEST),
        ({"member_id": " "}, ErrorCode.INVALID_REQUEST),
        ({"group_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"rack_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"rebalance_timeout_ms": -1}, ErrorCode.INVALID_REQUEST),
        ({"topology": None}, ErrorCode.INVALID_REQUEST),
        ({"active_tasks": [h.TaskIds("0", [0])]}, ErrorCode.INVALID_REQUEST),
        ({"active_tasks": None}, ErrorCode.INVALID_REQUEST),
        ({"warmup_tasks": [h.TaskIds("0", [0])]}, ErrorCode.INVALID_REQUEST),
        ({"task_offsets": []}, ErrorCode.INVALID_REQUEST),
        ({"task_end_offsets": []}, ErrorCode.INVALID_REQUEST),
        ({"member_epoch": 1}, ErrorCode.INVALID_REQUEST),
        ({"member_epoch": -2}, ErrorCode.INVALID_REQUEST),
        ({"member_epoch": -3}, ErrorCode.INVALID_REQUEST),
        ({"topology": h.Topology(0, [h.Subtopology("0", [], ["l.*"])])}, ErrorCode.INVALID_REQUEST),
        ({"topology": h.Topology(-1, [])}, ErrorCode.UNKNOWN_SERVER_ERROR),
        ({"member_epoch": 1, "topology": None}, ErrorCode.GROUP_ID_NOT_FOUND),
        ({"member_epoch": -1, "topology": None}, ErrorCode.GROUP_ID_NOT_FOUND),
    ],
)
def test_what_makes_no_sense_is_refused(streaming: Streaming, fields: dict[str, Any], code: ErrorCode) -> None:
    said = NOTHING | {"group_id": "g", "member_id": "one", "rebalance_timeout_ms": 1000, "topology": LINES} | fields
    assert streaming.ask(h.StreamsGroupHeartbeatRequest(**said)).error_code == code


def test_tasks_that_the_topology_does_not_have_are_refused(streaming: Streaming) -> None:
    streaming.broker.topics.create("lines", 2)
    streaming.join("one")
    for tasks in ({"0": [2]}, {"0": [-1]}, {"1": [0]}):
        assert streaming.beat("one", active_tasks=_ids(tasks)).error_code == ErrorCode.INVALID_REQUEST


def test_a_full_group_takes_nobody_more(streaming: Streaming) -> None:
    streaming.configure(max_size=1)
    streaming.broker.topics.create("lines", 2)
    streaming.join("one")
    assert streaming.join("two").error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert streaming.join("one").error_code == ErrorCode.GROUP_MAX_SIZE_REACHED, "as with Apache"


def test_a_group_id_is_one_kind_of_groups(streaming: Streaming) -> None:
    broker = streaming.broker
    broker.topics.create("lines", 1)
    streaming.join("one")
    request = JoinGroupRequest("g", 10_000, 10_000, "", None, "consumer", [JoinGroupRequestProtocol("range", b"")])
    classic = broker.run(broker.shard.join_group(request, Caller("me", "/host", 5), broker.now_ms)).result()
    assert classic.error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert broker.shard.describe("g", Caller("me", "/host", 6)).error_message == "Group g is not a classic group."
    assert broker.shard.describe_consumer_group("g").error_message == "Group g is not a consumer group."
    assert broker.shard.shares.describe("g").error_message == "Group g is not a share group."
    [listed] = broker.shard.list_groups(types=["streams"])
    assert (listed.group_id, listed.protocol_type, listed.group_state) == ("g", "streams", "Stable")
    streaming.beat("one", -1)
    joined = broker.run(broker.shard.join_group(request, Caller("me", "/host", 3), broker.now_ms))
    assert not joined.is_done, "it waits for others, as the first of a new group does"
    assert streaming.describe().error_message == "Group g is not a streams group."
    assert streaming.join("two").error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_members_commit_what_they_read(streaming: Streaming) -> None:
    broker = streaming.broker
    broker.topics.create("lines", 2)
    streaming.join("one")
    streaming.broker.advance(2_000)
    streaming.join("two")
    streaming.settle("one", "two")
    [mine] = streaming.active["one"]["0"]

    def commit(member: str, epoch: int, partition: int = mine, version: int = 9) -> int:
        topics = [OffsetCommitRequestTopic("lines", partitions=[OffsetCommitRequestPartition(partition, 7)])]
        request = OffsetCommitRequest("g", epoch, member, topics=topics)
        outcome = broker.shard.commit_offsets(request, Caller("me", "/host", version), broker.now_ms)
        return int(broker.run(outcome).result().topics[0].partitions[0].error_code)

    now = streaming.epochs["one"]
    assert commit("one", now) == ErrorCode.NONE
    assert commit("one", now, version=8) == ErrorCode.UNSUPPORTED_VERSION
    assert commit("one", now + 1) == ErrorCode.STALE_MEMBER_EPOCH
    assert commit("one", now - 1) == ErrorCode.NONE, "it has had the task since"
    assert commit("one", now - 1, 1 - mine) == ErrorCode.STALE_MEMBER_EPOCH
    assert commit("nobody", now) == ErrorCode.UNKNOWN_MEMBER_ID
    assert commit("", -1) == ErrorCode.UNKNOWN_MEMBER_ID
    for member in ("one", "two"):
        streaming.beat(member, -1)
    assert commit("", -1) == ErrorCode.NONE
    assert broker.run(broker.shard.delete_group("g", broker.now_ms)).result().error_code == ErrorCode.NONE
    broker.kill_and_restart()
    assert broker.shard.list_groups() == []


def test_texts_are_gone_through_as_java_does() -> None:
    assert java_order(["a", "b", "q", "Q"]) == ["a", "q", "Q", "b"], "three of them have the same place"
    queue = LoadQueue(len, ["aaa", "b", "cc", "d"])
    assert [queue.take() for _ in range(5)] == ["b", "d", "cc", "aaa", None]
