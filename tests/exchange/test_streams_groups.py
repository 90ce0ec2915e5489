"""Streams groups (KIP-1071), asked of kafkapy and of Apache Kafka side by side.

Answers are equal to the last field, and so are the records that they leave in `__consumer_offsets`.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from side_by_side import Both, Side

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import streams_group_heartbeat as h
from kafkapy.protocol.messages.consumer_group_describe import CONSUMER_GROUP_DESCRIBE, ConsumerGroupDescribeRequest
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
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
from kafkapy.protocol.messages.streams_group_describe import STREAMS_GROUP_DESCRIBE, StreamsGroupDescribeRequest
from kafkapy.protocol.messages.streams_group_heartbeat import STREAMS_GROUP_HEARTBEAT, StreamsGroupHeartbeatRequest

GROUP = 32  # a resource type
SEEDS = range(6)
Owned = dict[str, list[int]]


def ids(owned: Owned) -> list[h.TaskIds]:
    return [h.TaskIds(subtopology_id, found) for subtopology_id, found in owned.items()]


def tasks(found: Any) -> Owned:
    return {one["subtopology_id"]: one["partitions"] for one in found}


def info(name: str, partitions: int = 0, **configs: str) -> h.TopicInfo:
    return h.TopicInfo(
        name, partitions, 0, [h.KeyValue(key.replace("_", "."), value) for key, value in configs.items()]
    )


NOTHING: dict[str, Any] = {"active_tasks": [], "standby_tasks": [], "warmup_tasks": []}
READS_SIX = h.Topology(0, [h.Subtopology("0", ["six"])])


class Streaming:
    """Both sides, as threads of Streams applications see them."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.epochs: dict[str, int] = {}
        self.active: dict[str, Owned] = {}
        self.standby: dict[str, Owned] = {}

    def configure(self, group: str, **settings: object) -> None:
        changes = [AlterableConfig(name.replace("_", "."), 0, str(value)) for name, value in settings.items()]
        for side in self.both.sides:
            request = IncrementalAlterConfigsRequest([AlterConfigsResource(GROUP, group, changes)])
            assert side.client.ask(INCREMENTAL_ALTER_CONFIGS, 1, request).responses[0].error_code == ErrorCode.NONE

    def ask(self, request: StreamsGroupHeartbeatRequest) -> Any:
        return self.both.ask(STREAMS_GROUP_HEARTBEAT, 0, lambda _: request)

    def join(self, group: str, member: str, topology: h.Topology = READS_SIX, process: str = "", **fields: Any) -> Any:
        fields = NOTHING | {"rebalance_timeout_ms": 30_000, "process_id": process or f"process of {member}"} | fields
        return self._took(member, self.ask(StreamsGroupHeartbeatRequest(group, member, topology=topology, **fields)))

    def beat(self, group: str, member: str, epoch: int | None = None, *, tells: bool = True, **fields: Any) -> Any:
        owned: dict[str, Any] = {}
        if tells:
            owned = {"active_tasks": ids(self.active[member]), "standby_tasks": ids(self.standby[member])}
            owned["warmup_tasks"] = []
        epoch = self.epochs[member] if epoch is None else epoch
        return self._took(member, self.ask(StreamsGroupHeartbeatRequest(group, member, epoch, **(owned | fields))))

    def leave(self, group: str, member: str, **fields: Any) -> Any:
        del self.epochs[member]
        return self.ask(StreamsGroupHeartbeatRequest(group, member, -1, **fields))

    def _took(self, member: str, answer: Any) -> Any:
        if answer["error_code"] == ErrorCode.NONE and answer["member_epoch"] > 0:
            self.epochs[member] = answer["member_epoch"]
            if answer["active_tasks"] is not None:
                self.active[member] = tasks(answer["active_tasks"])
                self.standby[member] = tasks(answer["standby_tasks"])
        return answer

    def describe(self, group: str) -> Any:
        """The group, but for the numbers of partitions of its internal topics.

        Apache shows them once a record was written after the heartbeat that found them.
        """
        request = StreamsGroupDescribeRequest([group], include_authorized_operations=True)

        def told(side: Side) -> Any:
            found = side.plain(side.client.ask(STREAMS_GROUP_DESCRIBE, 0, request))["groups"][0]
            for one in (found["topology"] or {}).get("subtopologies", ()):
                for topic in (*one["state_changelog_topics"], *one["repartition_source_topics"]):
                    topic["partitions"] = None
            return found

        return self.both.equal([told(side) for side in self.both.sides])

    def settle(self, group: str) -> None:
        for _ in range(3):
            for member in sorted(self.epochs):
                self.beat(group, member)


