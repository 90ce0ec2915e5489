"""Members with an instance id keep their place over a restart (KIP-345, KIP-814)."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.leave_group import MemberIdentity


def stable_pair(broker: Any, version: int = 5) -> Any:
    replies = [broker.join(instance=name, version=version) for name in ("a", "b")]
    broker.advance(0)
    leader, follower = (r.result() for r in replies)
    waiting = broker.sync(follower)
    broker.sync(leader, {leader.member_id: b"1", follower.member_id: b"2"})
    assert waiting.result().assignment == b"2"
    return leader, follower


def test_a_static_member_needs_no_id_first(broker: Any) -> None:
    leader, follower = stable_pair(broker)
    assert (leader.member_id, follower.member_id) == ("a-uuid1", "b-uuid2")
    assert [m.group_instance_id for m in leader.members] == ["a", "b"]


@pytest.mark.parametrize("version", [5, 9])
def test_a_follower_that_restarts_goes_on_without_a_rebalance(broker: Any, version: Any) -> None:
    leader, old = stable_pair(broker)
    new = broker.join(instance="b", version=version).result()
    assert (new.generation_id, new.member_id, new.leader) == (1, "b-uuid3", leader.member_id)
    assert not new.skip_assignment
    assert broker.state() == "Stable"
    assert broker.sync(new).result().assignment == b"2"
    assert broker.heartbeat(old.member_id, 1, instance="b") == ErrorCode.FENCED_INSTANCE_ID
    assert broker.heartbeat(leader.member_id, 1) == 0


def test_a_leader_that_restarts_skips_assigning_where_it_knows_how(broker: Any) -> None:
    stable_pair(broker)
    new = broker.join(instance="a", version=9).result()
    assert (new.leader, new.skip_assignment, len(new.members)) == (new.member_id, True, 2)
    assert broker.sync(new).result().assignment == b"1"


def test_an_older_leader_that_restarts_believes_it_follows(broker: Any) -> None:
    old, _ = stable_pair(broker)
    new = broker.join(instance="a", version=5).result()
    assert (new.leader, new.members) == (old.member_id, [])
    assert broker.sync(new).result().assignment == b"1"


def test_a_replacement_is_told_only_once_it_is_committed_and_undone_if_it_is_not(broker: Any) -> None:
    _, old = stable_pair(broker)
    broker.refuse = KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    assert broker.join(instance="b").result().error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert broker.heartbeat(old.member_id, 1, instance="b") == 0


def test_whoever_waits_under_the_old_id_is_fenced(broker: Any) -> None:
    leader, old = stable_pair(broker)
    broker.join(leader.member_id, instance="a")
    waiting = broker.join(old.member_id, instance="b", protocols=[("range", b"x")])
    # The rebalance is over as both joined: the next generation waits for its sync.
    joined = waiting.result()
    synced = broker.sync(joined, group_instance_id="b")
    new = broker.join(instance="b")
    assert synced.result().error_code == ErrorCode.FENCED_INSTANCE_ID
    assert not new.is_done
    assert broker.state() == "PreparingRebalance"


def test_a_replacement_that_changes_the_protocol_rebalances(broker: Any) -> None:
    both = [("range", b""), ("sticky", b"")]
    replies = [broker.join(instance=name, protocols=both) for name in ("a", "b")]
    broker.advance(0)
    leader = replies[0].result()
    broker.sync(replies[1].result())
    broker.sync(leader, {})
    assert not broker.join(instance="b", protocols=[("sticky", b"")]).is_done
    again = broker.join(leader.member_id, instance="a", protocols=both)
    assert again.result().protocol_name == "sticky"


def test_a_rebalance_waits_for_static_members_until_their_session_ends(broker: Any) -> None:
    leader, away = stable_pair(broker)
    third = broker.enter(rebalance_ms=5_000, session_ms=6_000)
    back = broker.join(leader.member_id, instance="a", rebalance_ms=5_000, session_ms=600_000)
    broker.advance(5_000)
    assert not third.is_done  # b asked for 60 s when it joined
    broker.advance(5_000)
    assert sorted(m.member_id for m in back.result().members) == sorted([leader.member_id, third.result().member_id])
    assert broker.heartbeat(away.member_id, 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_fencing_of_every_request(broker: Any) -> None:
    _, old = stable_pair(broker)
    broker.join(instance="b")
    fenced = ErrorCode.FENCED_INSTANCE_ID
    assert broker.join(old.member_id, instance="b").result().error_code == fenced
    assert broker.sync(old, group_instance_id="b").result().error_code == fenced
    assert broker.commit({("t", 0): 1}, old.member_id, 1, instance="b") == {fenced}
    assert broker.leave(MemberIdentity(old.member_id, "b")).members[0].error_code == fenced


def test_who_comes_back_before_it_synced_still_owes_its_sync(broker: Any) -> None:
    replies = [broker.join(instance=name, session_ms=600_000) for name in ("a", "b")]
    broker.advance(0)
    leader = replies[0].result()
    broker.sync(leader, {})
    new = broker.join(instance="b", session_ms=600_000).result()
    assert new.generation_id == 1
    broker.advance(60_000)
    assert broker.heartbeat(new.member_id, 1, instance="b") == ErrorCode.UNKNOWN_MEMBER_ID
    assert broker.heartbeat(leader.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS


def test_who_comes_back_before_it_synced_and_syncs_is_left_in_peace(broker: Any) -> None:
    replies = [broker.join(instance=name, session_ms=600_000) for name in ("a", "b")]
    broker.advance(0)
    broker.sync(replies[0].result(), {})
    broker.sync(broker.join(instance="b", session_ms=600_000).result(), group_instance_id="b")
    broker.advance(60_000)
    assert broker.state() == "Stable"
