"""Groups over a crash, and what administrators see and do."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError


def test_a_group_goes_on_after_a_kill_without_a_rebalance(broker: Any) -> None:
    leader, follower = broker.stable(2)
    broker.commit({("t", 0): 5}, leader.member_id, 1, metadata="m")
    broker.kill_and_restart()
    assert broker.state() == "Stable"
    assert broker.heartbeat(leader.member_id, 1) == broker.heartbeat(follower.member_id, 1) == 0
    assert broker.sync(follower).result().assignment == follower.member_id.encode()
    assert broker.commit({("t", 0): 6}, follower.member_id, 1) == {ErrorCode.NONE}
    assert broker.join(follower.member_id).result().generation_id == 1
    assert not broker.join(leader.member_id).is_done


def test_sessions_start_over_when_the_log_is_loaded(broker: Any) -> None:
    leader, follower = broker.stable(2)
    broker.advance(9_000)
    broker.kill_and_restart()
    broker.advance(9_000)
    assert broker.heartbeat(leader.member_id, 1) == 0
    broker.advance(1_000)
    assert broker.heartbeat(follower.member_id, 1) == ErrorCode.UNKNOWN_MEMBER_ID
    assert broker.join(leader.member_id).result().generation_id == 2


def test_a_rebalance_that_a_kill_interrupts_is_begun_again_from_the_last_generation(broker: Any) -> None:
    leader, follower = broker.stable(2)
    broker.join(leader.member_id)
    broker.kill_and_restart()
    assert broker.heartbeat(leader.member_id, 1) == 0
    again = broker.join(leader.member_id)
    broker.join(follower.member_id)
    assert again.result().generation_id == 2


def test_empty_and_simple_groups_come_back(broker: Any) -> None:
    (only,) = broker.stable(1)
    broker.leave(only.member_id)
    broker.commit({("t", 0): 5}, group="simple")
    broker.kill_and_restart()
    assert (broker.state(), broker.state("simple")) == ("Empty", "Empty")
    assert broker.committed("t", 0, group="simple")[0] == 5
    reply = broker.enter()
    broker.advance(0)
    assert reply.result().generation_id == 3


def test_a_static_member_is_known_after_a_kill(broker: Any) -> None:
    first = broker.join(instance="i")
    broker.advance(0)
    broker.sync(first.result(), {first.result().member_id: b"1"}, group_instance_id="i")
    broker.kill_and_restart()
    again = broker.join(instance="i", version=9).result()
    assert (again.generation_id, again.skip_assignment) == (1, True)
    assert broker.sync(again).result().assignment == b"1"


def test_a_loaded_group_above_the_size_limit_rebalances(broker: Any, broker_with: Any) -> None:
    loaded = broker.stable(3)
    smaller = broker_with(max_size=2)
    smaller.log = broker.log
    smaller.kill_and_restart()
    assert smaller.state() == "PreparingRebalance"
    first, second, third = (smaller.join(member.member_id) for member in loaded)
    assert third.result().error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert first.result().generation_id == second.result().generation_id == 2


def test_records_of_other_kinds_are_skipped_and_broken_ones_are_named(broker: Any) -> None:
    broker.shard.replay(Record(0, 0, b"\0\11\0\1g", b"\0\0junk"))
    broker.shard.replay(Record(0, 0, b"\x7f\xff", None))
    with pytest.raises(KafkaError, match="offset 7 cannot be read"):
        broker.shard.replay(Record(7, 0, b"\0\2\0\1g", b"\0\3\0"))
    with pytest.raises(KafkaError, match="no version 9"):
        broker.shard.replay(Record(7, 0, b"\0\2\0\1g", b"\0\x09\0"))


def test_tombstones_of_what_is_not_there_do_no_harm(broker: Any) -> None:
    broker.shard.replay(Record(0, 0, b"\0\2\0\1g", None))
    broker.shard.replay(Record(0, 0, b"\0\1\0\1g\0\1t\0\0\0\0", None))
    assert broker.state() == "Dead"


def test_describing_a_stable_group(broker: Any) -> None:
    (joined,) = broker.stable(1)
    described = broker.shard.describe("g", Caller("admin", "/h", 6))
    assert (described.error_code, described.group_state) == (0, "Stable")
    assert (described.protocol_type, described.protocol_data) == ("consumer", "range")
    (member,) = described.members
    assert (member.member_id, member.client_id, member.client_host) == (joined.member_id, "c", "/127.0.0.1")
    assert member.member_assignment == joined.member_id.encode()
    assert member.member_metadata == joined.members[0].metadata


def test_describing_a_rebalancing_group_shows_no_metadata(broker: Any) -> None:
    broker.enter()
    described = broker.shard.describe("g", Caller("admin", "/h", 5))
    assert (described.group_state, described.protocol_data) == ("PreparingRebalance", "")
    assert described.members[0].member_metadata == b""


@pytest.mark.parametrize(
    ("version", "error", "message"),
    [(0, 0, None), (5, 0, None), (6, ErrorCode.GROUP_ID_NOT_FOUND, "Group x not found.")],
)
def test_describing_no_group(broker: Any, version: Any, error: Any, message: Any) -> None:
    described = broker.shard.describe("x", Caller("admin", "/h", version))
    assert (described.error_code, described.error_message, described.group_state) == (error, message, "Dead")


@pytest.mark.parametrize(
    ("states", "types", "listed"),
    [
        ((), (), {"g", "simple"}),
        (("Stable",), (), {"g"}),
        ((" eMPTY",), (), {"simple"}),
        (("Stable", "Empty"), ("CLASSIC",), {"g", "simple"}),
        ((), ("consumer",), set()),
        (("nonsense",), (), set()),
    ],
)
def test_listing_groups(broker: Any, states: Any, types: Any, listed: Any) -> None:
    broker.stable(1)
    broker.commit({("t", 0): 5}, group="simple")
    groups = broker.shard.list_groups(states, types)
    assert {g.group_id for g in groups} == listed
    assert {g.group_type for g in groups} <= {"classic"}
    assert {g.protocol_type for g in groups if g.group_id == "simple"} <= {""}


def test_deleting_groups(broker: Any) -> None:
    def delete(group: str) -> int:
        return int(broker.run(broker.shard.delete_group(group, broker.now_ms)).result().error_code)

    (only,) = broker.stable(1)
    broker.commit({("t", 0): 5}, only.member_id, 1)
    assert delete("g") == ErrorCode.NON_EMPTY_GROUP
    assert delete("x") == ErrorCode.GROUP_ID_NOT_FOUND
    broker.leave(only.member_id)
    assert delete("g") == 0
    assert (broker.state(), broker.committed("t", 0)) == ("Dead", (-1, ""))
    broker.kill_and_restart()
    assert (broker.state(), broker.committed("t", 0)) == ("Dead", (-1, ""))
    assert broker.commit({("t", 0): 1}, only.member_id, 2) == {ErrorCode.GROUP_ID_NOT_FOUND}