@pytest.fixture
def streaming(both: Both) -> Streaming:
    return Streaming(both)


@pytest.fixture(scope="module")
def walked(both: Both) -> list[str]:
    """Groups with standby tasks, and the internal topics of their topology, which are known after all the rest is."""
    groups = [f"walk {seed}" for seed in SEEDS]
    for seed, group in zip(SEEDS, groups, strict=True):
        Streaming(both).configure(group, streams_num_standby_replicas=seed % 3)
    for topic in ("words", "counts", "sums"):
        both.create(topic, 6)
    return groups


def walking() -> h.Topology:
    split = h.Subtopology("0", ["six", "two"], repartition_sink_topics=["words"])
    count = h.Subtopology("1", [], [], [info("counts")], [], [info("words", cleanup_policy="delete")])
    total = h.Subtopology("2", ["six"], [], [info("sums", cleanup_policy="compact")])
    return h.Topology(0, [split, count, total])


@pytest.mark.parametrize("seed", SEEDS)
def test_members_come_and_go_as_with_apache(streaming: Streaming, walked: list[str], seed: int) -> None:
    rng, group = random.Random(seed), walked[seed]
    members = [f"{rng.getrandbits(64):x}" for _ in range(6)]
    processes = {
        member: f"process-{rng.getrandbits(32):x}" if number % 2 else "p" for number, member in enumerate(members)
    }
    for _ in range(12):
        member = rng.choice(members)
        if member not in streaming.epochs:
            endpoint = rng.choice([None, h.Endpoint(member, 80)])
            tags = rng.choice([None, [h.KeyValue("zone", "a"), h.KeyValue("cluster", "b")]])
            streaming.join(group, member, walking(), processes[member], user_endpoint=endpoint, client_tags=tags)
        elif rng.random() < 0.4:
            streaming.leave(group, member)
        else:
            streaming.beat(group, member, tells=rng.random() < 0.7, rack_id=rng.choice([None, "r1", "r2"]))
        for one in sorted(streaming.epochs):
            if rng.random() < 0.6:
                streaming.beat(group, one)
        streaming.describe(group)
    streaming.settle(group)
    if streaming.epochs:
        assert streaming.describe(group)["group_state"] == "Stable"
    streaming.both.same_log(group)


def test_internal_topics_are_made(streaming: Streaming) -> None:
    split = h.Subtopology("0", ["six"], repartition_sink_topics=["made-repartition"])
    repartition = info("made-repartition", cleanup_policy="delete", segment_bytes="52428800")
    count = h.Subtopology("1", [], [], [info("made-changelog", cleanup_policy="compact")], [], [repartition])
    topology = h.Topology(0, [split, count])
    [status] = streaming.join("makes", "m", topology)["status"]
    assert status["status_code"] == 3
    assert streaming.describe("makes")["group_state"] == "NotReady"
    for topic in ("made-repartition", "made-changelog"):
        streaming.both.wait_known(topic, 6)
    assert streaming.beat("makes", "m")["status"] == []
    assert streaming.describe("makes")["group_state"] == "Stable"
    streaming.both.same_log("makes")


