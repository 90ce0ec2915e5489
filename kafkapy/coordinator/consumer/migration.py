"""A group changes its protocol while it has members: classic to consumer when the first member of the new protocol
joins, and back when the last one leaves (KIP-848).

What members have stays theirs: assignments are carried over, and a rebalance follows. Apache: GroupMetadataManager's
`convertToConsumerGroup` and `convertToClassicGroup`, `ConsumerGroup.fromClassicGroup`,
`ClassicGroup.fromConsumerGroup`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from uuid import UUID

from kafkapy.coordinator.classic.group import CONSUMER_PROTOCOL_TYPE, ClassicGroup, GroupState
from kafkapy.coordinator.classic.member import Member, MemberProtocol
from kafkapy.coordinator.classic.rebalance import GroupConfig, Rebalances
from kafkapy.coordinator.consumer.embedded_protocol import (
    MalformedError,
    read_assignment,
    read_subscription,
    version_of,
    write_assignment,
)
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.groups import tombstones
from kafkapy.coordinator.consumer.member import ConsumerMember, at_epoch
from kafkapy.coordinator.consumer.records import (
    assignment_record,
    current_record,
    epoch_record,
    group_tombstones,
    member_record,
    target_record,
)
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext
from kafkapy.coordinator.known_topics import KnownTopics, group_hash
from kafkapy.coordinator.outcome import Appended
from kafkapy.coordinator.records import group_record
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.join_group import JoinGroupResponse
from kafkapy.protocol.messages.sync_group import SyncGroupResponse
from kafkapy.protocol.records.groups import ClassicMemberMetadata, ClassicProtocol

log = logging.getLogger(__name__)


class Migration:
    """Makes consumer groups of classic ones, and the other way around."""

    def __init__(
        self,
        config: GroupConfig,
        context: ConsumerGroupContext,
        rebalances: Rebalances,
        classic_groups: dict[str, ClassicGroup],
    ) -> None:
        self._config = config
        self._context = context
        self._rebalances = rebalances
        self._classic_groups = classic_groups

    def upgrade(self, classic: ClassicGroup, now_ms: int) -> tuple[ConsumerGroup, list[Record]]:
        """The consumer group that the classic one becomes, and the records that make it so.

        Members that wait for the classic group are told to join again. Raises KafkaError(GROUP_ID_NOT_FOUND) if the
        group may not or cannot be upgraded.
        """
        self._check_upgrade(classic)
        try:
            group = _consumer_group(classic, self._context.topics)
        except MalformedError as error:
            raise _not_upgraded(classic, f"the embedded consumer protocol is malformed: {error}") from error
        for member in classic.members.values():
            member.answer_join(
                JoinGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS, member_id=member.member_id)
            )
            member.answer_sync(SyncGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
        group_id, members = group.group_id, group.members.values()
        records = [group_record(group_id, None, now_ms)]
        records += [member_record(group_id, member, now_ms) for member in members]
        records.append(epoch_record(group_id, group.epoch, group.metadata_hash, now_ms))
        records += [target_record(group_id, member_id, found, now_ms) for member_id, found in group.targets.items()]
        records.append(assignment_record(group_id, group.assignment_epoch, group.assigned_at_ms, now_ms))
        records += [current_record(group_id, member, now_ms) for member in members]
        log.info("group %s becomes a consumer group in epoch %d", group_id, group.epoch)
        return group, records

    def _check_upgrade(self, classic: ClassicGroup) -> None:
        if not self._context.config.migration_policy.allows_upgrade:
            raise _not_upgraded(classic, "online upgrade is disabled")
        if classic.protocol_type != CONSUMER_PROTOCOL_TYPE:
            raise _not_upgraded(classic, "the group does not use the consumer embedded protocol")
        if len(classic.members) > self._context.config.max_size:
            raise _not_upgraded(classic, "the group size exceeds the consumer group maximum size")

    def can_downgrade(self, group: ConsumerGroup, leaving: Collection[ConsumerMember]) -> bool:
        """Whether only members of the classic protocol stay, at least one, and the group may become theirs."""
        gone = {member.member_id for member in leaving}
        staying = [member for member_id, member in group.members.items() if member_id not in gone]
        return bool(staying) and self._suits_classic(staying, len(staying))

    def can_downgrade_replacing(self, group: ConsumerGroup, replaced: ConsumerMember) -> bool:
        """The same, when a classic member takes the place of a static one of the consumer protocol."""
        staying = [member for member_id, member in group.members.items() if member_id != replaced.member_id]
        return not replaced.uses_classic_protocol and self._suits_classic(staying, len(group.members))

    def _suits_classic(self, staying: Collection[ConsumerMember], size: int) -> bool:
        return (
            self._context.config.migration_policy.allows_downgrade
            and size <= self._config.max_size
            and all(member.uses_classic_protocol for member in staying)
        )

    def downgrade(
        self,
        group: ConsumerGroup,
        staying: Collection[ConsumerMember],
        joining: ConsumerMember | None,
        rebalances_because: str | None,
        now_ms: int,
    ) -> tuple[list[Record], Appended]:
        """Let the group be a classic one of the members that stay, and of a static one that joins in another's place.

        The classic group is there at once, and given up again if the records are refused.
        """
        group_id = group.group_id
        replaced = None if joining is None else group.static_members[joining.instance_id or ""]
        if joining is None:
            records = tombstones(group, now_ms)
        else:
            gone = [joining.member_id if member_id == replaced else member_id for member_id in group.members]
            records = group_tombstones(group_id, gone, group.resolved, now_ms)
        members = [*staying, *(() if joining is None else (joining,))]
        try:
            classic = _classic_group(group, members, replaced, self._context.topics, now_ms)
        except MalformedError as error:
            why = f"Cannot downgrade the classic group {group_id}: {error}."
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, why) from error
        records.append(group_record(group_id, classic.snapshot(classic.assignments), now_ms))
        self._classic_groups[group_id] = classic

        def appended(error: KafkaError | None) -> None:
            if self._classic_groups.get(group_id) is not classic:
                return
            if error is not None:
                log.warning("group %s stays a consumer group: %s", group_id, error)
                del self._classic_groups[group_id]
                return
            for member in classic.members.values():
                self._rebalances.restart_session(classic, member, now_ms)
            if rebalances_because is not None:
                self._rebalances.prepare(classic, rebalances_because, now_ms)

        log.info("group %s becomes a classic group in generation %d", group_id, classic.generation)
        return records, appended


def _not_upgraded(classic: ClassicGroup, why: str) -> KafkaError:
    log.info("group %s stays a classic group: %s", classic.group_id, why)
    text = f"Cannot upgrade classic group {classic.group_id} to consumer group because {why}."
    return KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, text)


def _consumer_group(classic: ClassicGroup, topics: KnownTopics) -> ConsumerGroup:
    group = ConsumerGroup(classic.group_id)
    group.epoch = group.assignment_epoch = classic.generation
    protocol = classic.protocol or (classic.select_protocol() if classic.members else "")
    for member in classic.members.values():
        subscription = read_subscription(member.metadata(protocol))
        assigned = _assigned(classic, member, topics)
        group.targets[member.member_id] = {topic_id: frozenset(found) for topic_id, found in assigned.items()}
        group.put(
            ConsumerMember(
                member_id=member.member_id,
                member_epoch=classic.generation,
                previous_member_epoch=classic.generation,
                instance_id=member.group_instance_id,
                rack_id=subscription.rack_id,
                rebalance_timeout_ms=member.rebalance_timeout_ms,
                client_id=member.client_id,
                client_host=member.client_host,
                subscribed_topic_names=frozenset(subscription.topics),
                assigned=at_epoch(assigned, classic.generation),
                classic=ClassicMemberMetadata(
                    member.session_timeout_ms,
                    [ClassicProtocol(name, metadata) for name, metadata in member.protocols],
                ),
            )
        )
    group.metadata_hash = group_hash(group.subscriptions().topics, topics)
    return group


def _assigned(classic: ClassicGroup, member: Member, topics: KnownTopics) -> dict[UUID, list[int]]:
    """What the leader gave the member; nothing if it has not synced yet."""
    if not member.assignment:
        return {}
    assignment = read_assignment(member.assignment)
    if assignment.user_data:
        why = (
            "an unsupported custom assignor is in use. Please refer to the documentation or switch to a default "
            "assignor before re-attempting the upgrade"
        )
        raise _not_upgraded(classic, why)
    return {
        topic.topic_id: assigned.partitions
        for assigned in assignment.assigned_partitions
        if (topic := topics.by_name(assigned.topic)) is not None
    }


def _classic_group(
    group: ConsumerGroup,
    members: Collection[ConsumerMember],
    replaced: str | None,
    topics: KnownTopics,
    now_ms: int,
) -> ClassicGroup:
    classic = ClassicGroup(group.group_id, now_ms)
    classic.generation = group.epoch
    classic.protocol_type = CONSUMER_PROTOCOL_TYPE
    for member in members:
        assert member.classic is not None, "members of the consumer protocol do not stay"
        classic.admit(
            Member(
                member.member_id,
                member.instance_id,
                member.client_id,
                member.client_host,
                member.rebalance_timeout_ms,
                member.classic.session_timeout_ms,
                CONSUMER_PROTOCOL_TYPE,
                [MemberProtocol(one.name, bytes(one.metadata)) for one in member.classic.supported_protocols],
            )
        )
    classic.state = GroupState.STABLE
    classic.protocol = classic.select_protocol()
    classic.find_subscribed_topics()
    for one in classic.members.values():
        is_new = one.member_id not in group.members
        target = group.target_of(replaced if is_new and replaced is not None else one.member_id)
        one.assignment = write_assignment(target, topics, version_of(one.metadata(classic.protocol)))
    return classic
