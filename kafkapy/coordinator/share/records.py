"""The records that say what a share group is, part by part (KIP-932). Apache: GroupCoordinatorRecordHelpers."""

from __future__ import annotations

from typing import Any

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.records import share_group_record
from kafkapy.coordinator.share.group import ShareGroup, ShareMember, StatePartitions
from kafkapy.protocol.batch import Record
from kafkapy.protocol.records import share_groups as s


def epoch_record(group_id: str, epoch: int, metadata_hash: int, now_ms: int) -> Record:
    return share_group_record(
        s.ShareGroupMetadataKey(group_id), s.ShareGroupMetadataValue(epoch, metadata_hash), now_ms
    )


def member_record(group_id: str, member: ShareMember, now_ms: int) -> Record:
    """What the member said of itself."""
    value = s.ShareGroupMemberMetadataValue(
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.subscribed_topic_names),
    )
    return share_group_record(s.ShareGroupMemberMetadataKey(group_id, member.member_id), value, now_ms)


def target_record(group_id: str, member_id: str, target: Partitions, now_ms: int) -> Record:
    """What the member is to have."""
    found = [s.TopicPartition(topic_id, sorted(partitions)) for topic_id, partitions in target.items()]
    value = s.ShareGroupTargetAssignmentMemberValue(found)
    return share_group_record(s.ShareGroupTargetAssignmentMemberKey(group_id, member_id), value, now_ms)


def assignment_record(group_id: str, epoch: int, now_ms: int) -> Record:
    """That what all members are to have was computed for this epoch of the group."""
    value = s.ShareGroupTargetAssignmentMetadataValue(epoch, now_ms)
    return share_group_record(s.ShareGroupTargetAssignmentMetadataKey(group_id), value, now_ms)


def current_record(group_id: str, member: ShareMember, now_ms: int) -> Record:
    """What the member has."""
    value = s.ShareGroupCurrentMemberAssignmentValue(
        member_epoch=member.member_epoch,
        previous_member_epoch=member.previous_member_epoch,
        state=0,  # stable, as ever
        assigned_partitions=[s.TopicPartitions(topic_id, sorted(found)) for topic_id, found in member.assigned.items()],
    )
    return share_group_record(s.ShareGroupCurrentMemberAssignmentKey(group_id, member.member_id), value, now_ms)


def states_record(group_id: str, states: StatePartitions, now_ms: int) -> Record:
    """Which partitions have a state with the share coordinator."""
    value = s.ShareGroupStatePartitionMetadataValue(
        initializing_topics=[
            s.TopicPartitionsInfo(topic_id, one.name, sorted(one.partitions))
            for topic_id, one in states.initializing.items()
        ],
        initialized_topics=[
            s.TopicPartitionsInfo(topic_id, one.name, sorted(one.partitions))
            for topic_id, one in states.initialized.items()
        ],
        deleting_topics=[s.TopicInfo(topic_id, name) for topic_id, name in states.deleting.items()],
    )
    return share_group_record(s.ShareGroupStatePartitionMetadataKey(group_id), value, now_ms)


def member_tombstones(group_id: str, member_id: str, now_ms: int) -> list[Record]:
    """The member is gone. What it has goes first: only a member without partitions may go."""
    keys: list[Any] = [
        s.ShareGroupCurrentMemberAssignmentKey(group_id, member_id),
        s.ShareGroupTargetAssignmentMemberKey(group_id, member_id),
        s.ShareGroupMemberMetadataKey(group_id, member_id),
    ]
    return [share_group_record(key, None, now_ms) for key in keys]


def group_tombstones(group: ShareGroup, now_ms: int) -> list[Record]:
    """The group is gone, with all of its members."""
    group_id, members = group.group_id, list(group.members)
    keys: list[Any] = [s.ShareGroupCurrentMemberAssignmentKey(group_id, member_id) for member_id in members]
    keys += [s.ShareGroupTargetAssignmentMemberKey(group_id, member_id) for member_id in members]
    keys.append(s.ShareGroupTargetAssignmentMetadataKey(group_id))
    keys += [s.ShareGroupMemberMetadataKey(group_id, member_id) for member_id in members]
    keys += [s.ShareGroupStatePartitionMetadataKey(group_id), s.ShareGroupMetadataKey(group_id)]
    return [share_group_record(key, None, now_ms) for key in keys]
