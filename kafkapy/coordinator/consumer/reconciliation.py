"""How a member comes from the partitions that it has to those that it is to have, one heartbeat after the other.

    STABLE ──must give back──▶ UNREVOKED_PARTITIONS ──gave back──▶ next epoch: STABLE or UNRELEASED_PARTITIONS

No partition ever has two owners: a member first gives back what it is to lose, in its old epoch; then it moves to the
new epoch and gets at once what is free, and the rest as others release it. Apache: CurrentAssignmentBuilder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.consumer.member import ConsumerMember, Epochs, MemberState, owns_any
from kafkapy.protocol.errors import ErrorCode, KafkaError


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a member is to go.

    `target` is what it is to have in `epoch`, `subscribed` the ids of the topics that it wants now, and
    `is_owned(topic_id, partition)` tells whether any member has the partition.
    """

    epoch: int
    target: Partitions
    subscribed: Collection[UUID]
    is_owned: Callable[[UUID, int], bool]


def reconcile(member: ConsumerMember, aim: Aim, owned: Partitions | None, *, has_resubscribed: bool) -> ConsumerMember:
    """The member after one step; `owned` is what it says that it has, None if it does not say.

    Raises KafkaError(FENCED_MEMBER_EPOCH) for a member in a state of a newer Kafka, unless it owns nothing.
    """
    match member.state:
        case MemberState.STABLE:
            if member.member_epoch != aim.epoch:
                return _advance(member, member.member_epoch, aim, owned)
            return _drop_unsubscribed(member, aim, owned) if has_resubscribed else member
        case MemberState.UNREVOKED_PARTITIONS:
            if not owns_any(owned, member.pending_revocation):
                return _advance(member, member.member_epoch, aim, owned)
            return _drop_unsubscribed(member, aim, owned) if has_resubscribed else member
        case MemberState.UNRELEASED_PARTITIONS:
            return _advance(member, member.member_epoch, aim, owned)
    if owned is None or owned:
        why = f"member {member.member_id} is in a state that this broker does not know; it must join again"
        raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, why)
    return _advance(member, aim.epoch, aim, owned)


def _advance(member: ConsumerMember, epoch: int, aim: Aim, owned: Partitions | None) -> ConsumerMember:
    kept: dict[UUID, dict[int, int]] = {}
    lost: dict[UUID, dict[int, int]] = {}
    free: dict[UUID, list[int]] = {}
    is_waiting = False
    for topic_id in dict.fromkeys([*aim.target, *member.assigned]):
        # What the member no longer wants is not its target, whatever was computed when it did.
        target = aim.target.get(topic_id, ()) if topic_id in aim.subscribed else ()
        has = member.assigned.get(topic_id, {})
        # What it has yet to give back is still its own, so it may as well keep it.
        own = member.pending_revocation.get(topic_id, {})
        keeps = {partition: since for partition, since in has.items() if partition in target}
        loses = {partition: since for partition, since in has.items() if partition not in target}
        gets = [partition for partition in target if partition not in keeps]
        gets_now = [partition for partition in gets if partition in own or not aim.is_owned(topic_id, partition)]
        is_waiting = is_waiting or len(gets_now) < len(gets)
        if keeps:
            kept[topic_id] = keeps
        if loses:
            lost[topic_id] = loses
        if gets_now:
            free[topic_id] = gets_now
    if lost and owns_any(owned, lost):
        return member.moved_to(epoch, MemberState.UNREVOKED_PARTITIONS, kept, lost)
    for topic_id, partitions in free.items():
        kept.setdefault(topic_id, {}).update(dict.fromkeys(partitions, aim.epoch))
    return member.moved_to(aim.epoch, MemberState.UNRELEASED_PARTITIONS if is_waiting else MemberState.STABLE, kept, {})


def _drop_unsubscribed(member: ConsumerMember, aim: Aim, owned: Partitions | None) -> ConsumerMember:
    """Take away at once what the member no longer wants; the next assignment comes later."""
    unwanted = {topic_id: found for topic_id, found in member.assigned.items() if topic_id not in aim.subscribed}
    if not unwanted:
        return member
    kept: Epochs = {topic_id: found for topic_id, found in member.assigned.items() if topic_id not in unwanted}
    lost = dict(member.pending_revocation)
    for topic_id, found in unwanted.items():
        lost[topic_id] = {**lost.get(topic_id, {}), **found}
    if owns_any(owned, lost):
        return member.moved_to(member.member_epoch, MemberState.UNREVOKED_PARTITIONS, kept, lost)
    return replace(member, previous_member_epoch=member.member_epoch, assigned=kept)
