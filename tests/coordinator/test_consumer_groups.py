"""Members of the consumer protocol (KIP-848): what time, crashes, refused records and new topics do to them."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.leave_group import MemberIdentity
from kafkapy.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)

ADMIN = Caller("admin", "/h", 6)
DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
def broker(consumers_with: Any) -> Any:
    made = consumers_with()
    made.topics.create("t", 4)
    return made


def members(broker: Any) -> dict[str, tuple[int, list[int]]]:
    """Epoch and partitions of `t` by member."""
    return {
        one.member_id: (one.member_epoch, [p for t in one.assignment.topic_partitions for p in t.partitions])
        for one in broker.consumers().members
    }


def two_stable(broker: Any) -> Any:
    """Two members that share `t`; the topic's id."""
    topic_id = broker.topics.by_name("t").topic_id
    broker.beat("m1", 0)
    broker.beat("m2", 0)
    broker.beat("m1", 2)
    broker.beat("m1", 2, owned={topic_id: [0, 1]})
    broker.beat("m2", 3)
    assert members(broker) == {"m1": (3, [0, 1]), "m2": (3, [2, 3])}
    assert broker.consumers().group_state == "Stable"
    return topic_id


def test_a_silent_member_is_fenced_and_the_others_get_its_part(broker: Any) -> None:
    two_stable(broker)
    broker.advance(30_000)
    broker.beat("m1", 3)
    broker.advance(15_000)
    assert list(members(broker)) == ["m1"]
    assert broker.assigned(broker.beat("m1", 3)) == {"t": [0, 1, 2, 3]}
    assert broker.beat("m2", 3).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_that_does_not_give_back_in_time_is_fenced(broker: Any) -> None:
    broker.beat("m1", 0, rebalance_ms=8_000)
    broker.beat("m2", 0)
    assert broker.assigned(broker.beat("m1", 2)) == {"t": [0, 1]}
    broker.advance(7_999)
    assert broker.beat("m1", 2).error_code == 0
    broker.advance(1)
    assert list(members(broker)) == ["m2"]
    assert broker.beat("m1", 2).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert broker.assigned(broker.beat("m2", 3)) == {"t": [0, 1, 2, 3]}


def test_giving_back_in_time_ends_the_deadline(broker: Any) -> None:
    topic_id = broker.topics.by_name("t").topic_id
    broker.beat("m1", 0, rebalance_ms=8_000)
    broker.beat("m2", 0)
    broker.beat("m1", 2)
    broker.beat("m1", 2, owned={topic_id: [0, 1]})
    broker.advance(20_000)
    assert sorted(members(broker)) == ["m1", "m2"]


def test_a_restart_changes_nothing_but_the_deadlines(broker: Any) -> None:
    broker.beat("m1", 0, rebalance_ms=8_000, rack_id="r")
    broker.beat("m2", 0, instance_id="i", server_assignor="range")
    broker.beat("m1", 2)
    before = broker.consumers()
    broker.kill_and_restart()
    assert broker.consumers() == before
    broker.advance(7_000)
    assert broker.beat("m1", 2).error_code == 0
    broker.advance(1_000)
    assert list(members(broker)) == ["m2"], "what it had to give back it still had to"
    broker.advance(37_000)
    assert broker.consumers().group_state == "Empty"


def test_refused_records_leave_the_group_as_it_was(broker: Any) -> None:
    two_stable(broker)
    before = broker.consumers()
    broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is full")
    broker.topics.create("t", 5)
    for epoch, fields in ((3, {}), (-1, {}), (3, {"topics": []})):
        assert broker.beat("m1", epoch, **fields).error_code == ErrorCode.NOT_COORDINATOR
    assert broker.beat("m3", 0).error_code == ErrorCode.NOT_COORDINATOR
    assert broker.consumers() == before
    broker.refuse = None
    assert broker.beat("m1", 3).member_epoch == 4, "that there is another partition is not forgotten"


def test_an_answer_leaves_when_its_records_are_committed(broker: Any) -> None:
    broker.held = []
    reply = broker.beat_async("m1", 0)
    assert not reply.is_done
    broker.commit_held()
    assert reply.result().member_epoch == 2


def test_new_partitions_and_topics_move_the_group_on(broker: Any) -> None:
    assert broker.assigned(broker.beat("m1", 0, topics=["t", "later"])) == {"t": [0, 1, 2, 3]}
    broker.topics.create("other", 1)
    assert broker.beat("m1", 2).member_epoch == 2
    broker.topics.create("later", 1)
    assert broker.assigned(broker.beat("m1", 2)) == {"t": [0, 1, 2, 3], "later": [0]}
    broker.topics.create("t", 5)
    assert broker.assigned(broker.beat("m1", 3)) == {"t": [0, 1, 2, 3, 4], "later": [0]}
    broker.topics.delete("later")
    shrunk = broker.beat("m1", 4)
    assert broker.assigned(shrunk) == {"t": [0, 1, 2, 3, 4]}


