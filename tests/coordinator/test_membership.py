"""Members come, divide, beat, go, and die: what each is told."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.leave_group import MemberIdentity


def test_a_first_member_of_today_gets_an_id_then_leads_generation_1(broker: Any) -> None:
    asked = broker.join(client="app").result()
    assert (asked.error_code, asked.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "app-uuid1")
    reply = broker.join(asked.member_id)
    broker.advance(0)
    joined = reply.result()
    assert joined.error_code == 0
    assert (joined.generation_id, joined.leader, joined.protocol_name) == (1, "app-uuid1", "range")
    assert [m.member_id for m in joined.members] == ["app-uuid1"]
    assert joined.protocol_type == "consumer"
    assert broker.sync(joined, {"app-uuid1": b"all"}).result().assignment == b"all"
    assert broker.heartbeat("app-uuid1", 1) == 0


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_older_members_join_in_one_step(broker: Any, version: Any) -> None:
    reply = broker.join(version=version)
    broker.advance(0)
    assert (reply.result().error_code, reply.result().member_id) == (0, "c-uuid1")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"session_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": []}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_joins_that_are_refused(broker: Any, options: Any, error: Any) -> None:
    assert broker.join(**options).result().error_code == error


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"protocols": [("sticky", b"")]}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "nobody", "instance": "i"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_joins_that_a_stable_group_refuses(broker: Any, options: Any, error: Any) -> None:
    broker.stable(1)
    assert broker.join(**options).result().error_code == error
    assert broker.state() == "Stable"


def test_the_protocol_is_what_most_like_best_of_what_all_know(broker: Any) -> None:
    a = broker.join(version=3, protocols=[("x", b"ax"), ("range", b"ar"), ("sticky", b"as")])
    b = broker.join(version=3, protocols=[("sticky", b"bs"), ("range", b"br")])
    c = broker.join(version=3, protocols=[("sticky", b"cs"), ("range", b"cr"), ("x", b"cx")])
    broker.advance(0)
    leader = a.result()
    assert {p.result().protocol_name for p in (a, b, c)} == {"sticky"}
    assert [m.metadata for m in leader.members] == [b"as", b"bs", b"cs"]
    assert b.result().members == []


def test_followers_wait_for_the_leader_and_who_is_left_out_gets_empty_bytes(broker: Any) -> None:
    replies = [broker.enter() for _ in range(3)]
    broker.advance(0)
    leader, second, third = (r.result() for r in replies)
    waiting = [broker.sync(second), broker.sync(third)]
    assert not any(w.is_done for w in waiting)
    assert broker.sync(leader, {second.member_id: b"2"}).result().assignment == b""
    assert [w.result().assignment for w in waiting] == [b"2", b""]
    assert broker.sync(second).result().assignment == b"2"


def test_nobody_gets_an_assignment_before_it_is_committed(broker: Any) -> None:
    reply = broker.enter()
    broker.advance(0)
    broker.held = []
    synced = broker.sync(reply.result(), {reply.result().member_id: b"1"})
    assert not synced.is_done
    assert broker.state() == "CompletingRebalance"
    broker.commit_held()
    assert synced.result().assignment == b"1"


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE),
        (ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR),
    ],
)
def test_an_assignment_that_cannot_be_written_makes_everybody_join_again(broker: Any, refusal: Any, told: Any) -> None:
    replies = [broker.enter() for _ in range(2)]
    broker.advance(0)
    leader, other = (r.result() for r in replies)
    waiting = broker.sync(other)
    broker.refuse = KafkaError(refusal)
    assert broker.sync(leader, {}).result().error_code == told
    assert waiting.result().error_code == told
    assert broker.state() == "PreparingRebalance"


def test_a_new_group_that_cannot_be_written_is_forgotten(broker: Any) -> None:
    broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    assert broker.join(version=3).result().error_code == ErrorCode.NOT_COORDINATOR
    broker.advance(10_000_000)
    assert broker.state() == "Dead"


def knowing(*names: str) -> list[tuple[str, bytes]]:
    return [(name, b"") for name in names]


def is_welcome(broker: Any, *names: str) -> bool:
    error = broker.join(protocols=knowing(*names)).result().error_code
    assert error in (ErrorCode.MEMBER_ID_REQUIRED, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return bool(error == ErrorCode.MEMBER_ID_REQUIRED)


def test_a_protocol_is_shared_again_once_who_lacked_it_has_left(broker: Any) -> None:
    broker.enter(protocols=knowing("range", "sticky"))
    lacking = broker.enter(protocols=knowing("range"))
    broker.advance(0)
    assert not is_welcome(broker, "sticky")
    broker.leave(lacking.result().member_id)
    assert is_welcome(broker, "sticky")
    assert is_welcome(broker, "range", "other")
    assert not is_welcome(broker, "other")


def test_who_joins_again_with_other_protocols_changes_what_is_shared(broker: Any) -> None:
    member = broker.enter(protocols=knowing("range", "sticky"))
    broker.advance(0)
    assert is_welcome(broker, "range")
    broker.join(member.result().member_id, protocols=knowing("sticky"))
    assert not is_welcome(broker, "range")
    assert is_welcome(broker, "sticky")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"generation": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"group": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "range", "protocol_type": "consumer"}, ErrorCode.NONE),
        ({"group_instance_id": "i"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_what_a_sync_must_say(broker: Any, fields: Any, error: Any) -> None:
    (joined,) = broker.stable(1)
    assert broker.sync(joined, **fields).result().error_code == error


def test_a_rebalance_is_told_by_heartbeat_and_carries_everybody_to_the_next_generation(broker: Any) -> None:
    first, second = broker.stable(2)
    third = broker.enter()
    assert broker.state() == "PreparingRebalance"
    assert broker.heartbeat(first.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    assert broker.sync(first).result().error_code == ErrorCode.REBALANCE_IN_PROGRESS
    again = [broker.join(first.member_id), broker.join(second.member_id)]
    assert third.result().generation_id == 2
    assert [a.result().generation_id for a in again] == [2, 2]
    assert broker.heartbeat(first.member_id, 1) == ErrorCode.ILLEGAL_GENERATION
    assert broker.heartbeat(first.member_id, 2) == 0


def test_members_that_do_not_join_within_the_rebalance_timeout_are_dropped(broker: Any) -> None:
    first, second = broker.stable(2, session_ms=600_000)
    third = broker.enter()
    again = broker.join(first.member_id)
    broker.advance(59_999)
    assert not third.is_done
    broker.advance(1)
    assert third.result().generation_id == again.result().generation_id == 2
    assert broker.heartbeat(second.member_id, 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_that_is_silent_for_its_session_is_dropped(broker: Any) -> None:
    first, second = broker.stable(2)
    broker.advance(6_000)
    assert broker.heartbeat(first.member_id, 1) == 0
    broker.advance(4_000)
    assert broker.heartbeat(first.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    again = broker.join(first.member_id)
    assert [m.member_id for m in again.result().members] == [first.member_id]
    assert broker.heartbeat(second.member_id, 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_group_whose_members_all_die_is_empty(broker: Any) -> None:
    broker.stable(2)
    broker.advance(100_000)
    assert broker.state() == "Empty"


def test_a_pending_member_holds_the_rebalance_until_it_expires(broker: Any) -> None:
    (first,) = broker.stable(1, session_ms=30_000)
    broker.join()  # asks for an id, and never comes back
    assert broker.state() == "Stable"
    again = broker.join(first.member_id)  # the leader
    assert not again.is_done
    broker.advance(10_000)
    assert again.result().generation_id == 2


def test_members_that_do_not_sync_are_dropped(broker: Any) -> None:
    replies = [broker.enter(session_ms=600_000) for _ in range(2)]
    broker.advance(0)
    leader, lazy = (r.result() for r in replies)
    broker.sync(leader, {})
    broker.advance(60_000)
    assert broker.heartbeat(leader.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    assert broker.heartbeat(lazy.member_id, 1) == ErrorCode.UNKNOWN_MEMBER_ID


def test_followers_of_a_leader_that_never_syncs_are_sent_to_join_again(broker: Any) -> None:
    replies = [broker.enter(session_ms=600_000) for _ in range(2)]
    broker.advance(0)
    waiting = broker.sync(replies[1].result())
    broker.advance(60_000)
    assert waiting.result().error_code == ErrorCode.REBALANCE_IN_PROGRESS
    again = broker.join(replies[1].result().member_id, session_ms=600_000)
    assert again.result().leader == replies[1].result().member_id


def test_joining_again_without_news_disturbs_nobody_unless_it_is_the_leader(broker: Any) -> None:
    leader, follower = broker.stable(2)
    again = broker.join(follower.member_id).result()
    assert (again.generation_id, again.members, again.leader) == (1, [], leader.member_id)
    assert broker.state() == "Stable"
    assert not broker.join(leader.member_id).is_done
    assert broker.state() == "PreparingRebalance"


def test_joining_again_with_other_metadata_rebalances(broker: Any) -> None:
    _, follower = broker.stable(2)
    assert not broker.join(follower.member_id, protocols=[("range", b"new")]).is_done
    assert broker.state() == "PreparingRebalance"


def test_a_lost_join_answer_is_given_again(broker: Any) -> None:
    reply = broker.enter()
    broker.advance(0)
    again = broker.join(reply.result().member_id).result()
    assert (again.generation_id, len(again.members)) == (1, 1)


def test_a_join_sent_again_while_waiting_replaces_the_first(broker: Any) -> None:
    first, _ = broker.stable(2)
    old = broker.join(first.member_id)
    new = broker.join(first.member_id)
    assert old.result().error_code == ErrorCode.REBALANCE_IN_PROGRESS
    assert not new.is_done


def test_leaving_lets_the_others_rebalance_at_once(broker: Any) -> None:
    first, second = broker.stable(2)
    assert broker.leave(second.member_id).members[0].error_code == 0
    assert broker.heartbeat(first.member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    assert broker.join(first.member_id).result().generation_id == 2


def test_the_last_one_to_leave_makes_the_group_empty(broker: Any) -> None:
    (only,) = broker.stable(1)
    assert broker.leave(only.member_id, version=0).error_code == 0
    assert broker.state() == "Empty"
    assert broker.leave(only.member_id, version=2).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_who_leaves_while_it_waits_is_answered(broker: Any) -> None:
    first, second = broker.stable(2)
    waiting = broker.join(first.member_id)
    broker.leave(first.member_id)
    assert (waiting.result().error_code, waiting.result().member_id) == (ErrorCode.UNKNOWN_MEMBER_ID, "")
    assert broker.join(second.member_id).result().generation_id == 2


def test_leaving_in_a_batch_answers_each(broker: Any) -> None:
    static = broker.join(instance="i", version=5)
    broker.advance(0)
    response = broker.leave(
        MemberIdentity("nobody"),
        MemberIdentity("", "i", "scaled down"),
        MemberIdentity("", "j"),
    )
    unknown = ErrorCode.UNKNOWN_MEMBER_ID
    assert [m.error_code for m in response.members] == [unknown, 0, unknown]
    assert response.error_code == 0
    assert static.result().member_id == "i-uuid1"
    assert broker.state() == "Empty"


def test_leaving_a_group_that_is_not_there(broker: Any) -> None:
    assert broker.leave("m", version=1).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert broker.leave("m").members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert broker.leave("m", group="").error_code == ErrorCode.INVALID_GROUP_ID


def test_the_initial_rebalance_waits_for_more_members_within_the_rebalance_timeout(broker_with: Any) -> None:
    broker = broker_with(initial_rebalance_delay_ms=3_000)
    first = broker.enter(rebalance_ms=7_000)
    broker.advance(2_000)
    second = broker.enter(rebalance_ms=7_000)
    broker.advance(1_000)
    assert not first.is_done  # 3 s: one more came, so wait again
    third = broker.enter(rebalance_ms=7_000)
    broker.advance(3_000)
    assert not first.is_done  # 6 s: again, but only until 7 s
    broker.enter(rebalance_ms=7_000)
    broker.advance(999)
    assert not first.is_done
    broker.advance(1)
    assert {first.result().generation_id, second.result().generation_id, third.result().generation_id} == {1}


def test_a_full_group_takes_no_more(broker_with: Any) -> None:
    broker = broker_with(max_size=2)
    broker.stable(2)
    assert broker.join().result().error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert broker.state() == "Stable"


def test_any_protocol_type_will_do(broker: Any) -> None:
    reply = broker.enter(protocol_type="connect", protocols=[("sessioned", b"\xff")])
    broker.advance(0)
    assert reply.result().protocol_type == "connect"
    assert broker.sync(reply.result(), {reply.result().member_id: b"\xfe"}).result().assignment == b"\xfe"


def test_a_group_given_up_sends_everybody_away(broker: Any) -> None:
    first, _ = broker.stable(2)
    waiting = broker.join(first.member_id)
    broker.shard.unload(broker.now_ms)
    assert waiting.result().error_code == ErrorCode.NOT_COORDINATOR
    assert broker.heartbeat(first.member_id, 1) == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert broker.join().result().error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert broker.commit({("t", 0): 1}) == {ErrorCode.COORDINATOR_NOT_AVAILABLE}
    assert not broker.timers.deadlines or broker.advance(10**9) is None


def test_an_assignment_that_is_committed_too_late_is_nobodys(broker: Any) -> None:
    replies = [broker.enter() for _ in range(2)]
    broker.advance(0)
    first, second = (r.result() for r in replies)
    broker.held = []
    late = broker.sync(first, {second.member_id: b"old"})
    third = broker.enter()
    assert late.result().error_code == ErrorCode.REBALANCE_IN_PROGRESS
    for member in (first, second):
        broker.join(member.member_id)
    assert third.result().generation_id == 2
    waiting = broker.sync(third.result())
    broker.commit_held()
    assert broker.state() == "CompletingRebalance"
    assert not waiting.is_done


def test_a_member_of_version_0_rebalances_as_long_as_its_session(broker: Any) -> None:
    replies = [broker.join(version=0, session_ms=20_000, rebalance_ms=-1) for _ in range(2)]
    broker.advance(0)
    broker.sync(replies[0].result(), {})
    broker.heartbeat(replies[1].result().member_id, 1)
    again = broker.join(replies[0].result().member_id, version=0, session_ms=30_000, rebalance_ms=-1)
    broker.advance(19_000)
    broker.heartbeat(replies[1].result().member_id, 1)
    broker.advance(10_999)
    assert not again.is_done
    broker.advance(1)
    assert again.result().generation_id == 2
