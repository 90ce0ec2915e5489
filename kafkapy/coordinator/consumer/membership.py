"""What members of the consumer protocol ask of a group: to join, to be seen alive and told their part, to leave.

A heartbeat does it all (KIP-848): it writes down what is new of the member, moves the group's epoch on if topics or
wishes are others, assigns anew if that is due, and brings the member one step nearer to what it is to have. Answers are
responses, never exceptions. Apache: GroupMetadataManager.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.group import ClassicGroup, GroupState
from kafkapy.coordinator.consumer.assignment import Change, Target, assign
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.groups import ConsumerGroups
from kafkapy.coordinator.consumer.member import (
    JOINING,
    LEAVING,
    LEAVING_FOR_A_WHILE,
    ConsumerMember,
    MemberState,
)
from kafkapy.coordinator.consumer.migration import Migration
from kafkapy.coordinator.consumer.reconciliation import Aim, reconcile
from kafkapy.coordinator.consumer.records import current_record, member_record, member_tombstones, target_record
from kafkapy.coordinator.consumer.request import as_asked, check_epoch, check_request, owned_in, tells_all
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext
from kafkapy.coordinator.consumer.subscriptions import RegexChange, Subscriptions
from kafkapy.coordinator.deadlines import Deadlines
from kafkapy.coordinator.outcome import Appended, Outcome, answered, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.records import group_record
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    HeartbeatAssignment,
    HeartbeatTopicPartitions,
)

log = logging.getLogger(__name__)


class Joined(NamedTuple):
    """A member as it asks to be, before anything is written; of a static one, what it takes over."""

    member: ConsumerMember
    records: list[Record]


class ConsumerMembership:
    """The heartbeats of one shard's consumer groups, and the members that are fenced."""

    def __init__(
        self,
        context: ConsumerGroupContext,
        timers: Timers,
        groups: ConsumerGroups,
        classic_groups: dict[str, ClassicGroup],
        migration: Migration,
    ) -> None:
        self._context = context
        self._groups = groups
        self._classic_groups = classic_groups
        self._migration = migration
        self.subscriptions = Subscriptions(context, timers, groups)
        self.deadlines = Deadlines("consumer", timers, self._fence_by_deadline, self._epoch_of)

    def loaded(self, now_ms: int) -> None:
        """Members keep their epochs, and their deadlines start over now."""
        for group in self._groups.all():
            timeout_ms = self._context.settings_of(group.group_id).session_timeout_ms
            for member in group.members.values():
                self.deadlines.restart_session(group.group_id, member.member_id, timeout_ms, now_ms)
                if member.state is MemberState.UNREVOKED_PARTITIONS:
                    self.deadlines.await_revocation(group.group_id, member, now_ms)

    def unload(self) -> None:
        """Nobody is fenced here any more."""
        for group in self._groups.all():
            for member_id in group.members:
                self.deadlines.end_all(group.group_id, member_id)

    # Heartbeats

    def heartbeat(
        self, request: ConsumerGroupHeartbeatRequest, caller: Caller, now_ms: int
    ) -> Outcome[ConsumerGroupHeartbeatResponse]:
        """Join, stay or leave, as the request's member epoch says."""
        try:
            check_request(request, caller.api_version, self._context.config.assignors)
            if request.member_epoch in (LEAVING, LEAVING_FOR_A_WHILE):
                return self._leave(request, now_ms)
            return self._beat(request, caller, now_ms)
        except KafkaError as error:
            return answered(ConsumerGroupHeartbeatResponse(error_code=error.code, error_message=error.why))

    def _beat(
        self, request: ConsumerGroupHeartbeatRequest, caller: Caller, now_ms: int
    ) -> Outcome[ConsumerGroupHeartbeatResponse]:
        group, records = self._group_of(request, now_ms)
        self.check_room(group, request.member_id)
        member_id = request.member_id or self._context.new_member_id()
        owned = owned_in(request)
        before, taken_over = self._member_of(group, request, member_id, owned, now_ms)
        records += taken_over
        after = as_asked(before, request, caller)
        update = self.subscriptions.note_member(group, before, after, now_ms)
        # A regular expression that was not matched yet moves the group on when it is.
        bumps = update.names_changed or update.regex_change is RegexChange.RESOLVED
        change = self.subscriptions.next_epoch(group, after, update, bumps=bumps, now_ms=now_ms)
        target, assigned = self.assign(group, change, now_ms)
        after, moved = self.reconcile(
            group, after, target, owned, has_resubscribed=update.has_resubscribed, now_ms=now_ms
        )
        records += [*update.records, *assigned, *moved]
        settings = self._context.settings_of(group.group_id)
        self.deadlines.restart_session(group.group_id, member_id, settings.session_timeout_ms, now_ms)
        response = ConsumerGroupHeartbeatResponse(
            member_id=after.member_id,
            member_epoch=after.member_epoch,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
        )
        if tells_all(request) or before.assigned != after.assigned:
            response.assignment = HeartbeatAssignment(
                [HeartbeatTopicPartitions(topic_id, list(found)) for topic_id, found in after.assigned.items()]
            )
        return _told_once_appended(records, response)

    def _group_of(self, request: ConsumerGroupHeartbeatRequest, now_ms: int) -> tuple[ConsumerGroup, list[Record]]:
        """The group, and what makes it one: a member that joins founds it, or brings a classic group over.

        Raises KafkaError(GROUP_ID_NOT_FOUND).
        """
        group = self._groups.get(request.group_id)
        if group is not None:
            return group, []
        classic = self._classic_groups.get(request.group_id)
        if request.member_epoch != JOINING:
            what = f"Consumer group {request.group_id} not found."
            why = what if classic is None else f"Group {request.group_id} is not a consumer group."
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, why)
        if classic is None:
            return ConsumerGroup(request.group_id), []
        classic.check_alive()
        if classic.state is GroupState.EMPTY:
            return ConsumerGroup(request.group_id), [group_record(request.group_id, None, now_ms)]
        return self._upgraded(classic, now_ms)

    def _upgraded(self, classic: ClassicGroup, now_ms: int) -> tuple[ConsumerGroup, list[Record]]:
        group, records = self._migration.upgrade(classic, now_ms)
        for member in group.members.values():
            assert member.classic is not None, "an upgraded group has only members of the classic protocol"
            timeout_ms = member.classic.session_timeout_ms
            self.deadlines.restart_session(group.group_id, member.member_id, timeout_ms, now_ms)
        return group, records

    def _member_of(
        self,
        group: ConsumerGroup,
        request: ConsumerGroupHeartbeatRequest,
        member_id: str,
        owned: Partitions | None,
        now_ms: int,
    ) -> Joined:
        is_joining = request.member_epoch == JOINING
        if request.instance_id is None:
            member = group.members.get(member_id) if is_joining else group.find(member_id)
            member = member or ConsumerMember(member_id)
            check_epoch(member, request.member_epoch, owned)
            return Joined(member, [])
        if is_joining:
            return self.join_static(group, member_id, request.instance_id, is_classic=False, now_ms=now_ms)
        member = find_static(group, member_id, request.instance_id)
        check_epoch(member, request.member_epoch, owned)
        return Joined(member, [])

    # What classic members of a consumer group need too

    def check_room(self, group: ConsumerGroup, member_id: str) -> None:
        """Raise KafkaError(GROUP_MAX_SIZE_REACHED) for a new member of a full group."""
        most = self._context.config.max_size
        if len(group.members) >= most and member_id not in group.members:
            why = f"The consumer group has reached its maximum capacity of {most} members."
            raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, why)

    def join_static(
        self, group: ConsumerGroup, member_id: str, instance_id: str, *, is_classic: bool, now_ms: int
    ) -> Joined:
        """A static member joins: a new one, or in the place of the one that had its instance id.

        Raises KafkaError(UNRELEASED_INSTANCE_ID) while that one, also of the consumer protocol, has not left.
        """
        holder = group.find_static(instance_id)
        if holder is None:
            return Joined(group.members.get(member_id) or ConsumerMember(member_id), [])
        both_consumers = not is_classic and not holder.uses_classic_protocol
        if both_consumers and holder.member_epoch != LEAVING_FOR_A_WHILE:
            why = (
                f"Static member {member_id} with instance id {instance_id} cannot join the group because the instance "
                f"id is owned by {holder.member_id} member."
            )
            raise KafkaError(ErrorCode.UNRELEASED_INSTANCE_ID, why)
        member = replace(holder, member_id=member_id, member_epoch=0, previous_member_epoch=0)
        records = [
            *member_tombstones(group.group_id, holder.member_id, now_ms),
            member_record(group.group_id, member, now_ms),
            target_record(group.group_id, member_id, group.target_of(holder.member_id), now_ms),
            current_record(group.group_id, member, now_ms),
        ]
        log.info("member %s of group %s takes the place of %s", member_id, group.group_id, holder.member_id)
        return Joined(member, records)

    def assign(self, group: ConsumerGroup, change: Change, now_ms: int) -> tuple[Target, list[Record]]:
        """Where the changing member is to go; see `assignment`."""
        assignor = group.preferred_assignor(change.member) or self._context.config.assignors[0]
        interval_ms = self._context.settings_of(group.group_id).assignment_interval_ms
        return assign(group, change, self._context.topics, assignor, interval_ms, now_ms)

    def reconcile(
        self,
        group: ConsumerGroup,
        member: ConsumerMember,
        target: Target,
        owned: Partitions | None,
        *,
        has_resubscribed: bool,
        now_ms: int,
    ) -> tuple[ConsumerMember, list[Record]]:
        """Bring the member one step nearer to its target; see `reconciliation`."""
        if not has_resubscribed and member.is_reconciled_to(target.epoch):
            return member, []
        subscribed = group.topic_ids_of(member, self._context.topics)
        aim = Aim(target.epoch, target.partitions, subscribed, group.is_owned)
        after = reconcile(member, aim, owned, has_resubscribed=has_resubscribed)
        if after == member:
            return member, []
        if not after.uses_classic_protocol:
            if after.state is MemberState.UNREVOKED_PARTITIONS:
                self.deadlines.await_revocation(group.group_id, after, now_ms)
            else:
                self.deadlines.end_revocation(group.group_id, after.member_id)
        return after, [current_record(group.group_id, after, now_ms)]

    # Leaving

    def _leave(self, request: ConsumerGroupHeartbeatRequest, now_ms: int) -> Outcome[ConsumerGroupHeartbeatResponse]:
        group = self._groups.find(request.group_id)
        response = ConsumerGroupHeartbeatResponse(member_id=request.member_id, member_epoch=request.member_epoch)
        if request.instance_id is None:
            member = group.find(request.member_id)
        else:
            member = find_static(group, request.member_id, request.instance_id)
            if request.member_epoch == LEAVING_FOR_A_WHILE:
                log.info("static member %s of group %s is away", member.member_id, group.group_id)
                return _told_once_appended([current_record(group.group_id, _away(member), now_ms)], response)
        log.info("member %s leaves group %s", member.member_id, group.group_id)
        records, appended = self.fence(group, [member], now_ms)
        return _told_once_appended(records, response, appended)

    def fence(
        self, group: ConsumerGroup, members: Collection[ConsumerMember], now_ms: int
    ) -> tuple[list[Record], Appended | None]:
        """Drop members; if only classic ones stay, the group may become a classic one."""
        if not members:
            return [], None
        group_id = group.group_id
        if self._migration.can_downgrade(group, members):
            gone = {member.member_id for member in members}
            staying = [member for member_id, member in group.members.items() if member_id not in gone]
            reason = f"Downgrade group {group_id} from consumer to classic for member leaving."
            records, downgraded = self._migration.downgrade(group, staying, None, reason, now_ms)
            return records, self.ended_with(group, downgraded)
        records = [one for member in members for one in member_tombstones(group_id, member.member_id, now_ms)]
        records += self.subscriptions.without(group, members, now_ms)
        for member in members:
            self.deadlines.end_all(group_id, member.member_id)
        return records, None

    def ended_with(self, group: ConsumerGroup, downgraded: Appended) -> Appended:
        """The deadlines of a group that becomes a classic one end when it does."""
        member_ids = list(group.members)

        def appended(error: KafkaError | None) -> None:
            if error is None:
                for member_id in member_ids:
                    self.deadlines.end_all(group.group_id, member_id)
            downgraded(error)

        return appended

    def _fence_by_deadline(self, group_id: str, member_id: str, why: str, now_ms: int) -> Outcome[None]:
        group = self._groups.get(group_id)
        member = None if group is None else group.members.get(member_id)
        if group is None or member is None:
            return answered(None)
        log.info("member %s of group %s is fenced: %s", member_id, group_id, why)
        records, appended = self.fence(group, [member], now_ms)
        return Outcome(records, Promise.of(None), appended)

    def _epoch_of(self, group_id: str, member_id: str) -> int | None:
        group = self._groups.get(group_id)
        member = None if group is None else group.members.get(member_id)
        return None if member is None else member.member_epoch


