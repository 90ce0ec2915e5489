"""How a group comes from one generation to the next, and the deadlines that push it on.

A rebalance waits for every known member to join again, at most as long as the slowest member asks for; then the leader
divides the work, and members that do not fetch their part in time are dropped. Members are dropped when they are not
heard of within their session timeout. The first rebalance of an Empty group waits a little for more members to come.
Apache: GroupMetadataManager's part for classic groups.

Functions return the records to append: only a group that became Empty has one to say here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from kafkapy.coordinator.classic.group import ClassicGroup, GroupState
from kafkapy.coordinator.classic.member import Member
from kafkapy.coordinator.outcome import Outcome, only_append
from kafkapy.coordinator.records import group_record
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.join_group import JoinGroupResponse
from kafkapy.protocol.messages.sync_group import SyncGroupResponse

log = logging.getLogger(__name__)

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class GroupConfig:
    """The limits and periods that groups obey; the names are those of the broker's properties."""

    min_session_timeout_ms: int = 6_000  # group.min.session.timeout.ms
    max_session_timeout_ms: int = 1_800_000  # group.max.session.timeout.ms
    initial_rebalance_delay_ms: int = 0  # group.initial.rebalance.delay.ms
    max_size: int = 2**31 - 1  # group.max.size
    new_member_join_timeout_ms: int = 5 * 60 * 1000  # not a property; how long an unanswered new member is believed in
    offsets_retention_ms: int = 7 * _DAY_MS  # offsets.retention.minutes
    offsets_retention_check_interval_ms: int = 600_000  # offsets.retention.check.interval.ms
    offset_metadata_max_bytes: int = 4096  # offset.metadata.max.bytes