@pytest.mark.parametrize(
    "topology",
    [
        h.Topology(0, [h.Subtopology("0", ["nowhere", "no-more", "six"])]),
        h.Topology(0, [h.Subtopology("0", ["six", "two"], copartition_groups=[h.CopartitionGroup([0, 1])])]),
        h.Topology(
            0,
            [
                h.Subtopology(
                    "0",
                    ["six"],
                    [],
                    [],
                    ["r"],
                    [info("r", 5)],
                    [h.CopartitionGroup([0], repartition_source_topics=[0])],
                )
            ],
        ),
        h.Topology(0, [h.Subtopology("0", [], [], [], ["r"], [info("r")])]),
        h.Topology(0, [h.Subtopology("0", ["six"], [], [], [], [info("r")])]),
        h.Topology(0, [h.Subtopology("0")]),
        h.Topology(0, []),
        h.Topology(-1, [h.Subtopology("0", ["six"])]),
        h.Topology(0, [h.Subtopology("0", ["six"]), h.Subtopology("0", ["two"])]),
        h.Topology(0, [h.Subtopology("0", ["six"], copartition_groups=[h.CopartitionGroup([1])])]),
        h.Topology(0, [h.Subtopology("0", ["six"], copartition_groups=[h.CopartitionGroup([])])]),
        h.Topology(0, [h.Subtopology("0", ["two"], state_changelog_topics=[info("six")])]),
        h.Topology(0, [h.Subtopology("0", ["six"], state_changelog_topics=[info("c", 6)])]),
        h.Topology(0, [h.Subtopology("0", ["six"], ["s.*"])]),
        h.Topology(0, [h.Subtopology("0", ["__consumer_offsets"])]),
        h.Topology(0, [h.Subtopology("0", ["six"], repartition_sink_topics=["not valid", ".."])]),
        h.Topology(0, [h.Subtopology("0", ["six"], [], [], ["r"], [info("r", -2)])]),
    ],
)
def test_what_is_wrong_with_a_topology_is_told(streaming: Streaming, topology: h.Topology, request: Any) -> None:
    group = request.node.name
    answer = streaming.join(group, "m", topology)
    if answer["error_code"] == ErrorCode.NONE:
        streaming.beat(group, "m")
        streaming.describe(group)
    streaming.both.same_log(group)


@pytest.mark.parametrize(
    "fields",
    [
        {"instance_id": "i"},
        {"member_id": " "},
        {"member_id": ""},
        {"group_id": ""},
        {"rack_id": ""},
        {"rebalance_timeout_ms": -1},
        {"topology": None},
        {"active_tasks": ids({"0": [0]})},
        {"active_tasks": None},
        {"member_epoch": 1, "topology": None, "standby_tasks": None},
        {"warmup_tasks": ids({"0": [0]})},
        {"task_offsets": []},
        {"task_end_offsets": []},
        {"member_epoch": 1},
        {"member_epoch": 1, "topology": None},
        {"member_epoch": -1, "topology": None},
        {"member_epoch": -2},
        {"member_epoch": -3},
        {"member_epoch": -2, "instance_id": "i"},
    ],
)
def test_what_makes_no_sense_is_refused_as_by_apache(streaming: Streaming, fields: dict[str, Any]) -> None:
    said = (
        NOTHING
        | {"group_id": "no sense", "member_id": "m", "rebalance_timeout_ms": 1000, "topology": READS_SIX}
        | fields
    )
    assert streaming.ask(StreamsGroupHeartbeatRequest(**said))["error_code"] != ErrorCode.NONE


