"""What members ask of a group: to join, to fetch their part, to be seen alive, to leave.

Answers are responses, never exceptions. A JoinGroup or SyncGroup is parked on its member until the group is ready.
Apache: GroupMetadataManager. KIP-345 (static members), KIP-394 (ids first), KIP-814 (a static leader skips assigning).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.group import NO_MEMBER_ID, ClassicGroup, GroupState
from kafkapy.coordinator.classic.member import Member, protocols_of
from kafkapy.coordinator.classic.rebalance import GroupConfig, Rebalances, joined, synced
from kafkapy.coordinator.outcome import Outcome, answered, append_error, once_appended
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.records import group_record
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kafkapy.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse
from kafkapy.protocol.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)
from kafkapy.protocol.messages.sync_group import SyncGroupRequest, SyncGroupResponse

log = logging.getLogger(__name__)

ID_FIRST_SINCE = 4  # JoinGroup
_SKIP_ASSIGNMENT_SINCE = 9  # JoinGroup
BATCHES_SINCE = 3  # LeaveGroup


class Membership:
    """The members' requests to the groups of one shard."""

    def __init__(
        self,
        config: GroupConfig,
        rebalances: Rebalances,
        groups: dict[str, ClassicGroup],
        new_member_suffix: Callable[[], str],
    ) -> None:
        self._config = config
        self._rebalances = rebalances
        self._groups = groups
        self._new_member_suffix = new_member_suffix

    # Joining

    def join(self, request: JoinGroupRequest, caller: Caller, now_ms: int) -> Outcome[JoinGroupResponse]:
        """Park the member until its group's next generation, or refuse it."""
        wrong = self.what_is_wrong(request)
        if wrong:
            return _refuse_join(wrong, request.member_id)
        group = self._groups.get(request.group_id)
        if group is None:
            if request.member_id != NO_MEMBER_ID:
                return _refuse_join(ErrorCode.UNKNOWN_MEMBER_ID, request.member_id)
            return self._found(request, caller, now_ms)
        if group.state is GroupState.DEAD:
            return _refuse_join(ErrorCode.COORDINATOR_NOT_AVAILABLE, request.member_id)
        if not self._has_room(group, request.member_id):
            group.remove(request.member_id)
            self._rebalances.end_session(group, request.member_id)
            # It may be the one that the others wait for. (Apache lets them wait until the rebalance times out.)
            records = self._rebalances.maybe_complete_join(group, now_ms)
            full = JoinGroupResponse(error_code=ErrorCode.GROUP_MAX_SIZE_REACHED)
            return Outcome(records, Promise.of(full))
        return self._join_group(group, request, caller, now_ms)

    def what_is_wrong(self, request: JoinGroupRequest) -> ErrorCode:
        """Why no group of any type can be joined so; NONE if nothing is wrong."""
        if not request.group_id:
            return ErrorCode.INVALID_GROUP_ID
        if not self._config.min_session_timeout_ms <= request.session_timeout_ms <= self._config.max_session_timeout_ms:
            return ErrorCode.INVALID_SESSION_TIMEOUT
        return ErrorCode.NONE

    def _found(self, request: JoinGroupRequest, caller: Caller, now_ms: int) -> Outcome[JoinGroupResponse]:
        """Join a group that is not there yet. Its first record is written now, before anybody commits offsets."""
        group = self._groups[request.group_id] = ClassicGroup(request.group_id, now_ms)
        # As it is before the member is in: an empty group, of no type.
        record = group_record(group.group_id, group.snapshot({}), now_ms)
        outcome = self._join_group(group, request, caller, now_ms)

        def appended(error: KafkaError | None) -> None:
            if error is None or self._groups.get(group.group_id) is not group:
                return
            log.warning("group %s could not be written, so it is forgotten: %s", group.group_id, error)
            del self._groups[group.group_id]
            for member in group.members.values():
                self._rebalances.end_session(group, member.member_id)
                member.dismiss(append_error(error), told_id=NO_MEMBER_ID)

        return Outcome([record], outcome.reply, appended)

    def _has_room(self, group: ClassicGroup, member_id: str) -> bool:
        member = group.members.get(member_id)
        if group.state is GroupState.EMPTY:
            return True
        if group.state is GroupState.PREPARING_REBALANCE:
            # Those who wait are counted, not the members: the last to come back are the ones without a place.
            is_waiting = member is not None and member.waiting_join is not None
            return is_waiting or group.joins_waiting < self._config.max_size
        return member is not None or len(group.members) < self._config.max_size

    def _join_group(
        self, group: ClassicGroup, request: JoinGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        if not group.supports(request.protocol_type, [protocol.name for protocol in request.protocols]):
            return _refuse_join(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.member_id)
        if request.member_id == NO_MEMBER_ID:
            return self._join_new(group, request, caller, now_ms)
        if request.member_id in group.pending_joins and request.group_instance_id is None:
            return self._add(group, request, caller, request.member_id, now_ms)
        try:
            member = group.check_member(request.member_id, request.group_instance_id)
        except KafkaError as error:
            return _refuse_join(error.code, request.member_id)
        return self._rejoin(group, member, request, caller, now_ms)

    def _join_new(
        self, group: ClassicGroup, request: JoinGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        instance_id = request.group_instance_id
        member_id = f"{caller.client_id if instance_id is None else instance_id}-{self._new_member_suffix()}"
        if instance_id is not None:
            old_id = group.static_members.get(instance_id)
            if old_id is not None:
                return self._replace_static(group, request, caller, (old_id, member_id), now_ms)
        elif caller.api_version >= ID_FIRST_SINCE:
            # The member comes back with its id: were it added now and the answer lost, it would haunt the group.
            group.pending_joins.add(member_id)
            self._rebalances.start_pending_session(group, member_id, request.session_timeout_ms, now_ms)
            return _refuse_join(ErrorCode.MEMBER_ID_REQUIRED, member_id)
        return self._add(group, request, caller, member_id, now_ms)

    def _add(
        self, group: ClassicGroup, request: JoinGroupRequest, caller: Caller, member_id: str, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        member = Member(
            member_id,
            request.group_instance_id,
            caller.client_id,
            caller.client_host,
            _rebalance_timeout_ms(request, caller),
            request.session_timeout_ms,
            request.protocol_type,
            protocols_of(request.protocols),
            is_new=True,
        )
        if group.state is GroupState.PREPARING_REBALANCE and group.previous_state is GroupState.EMPTY:
            group.has_new_member = True
        reply: Promise[JoinGroupResponse] = Promise()
        group.add(member, reply)
        self._rebalances.start_join_session(group, member, now_ms)
        reason = f"member {member_id} joins{_client_reason(request.reason)}"
        return Outcome(self._rebalances.prepare_or_continue(group, reason, now_ms), reply)

    def _rejoin(
        self, group: ClassicGroup, member: Member, request: JoinGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        if group.state is GroupState.EMPTY:
            return _refuse_join(ErrorCode.UNKNOWN_MEMBER_ID, member.member_id)
        is_same = protocols_of(request.protocols) == member.protocols
        if is_same and group.state is GroupState.COMPLETING_REBALANCE:
            return answered(joined(group, member))  # the first answer was lost
        is_leader = member.member_id == group.leader_id
        if is_same and group.state is GroupState.STABLE and not is_leader:
            return answered(joined(group, member))
        # A leader joins again when what it divides has changed: more partitions, for instance. It need not say so.
        reply: Promise[JoinGroupResponse] = Promise()
        _update(group, member, request, caller)
        member.wait_for_join(reply)
        reason = f"member {member.member_id} joins again{_client_reason(request.reason)}"
        return Outcome(self._rebalances.prepare_or_continue(group, reason, now_ms), reply)

    def _replace_static(
        self, group: ClassicGroup, request: JoinGroupRequest, caller: Caller, ids: tuple[str, str], now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        """A static member came back without its id: it goes on in its old place under a new one."""
        old_id, new_id = ids
        old_leader = group.leader_id
        member = group.replace_static(old_id, new_id)
        self._rebalances.end_session(group, old_id)
        self._rebalances.restart_session(group, member, now_ms)
        before = (member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
        reply: Promise[JoinGroupResponse] = Promise()
        _update(group, member, request, caller)
        member.wait_for_join(reply)
        if group.state is GroupState.COMPLETING_REBALANCE:
            # The leader may be dividing for the old id already.
            reason = f"static member {new_id} replaces {old_id}{_client_reason(request.reason)}"
            return Outcome(self._rebalances.prepare(group, reason, now_ms), reply)
        if group.state is GroupState.PREPARING_REBALANCE:
            return Outcome(self._rebalances.maybe_complete_join(group, now_ms), reply)
        if group.select_protocol() != group.protocol:
            reason = f"static member {new_id} changes the protocol{_client_reason(request.reason)}"
            return Outcome(self._rebalances.prepare_or_continue(group, reason, now_ms), reply)

        def appended(error: KafkaError | None) -> None:
            if member.waiting_join is not reply:
                return  # something else answered it meanwhile
            if error is not None:
                log.warning("static member %s of group %s cannot be replaced: %s", old_id, group.group_id, error)
                member.waiting_join = None
                protocols, member.rebalance_timeout_ms, member.session_timeout_ms = before
                group.change_protocols(member, protocols)
                self._rebalances.restart_session(group, group.replace_static(new_id, old_id), now_ms)
                self._rebalances.end_session(group, new_id)
                reply.set(JoinGroupResponse(error_code=append_error(error)))
                return
            response = joined(group, member)
            if caller.api_version >= _SKIP_ASSIGNMENT_SINCE:
                response.skip_assignment = member.member_id == group.leader_id
            else:
                # An older client that finds itself the leader would divide anew: let it believe it follows.
                response.leader, response.members = old_leader or "", []
            member.answer_join(response)

        record = group_record(group.group_id, group.snapshot(group.assignments), now_ms)
        return Outcome([record], reply, appended)

    # Syncing

    def sync(self, request: SyncGroupRequest, caller: Caller, now_ms: int) -> Outcome[SyncGroupResponse]:
        """Park the member until the leader has divided the work; the leader's own SyncGroup brings it."""
        try:
            group, member = self._check_sync(request)
        except KafkaError as error:
            return answered(SyncGroupResponse(error_code=error.code))
        self._rebalances.note_sync(group, member.member_id)
        if group.state is GroupState.STABLE:
            return answered(synced(group, member))
        reply: Promise[SyncGroupResponse] = Promise()
        member.wait_for_sync(reply)
        if member.member_id != group.leader_id:
            return Outcome([], reply)
        assignments = {a.member_id: bytes(a.assignment) for a in request.assignments}
        generation = group.generation

        def appended(error: KafkaError | None) -> None:
            if group.state is not GroupState.COMPLETING_REBALANCE or group.generation != generation:
                return  # the next rebalance began meanwhile, and has answered everybody
            if error is None:
                self._rebalances.hand_out(group, assignments, now_ms)
                group.transition_to(GroupState.STABLE, now_ms)
                return
            self._rebalances.refuse_syncs(group, append_error(error), now_ms)
            self._rebalances.prepare_or_continue(group, f"the assignment could not be written: {error}", now_ms)

        return Outcome([group_record(group.group_id, group.snapshot(assignments), now_ms)], reply, appended)

    def _check_sync(self, request: SyncGroupRequest) -> tuple[ClassicGroup, Member]:
        group = self._find(request.group_id)
        member = group.check_member(request.member_id, request.group_instance_id)
        group.check_generation(request.generation_id)
        for asked, actual in ((request.protocol_type, group.protocol_type), (request.protocol_name, group.protocol)):
            if asked is not None and actual is not None and asked != actual:
                why = f"group {group.group_id} divides by {actual}, not {asked}; join it again"
                raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, why)
        if group.state is GroupState.PREPARING_REBALANCE:
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, f"group {group.group_id} is rebalancing; join it again")
        return group, member

    # Heartbeats

    def heartbeat(self, request: HeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[HeartbeatResponse]:
        """Count the member's session from now, and tell it if it has to join again."""
        try:
            group = self._find(request.group_id)
            member = group.check_member(request.member_id, request.group_instance_id)
            group.check_generation(request.generation_id)
        except KafkaError as error:
            return answered(HeartbeatResponse(error_code=error.code))
        self._rebalances.restart_session(group, member, now_ms)
        is_rebalancing = group.state is GroupState.PREPARING_REBALANCE
        return answered(HeartbeatResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS if is_rebalancing else 0))

    # Leaving

    def leave(self, request: LeaveGroupRequest, caller: Caller, now_ms: int) -> Outcome[LeaveGroupResponse]:
        """Drop the members at once, and let the others rebalance. Each member named has its own error (v3+)."""
        is_batch = caller.api_version >= BATCHES_SINCE
        named = request.members if is_batch else [MemberIdentity(member_id=request.member_id)]
        try:
            group = self._find(request.group_id)
        except KafkaError as error:
            if error.code is not ErrorCode.UNKNOWN_MEMBER_ID or not is_batch:
                return answered(LeaveGroupResponse(error_code=error.code))
            members = [MemberResponse(m.member_id, m.group_instance_id, error.code) for m in named]
            return answered(LeaveGroupResponse(members=members))
        left: list[str] = []
        results = [MemberResponse(m.member_id, m.group_instance_id, self._remove(group, m, left)) for m in named]
        records: list[Record] = []
        if left:
            if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
                reason = f"members left: {', '.join(left)}"
                records = self._rebalances.prepare_or_continue(group, reason, now_ms)
            elif group.state is GroupState.PREPARING_REBALANCE:
                records = self._rebalances.maybe_complete_join(group, now_ms)
        if is_batch:
            response = LeaveGroupResponse(members=results)
        else:
            response = LeaveGroupResponse(error_code=results[0].error_code)
        return once_appended(records, response, lambda code: LeaveGroupResponse(error_code=code))

    def _remove(self, group: ClassicGroup, named: MemberIdentity, left: list[str]) -> ErrorCode:
        member_id = named.member_id
        if member_id not in group.pending_joins:
            try:
                if member_id == NO_MEMBER_ID and named.group_instance_id is not None:
                    # An administrator removes a static member, whose id it does not know.
                    member_id = group.static_members.get(named.group_instance_id, NO_MEMBER_ID)
                group.check_member(member_id, named.group_instance_id)
            except KafkaError as error:
                return error.code
        log.info("member %s leaves group %s%s", member_id, group.group_id, _client_reason(named.reason))
        self._rebalances.end_session(group, member_id)
        group.remove(member_id)
        left.append(member_id)
        return ErrorCode.NONE

    def _find(self, group_id: str) -> ClassicGroup:
        if not group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID, "the group id is empty; name a group")
        group = self._groups.get(group_id)
        if group is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"there is no group {group_id}; join it first")
        group.check_alive()
        return group


def _refuse_join(error: ErrorCode, member_id: str) -> Outcome[JoinGroupResponse]:
    return answered(JoinGroupResponse(error_code=error, member_id=member_id))


def _update(group: ClassicGroup, member: Member, request: JoinGroupRequest, caller: Caller) -> None:
    group.change_protocols(member, protocols_of(request.protocols))
    member.rebalance_timeout_ms = _rebalance_timeout_ms(request, caller)
    member.session_timeout_ms = request.session_timeout_ms


def _rebalance_timeout_ms(request: JoinGroupRequest, caller: Caller) -> int:
    return request.session_timeout_ms if caller.api_version == 0 else request.rebalance_timeout_ms


def _client_reason(reason: str | None) -> str:
    return f"; the client says: {reason}" if reason else ""