class Rebalances:
    """Drives the groups of one shard from generation to generation."""

    def __init__(self, config: GroupConfig, timers: Timers, groups: dict[str, ClassicGroup]) -> None:
        self._config = config
        self._timers = timers
        self._groups = groups

    # Beginning one

    def prepare_or_continue(self, group: ClassicGroup, reason: str, now_ms: int) -> list[Record]:
        """Begin a rebalance; if one is under way, end its joining if that is all that was missing."""
        if group.can_rebalance:
            return self.prepare(group, reason, now_ms)
        return self.maybe_complete_join(group, now_ms)

    def prepare(self, group: ClassicGroup, reason: str, now_ms: int) -> list[Record]:
        """Begin a rebalance of a group that is in any state but this one already."""
        if group.state is GroupState.COMPLETING_REBALANCE:
            self.refuse_syncs(group, ErrorCode.REBALANCE_IN_PROGRESS, now_ms)
        group.pending_syncs.clear()
        self._timers.cancel(_sync_key(group))
        is_initial = group.state is GroupState.EMPTY
        group.transition_to(GroupState.PREPARING_REBALANCE, now_ms)
        log.info("group %s rebalances after generation %d: %s", group.group_id, group.generation, reason)
        if is_initial:
            delay_ms = self._config.initial_rebalance_delay_ms
            remaining_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
            group.has_new_member = False
            self._delay_initial(group.group_id, delay_ms, remaining_ms, now_ms)
            return []
        if group.has_all_members_joined:
            return self.complete_join(group, now_ms)
        self._set_join_deadline(group, now_ms)
        return []

    def _delay_initial(self, group_id: str, delay_ms: int, remaining_ms: int, now_ms: int) -> None:
        def end(then_ms: int) -> Outcome[None]:
            group = self._groups.get(group_id)
            if group is None or group.state is not GroupState.PREPARING_REBALANCE:
                return only_append([])
            if group.has_new_member and remaining_ms > 0:
                # Who came during the delay may have friends: wait again, within the rebalance timeout.
                group.has_new_member = False
                again_ms = min(self._config.initial_rebalance_delay_ms, remaining_ms)
                self._delay_initial(group_id, again_ms, max(remaining_ms - delay_ms, 0), then_ms)
                return only_append([])
            return only_append(self.complete_join(group, then_ms))

        self._timers.set(_join_key_of(group_id), now_ms + delay_ms, end)

    def _set_join_deadline(self, group: ClassicGroup, now_ms: int) -> None:
        def expire(then_ms: int) -> Outcome[None]:
            found = self._groups.get(group.group_id)
            if found is None or found.state is not GroupState.PREPARING_REBALANCE:
                return only_append([])
            return only_append(self.complete_join(found, then_ms))

        self._timers.set(_join_key_of(group.group_id), now_ms + group.rebalance_timeout_ms, expire)

    # Joining

    def maybe_complete_join(self, group: ClassicGroup, now_ms: int) -> list[Record]:
        """End the joining if everybody is here; the initial rebalance always waits for its delay."""
        is_preparing = group.state is GroupState.PREPARING_REBALANCE
        if is_preparing and group.previous_state is not GroupState.EMPTY and group.has_all_members_joined:
            return self.complete_join(group, now_ms)
        return []

    def complete_join(self, group: ClassicGroup, now_ms: int) -> list[Record]:
        """Drop the dynamic members that did not join, start the next generation, and answer those that did."""
        self._timers.cancel(_join_key_of(group.group_id))
        late = [m.member_id for m in group.members.values() if m.waiting_join is None and not m.is_static]
        for member_id in late:
            group.remove(member_id)
            self._timers.cancel(_session_key(group.group_id, member_id))
        if late:
            log.info("group %s drops members that did not join in time: %s", group.group_id, ", ".join(late))
        if group.members and not group.elect_joined_leader():
            # Only static members are left and none is here. Their sessions decide, so the group waits on.
            self._set_join_deadline(group, now_ms)
            return []
        group.start_next_generation(now_ms)
        if group.state is GroupState.EMPTY:
            log.info("group %s is empty at generation %d", group.group_id, group.generation)
            return [group_record(group.group_id, group.snapshot({}), now_ms)]
        log.info("group %s is at generation %d, members: %d", group.group_id, group.generation, len(group.members))
        for member in group.members.values():
            member.answer_join(joined(group, member))
            self.restart_session(group, member, now_ms)
            member.is_new = False
            group.pending_syncs.add(member.member_id)
        self._set_sync_deadline(group, now_ms)
        return []

    # Syncing

    def hand_out(self, group: ClassicGroup, assignments: dict[str, bytes], now_ms: int) -> None:
        """Give every member its part, and answer those that wait for it; who was left out has an empty one."""
        for member in group.members.values():
            member.assignment = assignments.get(member.member_id, b"")
            if member.answer_sync(synced(group, member)):
                self.restart_session(group, member, now_ms)

    def refuse_syncs(self, group: ClassicGroup, error: ErrorCode, now_ms: int) -> None:
        """Take every member's part away, and answer those that wait for one with `error`."""
        for member in group.members.values():
            member.assignment = b""
            if member.answer_sync(SyncGroupResponse(error_code=error)):
                self.restart_session(group, member, now_ms)

    def note_sync(self, group: ClassicGroup, member_id: str) -> None:
        """The member came for its part; the deadline falls with the last one."""
        group.pending_syncs.discard(member_id)
        if not group.pending_syncs:
            self._timers.cancel(_sync_key(group))

    def _set_sync_deadline(self, group: ClassicGroup, now_ms: int) -> None:
        generation = group.generation

        def expire(then_ms: int) -> Outcome[None]:
            found = self._groups.get(group.group_id)
            if found is None or found.generation != generation or not found.pending_syncs:
                return only_append([])
            if found.state not in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
                return only_append([])
            late = sorted(found.pending_syncs)
            for member_id in late:
                found.remove(member_id)
                self._timers.cancel(_session_key(found.group_id, member_id))
            return only_append(self.prepare(found, f"members did not sync in time: {', '.join(late)}", then_ms))

        self._timers.set(_sync_key(group), now_ms + group.rebalance_timeout_ms, expire)

    # Sessions

    def restart_session(self, group: ClassicGroup, member: Member, now_ms: int) -> None:
        """The member is alive: count its session from now."""
        self._set_session(group.group_id, member.member_id, now_ms + member.session_timeout_ms)

    def start_join_session(self, group: ClassicGroup, member: Member, now_ms: int) -> None:
        """Believe in a new member for a while although it cannot send heartbeats: it does not know its id yet."""
        self._set_session(group.group_id, member.member_id, now_ms + self._config.new_member_join_timeout_ms)

    def start_pending_session(self, group: ClassicGroup, member_id: str, session_timeout_ms: int, now_ms: int) -> None:
        """Await the member that was handed this id for one session."""
        self._set_session(group.group_id, member_id, now_ms + session_timeout_ms)

    def end_session(self, group: ClassicGroup, member_id: str) -> None:
        """Nothing is expected of the member any more."""
        self._timers.cancel(_session_key(group.group_id, member_id))

    def forget(self, group: ClassicGroup) -> None:
        """Nothing is expected of the group any more: it becomes a group of the other protocol."""
        self._timers.cancel(_join_key_of(group.group_id))
        self._timers.cancel(_sync_key(group))
        for member_id in (*group.members, *group.pending_joins):
            self.end_session(group, member_id)

    def _set_session(self, group_id: str, member_id: str, at_ms: int) -> None:
        def expire(now_ms: int) -> Outcome[None]:
            return only_append(self._expire_session(group_id, member_id, now_ms))

        self._timers.set(_session_key(group_id, member_id), at_ms, expire)

    def _expire_session(self, group_id: str, member_id: str, now_ms: int) -> list[Record]:
        group = self._groups.get(group_id)
        if group is None or group.state is GroupState.DEAD:
            return []
        member = group.members.get(member_id)
        if member is None:
            if member_id not in group.pending_joins:
                return []
            log.info("group %s gives up pending member %s: it did not come back", group_id, member_id)
        elif member.is_excused_from_heartbeat:
            return []
        group.remove(member_id)
        if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
            if member is None:
                return []
            return self.prepare(group, f"member {member_id} was not heard of within its session timeout", now_ms)
        if group.state is GroupState.PREPARING_REBALANCE and group.has_all_members_joined:
            return self.complete_join(group, now_ms)
        return []


def joined(group: ClassicGroup, member: Member) -> JoinGroupResponse:
    """A JoinGroup's answer once the group has its generation; only the leader is told who the members are."""
    return JoinGroupResponse(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol or "",
        leader=group.leader_id or "",
        member_id=member.member_id,
        members=group.listing if member.member_id == group.leader_id else [],
    )


def synced(group: ClassicGroup, member: Member) -> SyncGroupResponse:
    """A SyncGroup's answer: the member's part, as its leader wrote it."""
    return SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=member.assignment
    )


def _session_key(group_id: str, member_id: str) -> str:
    return f"session {group_id} {member_id}"


def _join_key_of(group_id: str) -> str:
    return f"join {group_id}"


def _sync_key(group: ClassicGroup) -> str:
    return f"sync {group.group_id}"