def find_static(group: ConsumerGroup, member_id: str, instance_id: str) -> ConsumerMember:
    """The static member. Raises KafkaError: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another has its instance id."""
    member = group.find_static(instance_id)
    if member is None:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
    if member.member_id != member_id:
        why = f"Static member {member_id} with instance id {instance_id} was fenced by member {member.member_id}."
        raise KafkaError(ErrorCode.FENCED_INSTANCE_ID, why)
    return member


def _away(member: ConsumerMember) -> ConsumerMember:
    """A static member that will be back, with what it has: got in no epoch, for its successor counts anew."""
    kept = {topic_id: dict.fromkeys(found, 0) for topic_id, found in member.assigned.items()}
    return replace(member, member_epoch=LEAVING_FOR_A_WHILE, assigned=kept, pending_revocation={})


def _told_once_appended(
    records: list[Record], response: ConsumerGroupHeartbeatResponse, then: Appended | None = None
) -> Outcome[ConsumerGroupHeartbeatResponse]:
    if not records:
        return answered(response)
    reply: Promise[ConsumerGroupHeartbeatResponse] = Promise()

    def appended(error: KafkaError | None) -> None:
        if then is not None:
            then(error)
        code = ErrorCode.NONE if error is None else append_error(error)
        reply.set(response if error is None else ConsumerGroupHeartbeatResponse(error_code=code))

    return Outcome(records, reply, appended)
