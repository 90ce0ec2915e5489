"""The records that say what a consumer group is, part by part (KIP-848). Apache: GroupCoordinatorRecordHelpers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.consumer.member import ConsumerMember, Epochs
from kafkapy.coordinator.records import consumer_group_record
from kafkapy.protocol.batch import Record
from kafkapy.protocol.records import groups as r


def epoch_record(group_id: str, epoch: int, metadata_hash: int, now_ms: int) -> Record:
    value = r.ConsumerGroupMetadataValue(epoch, metadata_hash)
    return consumer_group_record(r.ConsumerGroupMetadataKey(group_id), value, now_ms)


def member_record(group_id: str, member: ConsumerMember, now_ms: int) -> Record:
    """What the member said of itself."""
    value = r.ConsumerGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.subscribed_topic_names),
        subscribed_topic_regex=member.subscribed_topic_regex,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        server_assignor=member.server_assignor,
        classic_member_metadata=member.classic,
    )
    return consumer_group_record(r.ConsumerGroupMemberMetadataKey(group_id, member.member_id), value, now_ms)


def target_record(group_id: str, member_id: str, target: Partitions, now_ms: int) -> Record:
    """What the member is to have."""
    found = [r.TargetTopicPartitions(topic_id, sorted(partitions)) for topic_id, partitions in target.items()]
    value = r.ConsumerGroupTargetAssignmentMemberValue(found)
    return consumer_group_record(r.ConsumerGroupTargetAssignmentMemberKey(group_id, member_id), value, now_ms)


def assignment_record(group_id: str, epoch: int, since_ms: int, now_ms: int) -> Record:
    """That what all members are to have was computed for this epoch of the group."""
    value = r.ConsumerGroupTargetAssignmentMetadataValue(epoch, since_ms)
    return consumer_group_record(r.ConsumerGroupTargetAssignmentMetadataKey(group_id), value, now_ms)


def current_record(group_id: str, member: ConsumerMember, now_ms: int) -> Record:
    """What the member has."""
    value = r.ConsumerGroupCurrentMemberAssignmentValue(
        member_epoch=member.member_epoch,
        previous_member_epoch=member.previous_member_epoch,
        state=member.state,
        assigned_partitions=_current(member.assigned),
        partitions_pending_revocation=_current(member.pending_revocation),
    )
    return consumer_group_record(r.ConsumerGroupCurrentMemberAssignmentKey(group_id, member.member_id), value, now_ms)


def _current(partitions: Epochs) -> list[r.CurrentTopicPartitions]:
    return [
        r.CurrentTopicPartitions(topic_id, list(epochs), list(epochs.values()))
        for topic_id, epochs in partitions.items()
    ]


def regex_record(group_id: str, regex: str, value: r.ConsumerGroupRegularExpressionValue | None, now_ms: int) -> Record:
    """What the regular expression matches; with no value: nobody subscribes by it any more."""
    return consumer_group_record(r.ConsumerGroupRegularExpressionKey(group_id, regex), value, now_ms)


def member_tombstones(group_id: str, member_id: str, now_ms: int) -> list[Record]:
    """The member is gone. What it has goes first: only a member without partitions may go."""
    keys: list[Any] = [
        r.ConsumerGroupCurrentMemberAssignmentKey(group_id, member_id),
        r.ConsumerGroupTargetAssignmentMemberKey(group_id, member_id),
        r.ConsumerGroupMemberMetadataKey(group_id, member_id),
    ]
    return [consumer_group_record(key, None, now_ms) for key in keys]


def partition_metadata_tombstone(group_id: str, now_ms: int) -> Record:
    """Kafka before 4.1 kept what it knew of the topics; the hash has taken its place."""
    return consumer_group_record(r.ConsumerGroupPartitionMetadataKey(group_id), None, now_ms)


def group_tombstones(group_id: str, member_ids: Iterable[str], regexes: Iterable[str], now_ms: int) -> list[Record]:
    """The group is gone, with all of its members."""
    members = list(member_ids)
    keys: list[Any] = [r.ConsumerGroupCurrentMemberAssignmentKey(group_id, member_id) for member_id in members]
    keys += [r.ConsumerGroupTargetAssignmentMemberKey(group_id, member_id) for member_id in members]
    keys.append(r.ConsumerGroupTargetAssignmentMetadataKey(group_id))
    keys += [r.ConsumerGroupMemberMetadataKey(group_id, member_id) for member_id in members]
    keys += [r.ConsumerGroupRegularExpressionKey(group_id, regex) for regex in regexes]
    keys += [r.ConsumerGroupPartitionMetadataKey(group_id), r.ConsumerGroupMetadataKey(group_id)]
    return [consumer_group_record(key, None, now_ms) for key in keys]
