"""What the members of a consumer group are to have, computed when the group has changed since it last was.

Apache: TargetAssignmentBuilder, and GroupMetadataManager's `maybeUpdateTargetAssignment`.
"""

from __future__ import annotations

import logging
from typing import NamedTuple
from uuid import UUID

from kafkapy.coordinator.assignor import Assignor, GroupSpec, MemberSpec, Partitions
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.member import ConsumerMember
from kafkapy.coordinator.consumer.range_assignor import assign_range
from kafkapy.coordinator.consumer.records import assignment_record, target_record
from kafkapy.coordinator.consumer.uniform_assignor import assign_uniform
from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.protocol.batch import Record

log = logging.getLogger(__name__)

ASSIGNORS: dict[str, Assignor] = {"uniform": assign_uniform, "range": assign_range}


class Target(NamedTuple):
    """What one member is to have, and the epoch of the group that this was computed for."""

    epoch: int
    partitions: Partitions


class Change(NamedTuple):
    """A group that is changing: its epoch then, and the member that changes it."""

    epoch: int
    member: ConsumerMember


def assign(
    group: ConsumerGroup, change: Change, topics: KnownTopics, assignor: str, interval_ms: int, now_ms: int
) -> tuple[Target, list[Record]]:
    """Where the changing member is to go, and the records of a new assignment if one was due.

    An assignment is not computed anew within `interval_ms` of the last one (KIP-1263): a later heartbeat does it then.
    """
    member = change.member
    if group.assignment_epoch >= change.epoch or not _is_due(group, interval_ms, now_ms):
        return Target(group.assignment_epoch, group.target_of_instance(member.member_id, member.instance_id)), []
    members: dict[str, MemberSpec] = {}
    for member_id, one in group.members_with(member).items():
        before = group.target_of_instance(member_id, one.instance_id) if one is member else group.target_of(member_id)
        members[member_id] = MemberSpec(one.instance_id, group.topic_ids_of(one, topics), before)
    wanted: set[UUID] = set().union(*(one.subscribed for one in members.values()))
    counts = {topic_id: topic.partition_count for topic_id in wanted if (topic := topics.by_id(topic_id)) is not None}
    is_homogeneous = group.subscriptions(member).is_homogeneous
    made = ASSIGNORS[assignor](GroupSpec(members, counts, is_homogeneous))
    log.info("group %s: %s assigned epoch %d, members: %d", group.group_id, assignor, change.epoch, len(members))
    targets = {
        member_id: {topic_id: frozenset(found) for topic_id, found in made.get(member_id, {}).items()}
        for member_id in members
    }
    records = [
        target_record(group.group_id, member_id, target, now_ms)
        for member_id, target in targets.items()
        if group.targets.get(member_id) != target
    ]
    records.append(assignment_record(group.group_id, change.epoch, now_ms, now_ms))
    return Target(change.epoch, targets[member.member_id]), records


def _is_due(group: ConsumerGroup, interval_ms: int, now_ms: int) -> bool:
    return not group.assigned_at_ms or not interval_ms or now_ms >= group.assigned_at_ms + interval_ms
