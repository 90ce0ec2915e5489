"""Members of the classic protocol in a consumer group: they join, sync and beat as ever, and the coordinator divides.

Such a member's generation is its member epoch. It joins when a heartbeat tells it to, says with its subscription what
it owns, and a join brings it one step nearer to what it is to have; the sync tells it what that is. Apache:
GroupMetadataManager's `classicGroup*ToConsumerGroup`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.group import CONSUMER_PROTOCOL_TYPE, NO_MEMBER_ID
from kafkapy.coordinator.classic.membership import BATCHES_SINCE, ID_FIRST_SINCE
from kafkapy.coordinator.consumer.assignment import Target
from kafkapy.coordinator.consumer.embedded_protocol import (
    MalformedError,
    read_subscription,
    version_of,
    write_assignment,
)
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.member import ConsumerMember, MemberState
from kafkapy.coordinator.consumer.membership import ConsumerMembership, Joined, find_static
from kafkapy.coordinator.consumer.migration import Migration
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext, MigrationPolicy
from kafkapy.coordinator.outcome import Appended, Outcome, answered, append_error
from kafkapy.coordinator.promise import Promise
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
from kafkapy.protocol.records.consumer_protocol import ConsumerProtocolSubscription
from kafkapy.protocol.records.groups import ClassicMemberMetadata, ClassicProtocol

log = logging.getLogger(__name__)


class ClassicMembers:
    """The classic protocol's requests to the consumer groups of one shard."""

    def __init__(self, context: ConsumerGroupContext, membership: ConsumerMembership, migration: Migration) -> None:
        self._context = context
        self._membership = membership
        self._deadlines = membership.deadlines
        self._migration = migration

    # Joining

    def join(
        self, group: ConsumerGroup, request: JoinGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        """Join a group that has members, or join it again; the answer does not wait for anybody."""
        try:
            return self._join(group, request, caller, now_ms)
        except KafkaError as error:
            return answered(JoinGroupResponse(error_code=error.code))

    def _join(
        self, group: ConsumerGroup, request: JoinGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[JoinGroupResponse]:
        if self._context.config.migration_policy is MigrationPolicy.DISABLED:
            why = f"group {group.group_id} is a consumer group, and may not have members of both protocols"
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, why)
        is_unknown = request.member_id == NO_MEMBER_ID
        member_id = self._context.new_member_id() if is_unknown else request.member_id
        self._membership.check_room(group, member_id)
        _check_protocols(group, request)
        if is_unknown and request.group_instance_id is None and caller.api_version >= ID_FIRST_SINCE:
            return answered(JoinGroupResponse(error_code=ErrorCode.MEMBER_ID_REQUIRED, member_id=member_id))
        subscription = _subscription(request)
        owned = self._owned(subscription)
        before, records = self._member_of(group, request, member_id, now_ms)
        holder = None if request.group_instance_id is None else group.find_static(request.group_instance_id)
        downgrades = holder is not None and self._migration.can_downgrade_replacing(group, holder)
        after = _as_asked(before, request, subscription, caller)
        update = self._membership.subscriptions.note_member(group, before, after, now_ms)
        change = self._membership.subscriptions.next_epoch(
            group, after, update, bumps=update.has_resubscribed, now_ms=now_ms
        )
        records += update.records
        if downgrades:
            return self._join_downgrading(group, request, change.epoch, records, (after, owned), now_ms)
        target, assigned = self._membership.assign(group, change, now_ms)
        after, moved = self._membership.reconcile(
            group, after, target, owned, has_resubscribed=update.has_resubscribed, now_ms=now_ms
        )

        def joined() -> None:
            self._deadlines.end_join(group.group_id, after.member_id)
            self._deadlines.restart_session(group.group_id, after.member_id, request.session_timeout_ms, now_ms)
            self._deadlines.await_sync(group.group_id, after, now_ms)

        return _joined_once_appended([*records, *assigned, *moved], after, joined)

    def _member_of(self, group: ConsumerGroup, request: JoinGroupRequest, member_id: str, now_ms: int) -> Joined:
        instance_id = request.group_instance_id
        if instance_id is None:
            return Joined(group.members.get(member_id) or ConsumerMember(member_id), [])
        if request.member_id == NO_MEMBER_ID:
            return self._membership.join_static(group, member_id, instance_id, is_classic=True, now_ms=now_ms)
        return Joined(find_static(group, member_id, instance_id), [])

    def _join_downgrading(
        self,
        group: ConsumerGroup,
        request: JoinGroupRequest,
        epoch: int,
        records: list[Record],
        members: tuple[ConsumerMember, Partitions],
        now_ms: int,
    ) -> Outcome[JoinGroupResponse]:
        """The last member of the consumer protocol is replaced: the group is a classic one from here on."""
        after, owned = members
        reason = None
        if group.assignment_epoch < epoch:
            reason = f"Downgrade group {group.group_id} from consumer to classic with stale assignment."
        else:
            # Had it other wishes than the one it replaces, the group's epoch would have moved on.
            partitions = group.target_of_instance(after.member_id, after.instance_id)
            target = Target(group.assignment_epoch, partitions)
            after, moved = self._membership.reconcile(
                group, after, target, owned, has_resubscribed=False, now_ms=now_ms
            )
            records += moved
        holder_id = group.static_members[request.group_instance_id or ""]
        staying = [member for member_id, member in group.members.items() if member_id != holder_id]
        downgrade, downgraded = self._migration.downgrade(group, staying, after, reason, now_ms)
        appended = self._membership.ended_with(group, downgraded)
        return _joined_once_appended([*records, *downgrade], after, lambda: None, appended)

    def _owned(self, subscription: ConsumerProtocolSubscription) -> Partitions:
        owned: dict[UUID, Collection[int]] = {}
        for one in subscription.owned_partitions:
            topic = self._context.topics.by_name(one.topic)
            if topic is not None:
                owned[topic.topic_id] = one.partitions
        return owned

    # Syncing

    def sync(self, group: ConsumerGroup, request: SyncGroupRequest, now_ms: int) -> Outcome[SyncGroupResponse]:
        """The member's part, as the coordinator divided it."""
        try:
            member, metadata = self._check_sync(group, request, now_ms)
            assignment = write_assignment(member.assigned, self._context.topics, version_of(metadata.protocol.metadata))
        except KafkaError as error:
            return answered(SyncGroupResponse(error_code=error.code))
        self._deadlines.end_sync(group.group_id, member.member_id)
        self._deadlines.restart_session(group.group_id, member.member_id, metadata.session_timeout_ms, now_ms)
        return answered(
            SyncGroupResponse(
                protocol_type=request.protocol_type, protocol_name=request.protocol_name, assignment=assignment
            )
        )

    def _check_sync(
        self, group: ConsumerGroup, request: SyncGroupRequest, now_ms: int
    ) -> tuple[ConsumerMember, _Classic]:
        member = _find(group, request.member_id, request.group_instance_id)
        metadata = _classic_of(member)
        _check_generation(member, request.generation_id)
        for asked, actual in (
            (request.protocol_type, CONSUMER_PROTOCOL_TYPE),
            (request.protocol_name, metadata.protocol.name),
        ):
            if asked is not None and asked != actual:
                why = f"member {member.member_id} of group {group.group_id} joined under {actual}, not {asked}"
                raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, why)
        # A member that has partitions to give back has joined already: it must do that first.
        if group.assignment_epoch > member.member_epoch and member.state is not MemberState.UNREVOKED_PARTITIONS:
            self._deadlines.await_join(group.group_id, member, now_ms)
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, f"group {group.group_id} is rebalancing; join it again")
        return member, metadata

    # Heartbeats

    def heartbeat(self, group: ConsumerGroup, request: HeartbeatRequest, now_ms: int) -> Outcome[HeartbeatResponse]:
        """Count the member's session from now, and tell it to join again if that brings it nearer to its part."""
        try:
            member = _find(group, request.member_id, request.group_instance_id)
            metadata = _classic_of(member)
            _check_generation(member, request.generation_id)
        except KafkaError as error:
            return answered(HeartbeatResponse(error_code=error.code))
        self._deadlines.restart_session(group.group_id, member.member_id, metadata.session_timeout_ms, now_ms)
        waits_no_more = member.state is MemberState.UNRELEASED_PARTITIONS and not group.waits_for_partitions(member)
        must_revoke = member.state is MemberState.UNREVOKED_PARTITIONS
        if member.member_epoch < group.assignment_epoch or must_revoke or waits_no_more:
            self._deadlines.await_join(group.group_id, member, now_ms)
            return answered(HeartbeatResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
        return answered(HeartbeatResponse())

    # Leaving

    def leave(
        self, group: ConsumerGroup, request: LeaveGroupRequest, caller: Caller, now_ms: int
    ) -> Outcome[LeaveGroupResponse]:
        """Drop members of either protocol; each that is named has its own error."""
        is_batch = caller.api_version >= BATCHES_SINCE
        named = request.members if is_batch else [MemberIdentity(member_id=request.member_id)]
        leaving: dict[str, ConsumerMember] = {}
        results = []
        for one in named:
            code = ErrorCode.NONE
            try:
                member = _find_leaving(group, one)
                leaving[member.member_id] = member
                log.info("member %s leaves group %s", member.member_id, group.group_id)
            except KafkaError as error:
                code = error.code
            results.append(MemberResponse(one.member_id, one.group_instance_id, code))
        response = (
            LeaveGroupResponse(members=results) if is_batch else LeaveGroupResponse(error_code=results[0].error_code)
        )
        records, then = self._membership.fence(group, list(leaving.values()), now_ms)
        if not records:
            return answered(response)
        reply: Promise[LeaveGroupResponse] = Promise()

        def appended(error: KafkaError | None) -> None:
            if then is not None:
                then(error)
            reply.set(response if error is None else LeaveGroupResponse(error_code=append_error(error)))

        return Outcome(records, reply, appended)


class _Classic:
    """What a member of the classic protocol said when it joined: its session timeout, and the protocol it speaks."""

    def __init__(self, metadata: ClassicMemberMetadata) -> None:
        self.session_timeout_ms = metadata.session_timeout_ms
        self.protocol = metadata.supported_protocols[0]


def _classic_of(member: ConsumerMember) -> _Classic:
    if member.classic is None:
        why = f"Member {member.member_id} does not use the classic protocol."
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
    return _Classic(member.classic)


def _find(group: ConsumerGroup, member_id: str, instance_id: str | None) -> ConsumerMember:
    return group.find(member_id) if instance_id is None else find_static(group, member_id, instance_id)


def _find_leaving(group: ConsumerGroup, named: MemberIdentity) -> ConsumerMember:
    member_id = named.member_id
    if member_id == NO_MEMBER_ID and named.group_instance_id is not None:
        # An administrator removes a static member, whose id it does not know.
        member_id = group.static_members.get(named.group_instance_id, NO_MEMBER_ID)
    return _find(group, member_id, named.group_instance_id)


def _check_generation(member: ConsumerMember, generation: int) -> None:
    if generation != member.member_epoch:
        why = f"member {member.member_id} is at generation {member.member_epoch}, not {generation}; join again"
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION, why)