def test_epochs_tasks_and_topologies_are_held_against_the_group(streaming: Streaming) -> None:
    group = "held"
    epoch = streaming.join(group, "one")["member_epoch"]
    streaming.beat(group, "one", epoch + 1)
    streaming.beat(group, "one", epoch, active_tasks=ids({"0": [6]}))
    streaming.beat(group, "one", epoch, active_tasks=ids({"9": [0]}))
    streaming.beat(group, "nobody", 1, tells=False)
    streaming.join(group, "two", process="other")
    streaming.settle(group)
    now = streaming.epochs["one"]
    for epoch in (now - 1, now - 2, now + 7):
        for tells in (True, False):
            streaming.beat(group, "one", epoch, tells=tells)
    streaming.join(group, "three", h.Topology(1, [h.Subtopology("0", ["six"])]))
    streaming.join(group, "four", h.Topology(0, [h.Subtopology("0", ["two"])]))
    newer = "newer"
    streaming.join(newer, "five", h.Topology(3, [h.Subtopology("0", ["six"])]))
    assert streaming.join(newer, "six", READS_SIX)["status"][0]["status_code"] == 0
    streaming.beat(newer, "six", shutdown_application=True)
    streaming.beat(newer, "five")
    streaming.leave(newer, "six", shutdown_application=True)
    streaming.beat(newer, "five")
    streaming.describe(newer)
    for number in range(7):
        streaming.join("full", f"m{number}")
    streaming.join("full", "m0")
    for one in (group, newer, "full"):
        streaming.both.same_log(one)


def test_offsets_of_a_group(streaming: Streaming) -> None:
    both, group = streaming.both, "offsets"
    streaming.join(group, "one")
    streaming.join(group, "two", process="other")
    streaming.settle(group)
    now = streaming.epochs["one"]
    mine, other = streaming.active["one"]["0"][0], streaming.active["two"]["0"][0]

    def commit(member: str, epoch: int, partition: int, topic: str = "six", version: int = 9) -> Any:
        topics = [OffsetCommitRequestTopic(topic, partitions=[OffsetCommitRequestPartition(partition, 7)])]
        return both.ask(OFFSET_COMMIT, version, lambda _: OffsetCommitRequest(group, epoch, member, topics=topics))

    for member in ("one", "nobody", ""):
        for epoch in (now, now - 1, now - 2, now + 1, -1):
            for partition in (mine, other):
                commit(member, epoch, partition)
    commit("one", now - 1, 0, "two")
    commit("one", now, mine, version=8)

    def fetch(member: str | None, epoch: int) -> Any:
        wanted = [OffsetFetchRequestTopics("six", partition_indexes=list(range(6)))]
        groups = [OffsetFetchRequestGroup(group, member, epoch, wanted)]
        return both.ask(OFFSET_FETCH, 9, lambda _: OffsetFetchRequest(groups=groups))

    for member, epoch in ((None, -1), ("one", now), ("one", now - 1), ("nobody", now), ("", -1)):
        fetch(member, epoch)

    def delete(topic: str) -> Any:
        topics = [OffsetDeleteRequestTopic(topic, [OffsetDeleteRequestPartition(mine)])]
        return both.ask(OFFSET_DELETE, 0, lambda _: OffsetDeleteRequest(group, topics))

    delete("six")
    delete("two")
    both.ask(DELETE_GROUPS, 2, lambda _: DeleteGroupsRequest([group]))
    for member in ("one", "two"):
        streaming.leave(group, member)
    streaming.describe(group)
    commit("", -1, 3)
    delete("six")
    both.ask(DELETE_GROUPS, 2, lambda _: DeleteGroupsRequest([group]))
    assert streaming.describe(group)["error_code"] == ErrorCode.GROUP_ID_NOT_FOUND
    both.same_log(group)


