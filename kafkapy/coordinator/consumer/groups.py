"""The consumer groups of one shard, as the replay of their records has them.

Apache: GroupMetadataManager's `replay` methods.
"""

from __future__ import annotations

from dataclasses import replace

from kafkapy.coordinator.classic.group import ClassicGroup
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.member import LEAVING, ConsumerMember
from kafkapy.coordinator.consumer.records import group_tombstones
from kafkapy.coordinator.kept_groups import KeptGroups
from kafkapy.coordinator.records import ConsumerGroupChange
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records import groups as r

_NO_ASSIGNMENT = -1


class ConsumerGroups(KeptGroups[ConsumerGroup]):
    """Consumer groups by id."""

    def __init__(self, classic_groups: dict[str, ClassicGroup]) -> None:
        super().__init__(ConsumerGroup, classic_groups)

    def find(self, group_id: str, *, is_taken: bool = False) -> ConsumerGroup:
        """The group. Raises KafkaError(GROUP_ID_NOT_FOUND), which says so if a group of another kind has the id."""
        group = self._groups.get(group_id)
        if group is None:
            is_other = is_taken or group_id in self._classic_groups
            why = f"Group {group_id} is not a consumer group." if is_other else f"Group {group_id} not found."
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, why)
        return group

    def replay(self, change: ConsumerGroupChange) -> None:
        """Take in one part of a group."""
        key, value = change
        group = self._of_record(key.group_id, value)
        if group is None:
            return
        match key:
            case r.ConsumerGroupMetadataKey():
                if value is None:
                    self.forget(key.group_id)
                else:
                    group.epoch, group.metadata_hash = value.epoch, value.metadata_hash
            case r.ConsumerGroupPartitionMetadataKey():
                group.has_partition_metadata = value is not None
            case r.ConsumerGroupTargetAssignmentMetadataKey():
                group.assignment_epoch = _NO_ASSIGNMENT if value is None else value.assignment_epoch
                group.assigned_at_ms = 0 if value is None else value.assignment_timestamp
            case r.ConsumerGroupTargetAssignmentMemberKey():
                _replay_target(group, key.member_id, value)
            case r.ConsumerGroupMemberMetadataKey():
                _replay_member(group, key.member_id, value)
            case r.ConsumerGroupCurrentMemberAssignmentKey():
                _replay_current(group, key.member_id, value)
            case r.ConsumerGroupRegularExpressionKey():
                if value is None:
                    group.resolved.pop(key.regular_expression, None)
                else:
                    group.resolved[key.regular_expression] = value


def tombstones(group: ConsumerGroup, now_ms: int) -> list[Record]:
    """The records that delete the group."""
    return group_tombstones(group.group_id, group.members, group.resolved, now_ms)


def _replay_target(
    group: ConsumerGroup, member_id: str, value: r.ConsumerGroupTargetAssignmentMemberValue | None
) -> None:
    if value is None:
        group.targets.pop(member_id, None)
    else:
        group.targets[member_id] = {topic.topic_id: frozenset(topic.partitions) for topic in value.topic_partitions}


def _replay_member(group: ConsumerGroup, member_id: str, value: r.ConsumerGroupMemberMetadataValue | None) -> None:
    if value is None:
        group.remove(member_id)
    else:
        group.put(group.members.get(member_id, ConsumerMember(member_id)).told(value))


def _replay_current(
    group: ConsumerGroup, member_id: str, value: r.ConsumerGroupCurrentMemberAssignmentValue | None
) -> None:
    member = group.members.get(member_id)
    if value is not None:
        group.put((member or ConsumerMember(member_id)).holding(value))
    elif member is not None:
        gone = replace(member, member_epoch=LEAVING, previous_member_epoch=LEAVING, assigned={}, pending_revocation={})
        group.put(gone)
