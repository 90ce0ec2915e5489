"""Streams groups as the replay of their records has them (KIP-1071): members, epochs, tasks, and the topology.

    Empty ──join──▶ NotReady ──topics are as they must be──▶ Assigning ──assigned──▶ Reconciling ──▶ Stable

Soft are only what became of the topology, who asked for a shutdown, how often it was told where states are, and how
many members there were at most.
Apache: StreamsGroup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from kafkapy.coordinator.classic.group import ClassicGroup
from kafkapy.coordinator.kept_groups import KeptGroups, Refresh
from kafkapy.coordinator.records import StreamsGroupChange
from kafkapy.coordinator.streams.configured_topology import ConfiguredTopology
from kafkapy.coordinator.streams.member import LEAVING, StreamsMember
from kafkapy.coordinator.streams.tasks import Numbers, Tasks, numbers_of
from kafkapy.coordinator.streams.topology import Topology
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records import streams_groups as s

_FIRST_EPOCH = 1
_NO_ASSIGNMENT = -1
_NO_TASKS = Tasks()
_STREAMS_COMMIT_SINCE = 9  # OffsetCommit: the first version that can carry a member epoch


class StreamsGroupState(StrEnum):
    """What a group is doing, by the name that StreamsGroupDescribe and ListGroups show."""

    EMPTY = "Empty"
    NOT_READY = "NotReady"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


class StreamsGroup:
    """A group whose members run a topology together."""

    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = _FIRST_EPOCH
        self.metadata_hash = 0
        self.validated_topology_epoch = 0  # -1: its topics are not as they must be
        self.assignment_configs: dict[str, str] = {}
        self.assignment_epoch = _FIRST_EPOCH
        self.assigned_at_ms = 0  # 0: never
        self.topology: Topology | None = None
        self.members: dict[str, StreamsMember] = {}
        self.targets: dict[str, Tasks] = {}  # by member id
        self._active: dict[tuple[str, int], str] = {}  # the process that has the task
        self._copies: dict[tuple[str, int], set[str]] = {}  # the processes that have it as a standby or warm-up task
        # Soft
        self.most_members = 0  # since it was loaded
        self.configured: ConfiguredTopology | None = None
        self.refreshed: Refresh | None = None
        self.shutdown_by = ""  # the member that asked all to end
        self.endpoint_epoch = 0

    # Changed by replay alone

    def replay(self, change: StreamsGroupChange) -> None:
        """Take in one part of the group, but for its end."""
        key: Any = change.key
        value: Any = change.value
        match (key, value):
            case (s.StreamsGroupMetadataKey(), s.StreamsGroupMetadataValue()):
                self.epoch, self.metadata_hash = value.epoch, value.metadata_hash
                self.validated_topology_epoch = value.validated_topology_epoch
                self.assignment_configs = {one.key: one.value for one in value.last_assignment_configs or ()}
            case (s.StreamsGroupTopologyKey(), _):
                self.topology = None if value is None else Topology(value)
            case (s.StreamsGroupMemberMetadataKey(member_id=member_id), None):
                self._remove(member_id)
            case (s.StreamsGroupMemberMetadataKey(member_id=member_id), _):
                self._put(self.members.get(member_id, StreamsMember(member_id)).told(value))
            case (s.StreamsGroupTargetAssignmentMetadataKey(), _):
                self.assignment_epoch = _NO_ASSIGNMENT if value is None else value.assignment_epoch
                self.assigned_at_ms = 0 if value is None else value.assignment_timestamp
            case (s.StreamsGroupTargetAssignmentMemberKey(member_id=member_id), None):
                self.targets.pop(member_id, None)
            case (s.StreamsGroupTargetAssignmentMemberKey(member_id=member_id), _):
                roles = value.active_tasks, value.standby_tasks, value.warmup_tasks
                self.targets[member_id] = Tasks(*map(numbers_of, roles))
            case (s.StreamsGroupCurrentMemberAssignmentKey(member_id=member_id), None):
                member = self.members.get(member_id)
                if member is not None:
                    self._put(replace(member.without_tasks(), member_epoch=LEAVING, previous_member_epoch=LEAVING))
            case (s.StreamsGroupCurrentMemberAssignmentKey(member_id=member_id), _):
                self._put(self.members.get(member_id, StreamsMember(member_id)).holding(value))
            case _:
                pass

    def _put(self, member: StreamsMember) -> None:
        before = self.members.get(member.member_id)
        if before is not None:
            self._release(before)
        self.members[member.member_id] = member
        self.most_members = max(self.most_members, len(self.members))
        for held in (member.assigned, member.pending_revocation):
            for task in _each(held.active):
                self._active[task] = member.process_id
            for task in (*_each(held.standby), *_each(held.warmup)):
                self._copies.setdefault(task, set()).add(member.process_id)

    def _remove(self, member_id: str) -> None:
        member = self.members.pop(member_id, None)
        if member is not None:
            self._release(member)
        if not self.members:
            self.shutdown_by = ""

    def _release(self, member: StreamsMember) -> None:
        for held in (member.assigned, member.pending_revocation):
            for task in _each(held.active):
                if self._active.get(task) == member.process_id:
                    del self._active[task]
            for task in (*_each(held.standby), *_each(held.warmup)):
                processes = self._copies.get(task, set())
                processes.discard(member.process_id)
                if not processes:
                    self._copies.pop(task, None)

    # Looked at

    @property
    def state(self) -> StreamsGroupState:
        if not self.members:
            return StreamsGroupState.EMPTY
        if self.topology is None or self.topology.epoch != self.validated_topology_epoch:
            return StreamsGroupState.NOT_READY
        if self.epoch > self.assignment_epoch:
            return StreamsGroupState.ASSIGNING
        if all(member.is_reconciled_to(self.assignment_epoch) for member in self.members.values()):
            return StreamsGroupState.STABLE
        return StreamsGroupState.RECONCILING

    @property
    def is_empty(self) -> bool:
        return not self.members

    def active_process(self, subtopology_id: str, partition: int) -> str | None:
        """The process that has the task as an active one, or has yet to give it back."""
        return self._active.get((subtopology_id, partition))

    def has_copy(self, process_id: str, subtopology_id: str, partition: int) -> bool:
        """Whether the process has the task as a standby or warm-up one, or has yet to give it back."""
        return process_id in self._copies.get((subtopology_id, partition), ())

    def target_of(self, member_id: str) -> Tasks:
        return self.targets.get(member_id, _NO_TASKS)

    def find(self, member_id: str) -> StreamsMember:
        """The member. Raises KafkaError(UNKNOWN_MEMBER_ID)."""
        member = self.members.get(member_id)
        if member is None:
            why = f"Member {member_id} is not a member of group {self.group_id}."
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
        return member

    # Offsets, which expire as long after their commit as it is configured

    @property
    def offsets_may_expire(self) -> bool:
        """It is always known who reads what."""
        return True

    def unused_since_ms(self, commit_timestamp_ms: int) -> int:
        """Since when nobody used an offset that was committed then."""
        return commit_timestamp_ms

    def is_subscribed_to(self, topic: str) -> bool:
        is_source = self.topology is not None and topic in self.topology.subtopology_by_source
        return is_source and not self.is_empty

    def check_commit(self, member_id: str, epoch: int, version: int, partitions: Iterable[tuple[str, int]]) -> None:
        """Raise KafkaError if offsets of these partitions may not be committed so: one that may not refuses all.

        While the group is empty, outsiders commit with epoch -1.
        """
        if epoch < 0 and self.is_empty:
            return
        member = self.find(member_id)
        if version < _STREAMS_COMMIT_SINCE:
            why = f"a member of a streams group commits with version {_STREAMS_COMMIT_SINCE} or newer"
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)
        self._check_epoch(member, epoch, partitions)

    def check_transactional_commit(
        self, member_id: str, instance_id: str | None, epoch: int, partitions: Iterable[tuple[str, int]]
    ) -> None:
        """The same in a transaction: older producers do not say who consumes."""
        if epoch < 0 and (self.is_empty or (not member_id and instance_id is None)):
            return
        self._check_epoch(self.find(member_id), epoch, partitions)

    def _check_epoch(self, member: StreamsMember, epoch: int, partitions: Iterable[tuple[str, int]]) -> None:
        if epoch == member.member_epoch:
            return
        if epoch > member.member_epoch:
            raise _stale(f"member {member.member_id} is in epoch {member.member_epoch}, not yet in {epoch}")
        sources: Mapping[str, str] = {} if self.topology is None else self.topology.subtopology_by_source
        for topic, partition in partitions:
            subtopology_id = sources.get(topic, "")
            since = member.assigned.active.get(subtopology_id, {}).get(partition)
            if since is None:
                since = member.pending_revocation.active.get(subtopology_id, {}).get(partition)
            if since is None:
                raise _stale(f"partition {partition} of topic {topic} is read by no task of member {member.member_id}")
            if epoch < since:
                raise _stale(f"member {member.member_id} got {topic}-{partition} in epoch {since}, after {epoch}")

    def check_fetch(self, member_id: str | None, epoch: int) -> None:
        """Raise KafkaError if a member with this epoch may not ask for offsets; outsiders have none and may."""
        if member_id is None and epoch < 0:
            return
        member = self.find(member_id or "")
        if epoch != member.member_epoch:
            raise _stale(f"member {member.member_id} is in epoch {member.member_epoch}, not {epoch}")


class StreamsGroups(KeptGroups[StreamsGroup]):
    """The streams groups of one shard, by id."""

    def __init__(self, classic_groups: dict[str, ClassicGroup]) -> None:
        super().__init__(StreamsGroup, classic_groups)

    def replay(self, change: StreamsGroupChange) -> None:
        """Take in one part of a group."""
        key, value = change
        group = self._of_record(key.group_id, value)
        if group is None:
            return
        if isinstance(key, s.StreamsGroupMetadataKey) and value is None:
            self.forget(key.group_id)
        else:
            group.replay(change)


def _each(found: Numbers | Mapping[str, Mapping[int, int]]) -> list[tuple[str, int]]:
    return [(subtopology_id, partition) for subtopology_id, partitions in found.items() for partition in partitions]


def _stale(why: str) -> KafkaError:
    return KafkaError(ErrorCode.STALE_MEMBER_EPOCH, why)