def test_a_group_is_of_one_kind(streaming: Streaming) -> None:
    both, group = streaming.both, "kinds"
    streaming.join(group, "one")
    protocols = [JoinGroupRequestProtocol("range", b"")]

    def join_classic() -> Any:
        request = JoinGroupRequest(group, 30_000, 30_000, "", None, "consumer", protocols)
        return both.ask(JOIN_GROUP, 3, lambda _: request)

    join_classic()
    both.beat(group, "consumer", 0, topics=["six"])
    both.classic_beat(group, "one", 1)
    both.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest([group]))
    both.ask(CONSUMER_GROUP_DESCRIBE, 1, lambda _: ConsumerGroupDescribeRequest([group]))
    both.ask(SHARE_GROUP_DESCRIBE, 1, lambda _: ShareGroupDescribeRequest([group]))
    for states in ([], ["Stable"], ["NotReady"], ["not_ready"], ["empty"]):
        request = ListGroupsRequest(states, ["streams"])
        both.ask(LIST_GROUPS, 5, lambda _, request=request: request)  # type: ignore[misc]
    both.beat("consumers", "one", 0, topics=["six"])
    streaming.join("consumers", "one")
    streaming.describe("consumers")
    # A classic group that nobody is in makes place.
    topics = [OffsetCommitRequestTopic("six", partitions=[OffsetCommitRequestPartition(0, 7)])]
    both.ask(OFFSET_COMMIT, 9, lambda _: OffsetCommitRequest("simple", -1, "", topics=topics))
    assert streaming.join("simple", "one")["error_code"] == ErrorCode.NONE
    streaming.leave("simple", "one")
    for one in (group, "simple"):
        both.same_log(one)


def test_an_internal_topic_that_cannot_be_made_is_told(streaming: Streaming) -> None:
    """Apache tells it at once or with a later heartbeat, whichever comes first."""
    both, group = streaming.both, "cannot be made"
    changelog = info("not-made", cleanup_policy="nonsense")
    topology = h.Topology(0, [h.Subtopology("0", ["six"], state_changelog_topics=[changelog])])
    request = StreamsGroupHeartbeatRequest(group, "m", topology=topology, process_id="p", rebalance_timeout_ms=30_000)
    request.active_tasks, request.standby_tasks, request.warmup_tasks = [], [], []
    told = []
    for side in both.sides:
        answer = side.client.ask(STREAMS_GROUP_HEARTBEAT, 0, request)
        while "failed" not in answer.status[0].status_detail:
            again = StreamsGroupHeartbeatRequest(group, "m", answer.member_epoch)
            answer = side.client.ask(STREAMS_GROUP_HEARTBEAT, 0, again)
        told.append(answer.status[0].status_detail)
    assert told[0] == told[1]
    both.same_log(group)


def test_where_states_are_while_sources_are_missing(streaming: Streaming) -> None:
    """Apache fails here; that nothing is to be asked for is what a member can go on with."""
    topology = h.Topology(0, [h.Subtopology("0", ["nowhere"])])
    request = StreamsGroupHeartbeatRequest("nowhere", "m", topology=topology, process_id="p", rebalance_timeout_ms=1000)
    request.active_tasks, request.standby_tasks, request.warmup_tasks = [], [], []
    request.user_endpoint = h.Endpoint("here", 80)
    ours, theirs = (side.client.ask(STREAMS_GROUP_HEARTBEAT, 0, request) for side in streaming.both.sides)
    assert theirs.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert (ours.error_code, [one.status_code for one in ours.status]) == (ErrorCode.NONE, [1])
    assert ours.partitions_by_user_endpoint == [h.EndpointToPartitions(h.Endpoint("here", 80))]


def test_the_first_assignment_waits(streaming: Streaming) -> None:
    both, group = streaming.both, "waits"
    streaming.configure(group, streams_initial_rebalance_delay_ms=1_500)
    both.create("last-known", 1)
    for member in ("m1", "m2"):
        assert [one["status_code"] for one in streaming.join(group, member)["status"]] == [5]
    assert [one["status_code"] for one in streaming.beat(group, "m1")["status"]] == [5]
    streaming.describe(group)
    for side in both.sides:
        status = [5]
        while status:
            request = StreamsGroupHeartbeatRequest(group, "m1", 1)
            status = side.client.ask(STREAMS_GROUP_HEARTBEAT, 0, request).status
    streaming.epochs["m1"] = streaming.epochs["m2"] = 3
    streaming.active["m1"] = {}
    streaming.describe(group)
    streaming.leave(group, "m1")
    streaming.leave(group, "m2")
    both.same_log(group)