def _check_protocols(group: ConsumerGroup, request: JoinGroupRequest) -> None:
    """Raise KafkaError(INCONSISTENT_GROUP_PROTOCOL) unless all classic members share a protocol with this one."""
    classic = [member.classic for member in group.members.values() if member.classic is not None]
    known = Counter(protocol.name for metadata in classic for protocol in metadata.supported_protocols)
    names = [protocol.name for protocol in request.protocols]
    shares_one = any(known[name] == len(classic) for name in names)
    if request.protocol_type != CONSUMER_PROTOCOL_TYPE or not shares_one:
        why = f"the protocols {', '.join(names)} are not those of group {group.group_id}"
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, why)


def _subscription(request: JoinGroupRequest) -> ConsumerProtocolSubscription:
    try:
        return read_subscription(request.protocols[0].metadata)
    except MalformedError as error:
        why = f"what member {request.member_id!r} says under {request.protocols[0].name} cannot be read: {error}"
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why) from error


def _as_asked(
    member: ConsumerMember, request: JoinGroupRequest, subscription: ConsumerProtocolSubscription, caller: Caller
) -> ConsumerMember:
    # JoinGroup v0 has no rebalance timeout of its own.
    timeout_ms = request.session_timeout_ms if caller.api_version == 0 else request.rebalance_timeout_ms
    return replace(
        member,
        instance_id=request.group_instance_id or member.instance_id,
        rack_id=subscription.rack_id or member.rack_id,
        rebalance_timeout_ms=member.rebalance_timeout_ms if timeout_ms < 0 else timeout_ms,
        subscribed_topic_names=frozenset(subscription.topics),
        subscribed_topic_regex="",
        client_id=caller.client_id,
        client_host=caller.client_host,
        classic=ClassicMemberMetadata(
            request.session_timeout_ms,
            [ClassicProtocol(protocol.name, bytes(protocol.metadata)) for protocol in request.protocols],
        ),
    )


def _joined_once_appended(
    records: list[Record], member: ConsumerMember, joined: Callable[[], None], then: Appended | None = None
) -> Outcome[JoinGroupResponse]:
    assert member.classic is not None, "it just joined by the classic protocol"
    response = JoinGroupResponse(
        member_id=member.member_id,
        generation_id=member.member_epoch,
        protocol_type=CONSUMER_PROTOCOL_TYPE,
        protocol_name=member.classic.supported_protocols[0].name,
    )
    reply: Promise[JoinGroupResponse] = Promise()

    def appended(error: KafkaError | None) -> None:
        if then is not None:
            then(error)
        if error is not None:
            reply.set(JoinGroupResponse(error_code=append_error(error)))
            return
        joined()
        reply.set(response)

    return Outcome(records, reply, appended)
