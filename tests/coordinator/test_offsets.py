"""Offsets are committed, fetched, forgotten and expire: what a user sees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)

DAY_MS = 24 * 60 * 60 * 1000


def test_a_commit_without_a_group_makes_one_that_only_stores_offsets(broker: Any) -> None:
    assert broker.commit({("t", 0): 5, ("t", 1): 6}, metadata="here") == {ErrorCode.NONE}
    assert broker.committed("t", 0) == (5, "here")
    assert broker.committed("t", 2) == (-1, "")
    assert broker.committed("t", 0, group="other") == (-1, "")
    assert broker.state() == "Empty"


@pytest.mark.parametrize("version", range(10))
def test_simple_commits_work_in_every_version(broker: Any, version: Any) -> None:
    assert broker.commit({("t", 0): 5}, version=version) == {ErrorCode.NONE}


def test_null_metadata_is_read_as_empty(broker: Any) -> None:
    broker.commit({("t", 0): 5}, metadata=None)
    assert broker.committed("t", 0) == (5, "")


def test_too_much_metadata_is_refused(broker: Any) -> None:
    assert broker.commit({("t", 0): 5}, metadata="x" * 4096) == {ErrorCode.NONE}
    assert broker.commit({("t", 0): 6}, metadata="x" * 4097) == {ErrorCode.OFFSET_METADATA_TOO_LARGE}
    assert broker.committed("t", 0)[0] == 5


@pytest.mark.parametrize(
    ("member", "generation", "error"),
    [
        ("self", 1, ErrorCode.NONE),
        ("self", 0, ErrorCode.ILLEGAL_GENERATION),
        ("self", -1, ErrorCode.ILLEGAL_GENERATION),
        ("nobody", 1, ErrorCode.UNKNOWN_MEMBER_ID),
        ("", -1, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_who_may_commit_to_a_stable_group(broker: Any, member: Any, generation: Any, error: Any) -> None:
    (joined,) = broker.stable(1)
    member_id = joined.member_id if member == "self" else member
    assert broker.commit({("t", 0): 5}, member_id, generation) == {error}


def test_commits_during_a_rebalance(broker: Any) -> None:
    first, second = broker.stable(2)
    broker.join(first.member_id)
    assert broker.commit({("t", 0): 5}, second.member_id, 1) == {ErrorCode.NONE}
    broker.join(second.member_id)
    assert broker.state() == "CompletingRebalance"
    assert broker.commit({("t", 0): 6}, second.member_id, 2) == {ErrorCode.REBALANCE_IN_PROGRESS}
    assert broker.commit({("t", 0): 6}, second.member_id, 1) == {ErrorCode.ILLEGAL_GENERATION}


@pytest.mark.parametrize(("version", "error"), [(8, ErrorCode.ILLEGAL_GENERATION), (9, ErrorCode.GROUP_ID_NOT_FOUND)])
def test_commits_of_a_member_to_no_group(broker: Any, version: Any, error: Any) -> None:
    assert broker.commit({("t", 0): 5}, "m", 3, version=version) == {error}


def test_a_commit_keeps_the_session(broker: Any) -> None:
    (joined,) = broker.stable(1)
    for _ in range(5):
        broker.advance(9_000)
        assert broker.commit({("t", 0): 5}, joined.member_id, 1) == {ErrorCode.NONE}
    assert broker.state() == "Stable"


def test_a_commit_is_answered_when_it_is_committed(broker: Any) -> None:
    broker.held = []
    reply = broker.commit_async({("t", 0): 5})
    assert not reply.is_done
    broker.commit_held()
    assert reply.result().topics[0].partitions[0].error_code == 0


def test_a_commit_that_cannot_be_written(broker: Any) -> None:
    broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    assert broker.commit({("t", 0): 5}) == {ErrorCode.NOT_COORDINATOR}
    assert broker.committed("t", 0) == (-1, "")


def test_null_topics_fetch_all_and_no_topics_fetch_none(broker: Any) -> None:
    broker.commit({("t", 0): 5, ("u", 1): 6})
    caller = Caller("c", "/h", 7)
    everything = broker.shard.fetch_offsets(OffsetFetchRequest("g", None), caller)
    assert {(t.name, p.partition_index, p.committed_offset) for t in everything.topics for p in t.partitions} == {
        ("t", 0, 5),
        ("u", 1, 6),
    }
    assert broker.shard.fetch_offsets(OffsetFetchRequest("g", []), caller).topics == []


def test_batched_fetches(broker: Any) -> None:
    broker.commit({("t", 0): 5})
    groups = [
        OffsetFetchRequestGroup("g", topics=None),
        OffsetFetchRequestGroup("g", topics=[OffsetFetchRequestTopics("t", partition_indexes=[0, 1])]),
        OffsetFetchRequestGroup("none", topics=None),
    ]
    answer = broker.shard.fetch_offsets(OffsetFetchRequest(groups=groups, require_stable=True), Caller("c", "/h", 9))
    found = [
        (g.group_id, [(p.partition_index, p.committed_offset, p.committed_leader_epoch) for p in t.partitions])
        for g in answer.groups
        for t in g.topics
    ]
    assert found == [("g", [(0, 5, 7)]), ("g", [(0, 5, 7), (1, -1, -1)])]
    assert [g.error_code for g in answer.groups] == [0, 0, 0]


def test_offsets_of_a_topic_made_anew_are_not_those_of_the_old_one(broker: Any) -> None:
    old, new = UUID(int=1), UUID(int=2)
    topic = OffsetCommitRequestTopic("t", old, [OffsetCommitRequestPartition(0, 5)])
    request = OffsetCommitRequest("g", topics=[topic])
    response = broker.run(broker.shard.commit_offsets(request, Caller("c", "/h", 10), broker.now_ms)).result()
    assert response.topics[0].topic_id == old

    def fetch(topic_id: UUID) -> int:
        wanted = OffsetFetchRequestGroup("g", topics=[OffsetFetchRequestTopics("t", topic_id, [0])])
        answer = broker.shard.fetch_offsets(OffsetFetchRequest(groups=[wanted]), Caller("c", "/h", 10))
        assert answer.groups[0].topics[0].topic_id == topic_id
        return int(answer.groups[0].topics[0].partitions[0].committed_offset)

    assert (fetch(old), fetch(new)) == (5, -1)
    broker.run(broker.shard.remove_topic("t", broker.now_ms, new))
    assert fetch(old) == 5
    broker.run(broker.shard.remove_topic("t", broker.now_ms, old))
    assert fetch(old) == -1


def test_a_deleted_topic_takes_its_offsets_along_in_every_group(broker: Any) -> None:
    broker.commit({("t", 0): 5, ("u", 0): 6})
    broker.commit({("t", 3): 5}, group="h")
    broker.run(broker.shard.remove_topic("t", broker.now_ms))
    broker.kill_and_restart()
    assert broker.committed("t", 0) == broker.committed("t", 3, group="h") == (-1, "")
    assert broker.committed("u", 0)[0] == 6


def delete(broker: Any, group: str, topic: str, partition: int) -> Any:
    topics = [OffsetDeleteRequestTopic(topic, [OffsetDeleteRequestPartition(partition)])]
    outcome = broker.shard.delete_offsets(OffsetDeleteRequest(group, topics), Caller("c", "/h", 0), broker.now_ms)
    response = broker.run(outcome).result()
    return response.error_code or response.topics[0].partitions[0].error_code


def test_deleting_offsets(broker: Any) -> None:
    (joined,) = broker.stable(1)
    broker.commit({("t", 0): 5, ("u", 0): 6}, joined.member_id, 1)
    assert delete(broker, "g", "t", 0) == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert delete(broker, "g", "u", 0) == 0
    assert delete(broker, "g", "u", 9) == 0
    assert (broker.committed("t", 0)[0], broker.committed("u", 0)[0]) == (5, -1)
    assert delete(broker, "none", "t", 0) == ErrorCode.GROUP_ID_NOT_FOUND
    assert delete(broker, "", "t", 0) == ErrorCode.INVALID_GROUP_ID


def test_deleting_offsets_of_members_whose_topics_are_not_known(broker: Any) -> None:
    broker.enter(protocol_type="connect", protocols=[("x", b"")])
    broker.advance(0)
    assert delete(broker, "g", "t", 0) == ErrorCode.NON_EMPTY_GROUP


def test_offsets_of_a_simple_group_expire_a_retention_after_their_commit(broker: Any) -> None:
    broker.commit({("t", 0): 5})
    broker.advance(3 * DAY_MS)
    broker.commit({("t", 1): 5})
    broker.advance(4 * DAY_MS + 600_000)
    assert (broker.committed("t", 0)[0], broker.committed("t", 1)[0]) == (-1, 5)
    broker.advance(3 * DAY_MS)
    assert broker.committed("t", 1)[0] == -1
    assert broker.state() == "Dead"


def test_offsets_of_a_group_expire_a_retention_after_it_became_empty(broker: Any) -> None:
    (joined,) = broker.stable(1, session_ms=1_800_000)
    broker.commit({("t", 0): 5}, joined.member_id, 1)
    for _ in range(10 * 24 * 3):
        broker.advance(1_200_000)
        assert broker.heartbeat(joined.member_id, 1) == 0
    broker.leave(joined.member_id)
    broker.advance(7 * DAY_MS - 600_000)
    assert broker.committed("t", 0)[0] == 5
    broker.advance(600_000 * 2)
    assert broker.committed("t", 0)[0] == -1
    assert broker.state() == "Dead"


def test_offsets_of_topics_that_nobody_reads_any_more_expire_in_a_stable_group(broker: Any) -> None:
    (joined,) = broker.stable(1, session_ms=1_800_000)
    broker.commit({("t", 0): 5, ("u", 0): 6}, joined.member_id, 1)
    for _ in range(8 * 24 * 3):
        broker.advance(1_200_000)
        broker.heartbeat(joined.member_id, 1)
    assert (broker.committed("t", 0)[0], broker.committed("u", 0)[0]) == (5, -1)


def test_a_commit_may_say_how_long_it_is_kept(broker: Any) -> None:
    broker.commit({("t", 0): 5}, version=2, retention_ms=DAY_MS)
    broker.advance(DAY_MS - 1)
    assert broker.committed("t", 0)[0] == 5
    broker.advance(600_001)
    assert broker.committed("t", 0)[0] == -1


def test_a_commit_may_say_when_it_was(broker: Any) -> None:
    broker.commit({("t", 0): 5}, version=1, at_ms=broker.now_ms - 7 * DAY_MS)
    broker.advance(600_000)
    assert broker.committed("t", 0)[0] == -1