def test_assignments_are_not_computed_more_often_than_configured(consumers_with: Any) -> None:
    broker = consumers_with({"assignment_interval_ms": 1_000})
    broker.topics.create("t", 2)
    assert broker.beat("m1", 0).member_epoch == 2
    joined = broker.beat("m2", 0)
    assert (joined.member_epoch, broker.assigned(joined)) == (2, {})
    assert broker.consumers().group_state == "Assigning"
    broker.advance(999)
    assert broker.beat("m1", 2).member_epoch == 2
    broker.advance(1)
    assert broker.assigned(broker.beat("m1", 2)) == {"t": [0]}


def test_settings_are_the_groups(consumers_with: Any) -> None:
    broker = consumers_with({"session_timeout_ms": 50_000, "heartbeat_interval_ms": 7_000})
    assert broker.beat("m1", 0).heartbeat_interval_ms == 7_000
    broker.advance(49_999)
    assert "m1" in members(broker)
    broker.advance(1)
    assert members(broker) == {}


def test_assignors_are_those_configured(consumers_with: Any) -> None:
    broker = consumers_with(assignors=("range",))
    assert broker.beat("m1", 0, server_assignor="uniform").error_code == ErrorCode.UNSUPPORTED_ASSIGNOR
    assert broker.beat("m1", 0).error_code == 0
    assert broker.consumers().assignor_name == "range"


def test_old_members_get_an_id(broker: Any) -> None:
    first = broker.beat("", 0, version=0)
    assert first.member_id == "uuid1"
    assert broker.beat("uuid1", 2, version=0).error_code == 0


# Regular expressions


def test_a_regular_expression_follows_the_topics(broker: Any) -> None:
    joined = broker.beat("m1", 0, subscribed_topic_regex="t.*")
    assert (joined.member_epoch, broker.assigned(joined)) == (1, {})
    broker.advance(0)
    assert broker.assigned(broker.beat("m1", 1)) == {"t": [0, 1, 2, 3]}
    broker.topics.create("tt", 1)
    assert broker.assigned(broker.beat("m1", 2)) is None, "they are not matched more often than every ten seconds"
    broker.advance(10_001)
    broker.beat("m1", 2)
    broker.advance(0)
    assert broker.assigned(broker.beat("m1", 2)) == {"t": [0, 1, 2, 3], "tt": [0]}


def test_regular_expressions_are_matched_again_now_and_then(consumers_with: Any) -> None:
    broker = consumers_with(regex_refresh_interval_ms=20_000)
    broker.topics.create("t1", 1)
    broker.beat("m1", 0, subscribed_topic_regex="t.")
    broker.advance(0)
    broker.beat("m1", 1)
    length = len(broker.log)
    broker.advance(20_000)
    broker.beat("m1", 2)
    broker.advance(0)
    assert len(broker.log) == length
    broker.advance(1)
    broker.beat("m1", 2)
    broker.advance(0)
    assert len(broker.log) == length + 1


def test_who_gives_up_its_regular_expression_gives_up_its_topics(broker: Any) -> None:
    topic_id = broker.topics.by_name("t").topic_id
    broker.topics.create("other", 1)
    broker.beat("m1", 0, subscribed_topic_regex="t")
    broker.advance(0)
    broker.beat("m1", 1)
    changed = broker.beat("m1", 2, subscribed_topic_regex="", topics=["other"])
    assert broker.assigned(changed) == {}
    assert broker.assigned(broker.beat("m1", 2, owned={topic_id: []})) == {"other": [0]}
    broker.kill_and_restart()
    assert broker.consumers().members[0].subscribed_topic_regex == ""


# Other requests


def test_offsets_of_what_nobody_reads_expire_and_the_group_with_them(consumers_with: Any) -> None:
    broker = consumers_with({"session_timeout_ms": 2 * DAY_MS})
    broker.topics.create("t", 4)
    broker.beat("m1", 0)
    assert broker.commit({("t", 0): 5, ("u", 0): 6}, "m1", 2) == {ErrorCode.NONE}
    for _ in range(8):
        broker.advance(DAY_MS)
        broker.beat("m1", 2)
    assert (broker.committed("t", 0)[0], broker.committed("u", 0)[0]) == (5, -1)
    broker.beat("m1", -1)
    broker.advance(DAY_MS)
    assert broker.committed("t", 0)[0] == -1
    assert broker.consumers().error_code == ErrorCode.GROUP_ID_NOT_FOUND
    assert broker.shard.list_groups() == []


def delete_offset(broker: Any, topic: str) -> int:
    request = OffsetDeleteRequest("g", [OffsetDeleteRequestTopic(topic, [OffsetDeleteRequestPartition(0)])])
    (answer,) = broker.run(broker.shard.delete_offsets(request, ADMIN, broker.now_ms)).result().topics
    return int(answer.partitions[0].error_code)


def test_offsets_of_what_is_read_are_not_deleted(broker: Any) -> None:
    broker.beat("m1", 0)
    broker.beat("m2", 0, subscribed_topic_regex="u.*")
    broker.topics.create("uu")
    broker.advance(0)
    broker.commit({("t", 0): 5, ("uu", 0): 6, ("v", 0): 7}, "m1", 2)
    assert delete_offset(broker, "t") == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert delete_offset(broker, "uu") == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert delete_offset(broker, "v") == ErrorCode.NONE
    assert broker.committed("v", 0)[0] == -1


