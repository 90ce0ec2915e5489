"""The records that say what a streams group is, part by part (KIP-1071). Apache: StreamsCoordinatorRecordHelpers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafkapy.coordinator.records import streams_group_record
from kafkapy.coordinator.streams.group import StreamsGroup
from kafkapy.coordinator.streams.member import StreamsMember
from kafkapy.coordinator.streams.tasks import Epochs, Numbers, Tasks
from kafkapy.coordinator.streams.topology import Topology
from kafkapy.protocol.batch import Record
from kafkapy.protocol.records import streams_groups as s


def epoch_record(
    group_id: str, epoch: int, metadata_hash: int, validated_epoch: int, configs: Mapping[str, str], now_ms: int
) -> Record:
    found = [s.LastAssignmentConfig(key, value) for key, value in sorted(configs.items())]
    value = s.StreamsGroupMetadataValue(epoch, metadata_hash, validated_epoch, found)
    return streams_group_record(s.StreamsGroupMetadataKey(group_id), value, now_ms)


def topology_record(group_id: str, topology: Topology, now_ms: int) -> Record:
    """What the members run."""
    return streams_group_record(s.StreamsGroupTopologyKey(group_id), topology.value, now_ms)


def member_record(group_id: str, member: StreamsMember, now_ms: int) -> Record:
    """What the member said of itself."""
    value = s.StreamsGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if member.user_endpoint is None else s.Endpoint(*member.user_endpoint),
        client_tags=[s.KeyValue(key, value) for key, value in sorted(member.client_tags.items())],
    )
    return streams_group_record(s.StreamsGroupMemberMetadataKey(group_id, member.member_id), value, now_ms)


def target_record(group_id: str, member_id: str, target: Tasks, now_ms: int) -> Record:
    """What the member is to have."""
    value = s.StreamsGroupTargetAssignmentMemberValue(*map(_target, (target.active, target.standby, target.warmup)))
    return streams_group_record(s.StreamsGroupTargetAssignmentMemberKey(group_id, member_id), value, now_ms)


def assignment_record(group_id: str, epoch: int, now_ms: int) -> Record:
    """That what all members are to have was computed for this epoch of the group."""
    value = s.StreamsGroupTargetAssignmentMetadataValue(epoch, now_ms)
    return streams_group_record(s.StreamsGroupTargetAssignmentMetadataKey(group_id), value, now_ms)


def current_record(group_id: str, member: StreamsMember, now_ms: int) -> Record:
    """What the member has, and has yet to give back."""
    has, pending = member.assigned, member.pending_revocation
    value = s.StreamsGroupCurrentMemberAssignmentValue(
        member_epoch=member.member_epoch,
        previous_member_epoch=member.previous_member_epoch,
        state=member.state,
        active_tasks=_active(has.active),
        standby_tasks=_current(has.standby),
        warmup_tasks=_current(has.warmup),
        active_tasks_pending_revocation=_active(pending.active),
        standby_tasks_pending_revocation=_current(pending.standby),
        warmup_tasks_pending_revocation=_current(pending.warmup),
    )
    return streams_group_record(s.StreamsGroupCurrentMemberAssignmentKey(group_id, member.member_id), value, now_ms)


def member_tombstones(group_id: str, member_id: str, now_ms: int) -> list[Record]:
    """The member is gone. What it has goes first: only a member without tasks may go."""
    keys: list[Any] = [
        s.StreamsGroupCurrentMemberAssignmentKey(group_id, member_id),
        s.StreamsGroupTargetAssignmentMemberKey(group_id, member_id),
        s.StreamsGroupMemberMetadataKey(group_id, member_id),
    ]
    return [streams_group_record(key, None, now_ms) for key in keys]


def group_tombstones(group: StreamsGroup, now_ms: int) -> list[Record]:
    """The group is gone, with all of its members."""
    group_id, members = group.group_id, list(group.members)
    keys: list[Any] = [s.StreamsGroupCurrentMemberAssignmentKey(group_id, member_id) for member_id in members]
    keys += [s.StreamsGroupTargetAssignmentMemberKey(group_id, member_id) for member_id in members]
    keys.append(s.StreamsGroupTargetAssignmentMetadataKey(group_id))
    keys += [s.StreamsGroupMemberMetadataKey(group_id, member_id) for member_id in members]
    keys += [s.StreamsGroupMetadataKey(group_id), s.StreamsGroupTopologyKey(group_id)]
    return [streams_group_record(key, None, now_ms) for key in keys]


def _target(numbers: Numbers) -> list[s.TargetTaskIds]:
    return [s.TargetTaskIds(subtopology_id, sorted(found)) for subtopology_id, found in sorted(numbers.items())]


def _current(numbers: Numbers) -> list[s.CurrentTaskIds]:
    return [s.CurrentTaskIds(subtopology_id, sorted(found)) for subtopology_id, found in sorted(numbers.items())]


def _active(epochs: Epochs) -> list[s.CurrentTaskIds]:
    return [
        s.CurrentTaskIds(subtopology_id, sorted(found), [epoch for _, epoch in sorted(found.items())])
        for subtopology_id, found in sorted(epochs.items())
    ]