def test_a_deleted_group_leaves_nothing(broker: Any) -> None:
    broker.beat("m1", 0, subscribed_topic_regex="t")
    broker.advance(0)
    broker.beat("m1", 1)
    broker.commit({("t", 0): 5}, "m1", 2)
    assert broker.run(broker.shard.delete_group("g", broker.now_ms)).result().error_code == ErrorCode.NON_EMPTY_GROUP
    broker.beat("m1", -1)
    assert broker.run(broker.shard.delete_group("g", broker.now_ms)).result().error_code == ErrorCode.NONE
    newest: dict[bytes | None, bytes | None] = {record.key: record.value for record in broker.log}
    assert not any(newest.values()), "all that a compacted log keeps is deleted"
    broker.kill_and_restart()
    assert broker.shard.list_groups() == []


# Migration


@pytest.mark.parametrize("policy", ["disabled", "downgrade"])
def test_a_classic_group_that_may_not_be_upgraded(consumers_with: Any, policy: Any) -> None:
    broker = consumers_with(migration_policy=policy)
    broker.stable(1)
    assert broker.beat("m1", 0).error_code == ErrorCode.GROUP_ID_NOT_FOUND
    assert broker.state() == "Stable"


@pytest.mark.parametrize(("policy", "becomes"), [("bidirectional", "PreparingRebalance"), ("upgrade", "Dead")])
def test_who_stays_when_the_last_consumer_leaves(consumers_with: Any, policy: str, becomes: str) -> None:
    broker = consumers_with(migration_policy=policy)
    topic_id = broker.topics.create("t", 2)
    (joined,) = broker.stable_consumers(1)
    assert broker.beat("m1", 0, topics=["t"]).error_code == 0
    broker.beat("m1", 2, owned={topic_id: []})
    broker.beat("m1", -1)
    assert broker.state() == becomes
    broker.kill_and_restart()
    assert broker.state() == ("Stable" if becomes != "Dead" else "Dead")
    told = {"PreparingRebalance": ErrorCode.ILLEGAL_GENERATION, "Dead": ErrorCode.REBALANCE_IN_PROGRESS}
    assert broker.heartbeat(joined.member_id, joined.generation_id) == told[becomes]


def test_classic_members_of_a_consumer_group_have_deadlines_too(consumers_with: Any) -> None:
    broker = consumers_with()
    broker.topics.create("t", 2)
    (joined,) = broker.stable_consumers(1, rebalance_ms=5_000)
    broker.beat("m1", 0)
    assert broker.heartbeat(joined.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    broker.advance(4_000)
    assert broker.heartbeat(joined.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    broker.advance(1_000)
    assert list(members(broker)) == ["m1"], "it was told to join again, and did not"
    again = broker.join(rebalance_ms=5_000, version=3).result()
    broker.advance(5_000)
    assert list(members(broker)) == ["m1"], "it joined, and did not sync"
    again = broker.join(rebalance_ms=50_000, version=3).result()
    assert broker.sync(again).result().error_code == 0
    broker.advance(9_999)
    assert again.member_id in members(broker)
    broker.advance(1)
    assert list(members(broker)) == ["m1"], "its session is over"


def test_an_upgrade_that_cannot_be_written_leaves_a_classic_group(consumers_with: Any) -> None:
    broker = consumers_with()
    (joined,) = broker.stable_consumers(1)
    broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is full")
    assert broker.beat("m1", 0).error_code == ErrorCode.NOT_COORDINATOR
    broker.refuse = None
    assert broker.heartbeat(joined.member_id, 1) == 0
    broker.advance(10_000)
    assert broker.state() == "Empty", "its deadlines are those of a classic group"


def test_a_downgrade_that_cannot_be_written_leaves_a_consumer_group(consumers_with: Any) -> None:
    broker = consumers_with()
    broker.stable_consumers(1)
    broker.beat("m1", 0)
    broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is full")
    assert broker.beat("m1", -1).error_code == ErrorCode.NOT_COORDINATOR
    broker.refuse = None
    assert sorted(members(broker))[-1] == "m1"
    assert broker.state() == "Dead"
    assert broker.leave(MemberIdentity("m1")).members[0].error_code == 0
    assert broker.state() == "PreparingRebalance"


def test_a_custom_assignors_data_stops_an_upgrade(consumers_with: Any) -> None:
    broker = consumers_with()
    (joined,) = broker.stable_consumers(1, assignment=b"\0\0" + bytes(4) + b"\0\0\0\1x")
    refused = broker.beat("m1", 0)
    assert refused.error_code == ErrorCode.GROUP_ID_NOT_FOUND
    assert "custom assignor" in refused.error_message
    assert broker.heartbeat(joined.member_id, 1) == 0


def test_an_unloaded_shard_fences_nobody(broker: Any) -> None:
    broker.beat("m1", 0)
    broker.shard.unload(broker.now_ms)
    assert not [key for key in broker.timers.deadlines if key.startswith("consumer")]
