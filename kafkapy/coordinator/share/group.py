"""Share groups as the replay of their records has them (KIP-932): members, epochs, assignments, and which partitions
have a state with the share coordinator.

A partition may be read by many members, so nobody has to give one back before another gets it: a member has at once
what it is to have. Apache: ShareGroup, ShareGroupMember.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.kept_groups import KeptGroups, Refresh
from kafkapy.coordinator.records import ShareGroupChange
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records import share_groups as s

_FIRST_EPOCH = 1
_NO_ASSIGNMENT = -1
LEAVING = -1


class ShareGroupState(StrEnum):
    """What a group is doing, by the name that ShareGroupDescribe and ListGroups show."""

    EMPTY = "Empty"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True)
class ShareMember:
    """A member: what it said of itself, and which partitions it has."""

    member_id: str
    member_epoch: int = 0
    previous_member_epoch: int = -1
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: frozenset[str] = frozenset()
    assigned: Partitions = field(default_factory=dict)

    def check_epoch(self, epoch: int) -> None:
        """Raise KafkaError(FENCED_MEMBER_EPOCH) unless the member is in that epoch, or missed its last answer."""
        if epoch in (0, self.member_epoch) or (epoch < self.member_epoch and epoch == self.previous_member_epoch):
            return
        than = "greater" if epoch > self.member_epoch else "smaller"
        why = (
            f"member {self.member_id} has a {than} epoch ({epoch}) than the coordinator knows ({self.member_epoch}): "
            "it must abandon its partitions and join again"
        )
        raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, why)


class StateOfTopic(NamedTuple):
    """A topic's partitions that have a state with the share coordinator, or are to get one since `since_ms`."""

    name: str
    partitions: frozenset[int]
    since_ms: int = 0


@dataclass(slots=True)
class StatePartitions:
    """What a group has told the share coordinator, by topic id."""

    initializing: dict[UUID, StateOfTopic] = field(default_factory=dict)
    initialized: dict[UUID, StateOfTopic] = field(default_factory=dict)
    deleting: dict[UUID, str] = field(default_factory=dict)  # topics by name

    def copy(self) -> StatePartitions:
        return StatePartitions(dict(self.initializing), dict(self.initialized), dict(self.deleting))


class ShareGroup:
    """A group whose members share partitions."""

    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = _FIRST_EPOCH
        self.metadata_hash = 0
        self.assignment_epoch = _FIRST_EPOCH
        self.assigned_at_ms = 0  # 0: never
        self.members: dict[str, ShareMember] = {}
        self.targets: dict[str, Partitions] = {}
        self.states: StatePartitions | None = None  # None: it told the share coordinator nothing
        self.refreshed: Refresh | None = None

    @property
    def is_empty(self) -> bool:
        return not self.members

    @property
    def state(self) -> ShareGroupState:
        return ShareGroupState.STABLE if self.members else ShareGroupState.EMPTY

    def find(self, member_id: str) -> ShareMember:
        """The member. Raises KafkaError(UNKNOWN_MEMBER_ID)."""
        member = self.members.get(member_id)
        if member is None:
            why = f"Member {member_id} is not a member of group {self.group_id}."
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
        return member

    def topics(self, joining: ShareMember | None = None, leaving: str = "") -> set[str]:
        """The names that members subscribe by: with `joining` in the place of what it was, without who is leaving."""
        members = {member_id: one for member_id, one in self.members.items() if member_id != leaving}
        if joining is not None:
            members[joining.member_id] = joining
        return {name for member in members.values() for name in member.subscribed_topic_names}

    def replay(self, change: ShareGroupChange) -> None:
        """Take in one part of the group, but for its end."""
        key: Any = change.key
        value: Any = change.value
        match (key, value):
            case (s.ShareGroupMetadataKey(), s.ShareGroupMetadataValue()):
                self.epoch, self.metadata_hash = value.epoch, value.metadata_hash
            case (s.ShareGroupMemberMetadataKey(member_id=member_id), None):
                self.members.pop(member_id, None)
            case (s.ShareGroupMemberMetadataKey(member_id=member_id), _):
                self.members[member_id] = replace(
                    self.members.get(member_id, ShareMember(member_id)),
                    rack_id=value.rack_id,
                    client_id=value.client_id,
                    client_host=value.client_host,
                    subscribed_topic_names=frozenset(value.subscribed_topic_names),
                )
            case (s.ShareGroupTargetAssignmentMetadataKey(), _):
                self.assignment_epoch = _NO_ASSIGNMENT if value is None else value.assignment_epoch
                self.assigned_at_ms = 0 if value is None else value.assignment_timestamp
            case (s.ShareGroupTargetAssignmentMemberKey(member_id=member_id), None):
                self.targets.pop(member_id, None)
            case (s.ShareGroupTargetAssignmentMemberKey(member_id=member_id), _):
                self.targets[member_id] = _by_topic(value.topic_partitions)
            case (s.ShareGroupCurrentMemberAssignmentKey(member_id=member_id), None):
                known = self.members.get(member_id)
                if known is not None:
                    gone = replace(known, member_epoch=LEAVING, previous_member_epoch=LEAVING, assigned={})
                    self.members[member_id] = gone
            case (s.ShareGroupCurrentMemberAssignmentKey(member_id=member_id), _):
                self.members[member_id] = replace(
                    self.members.get(member_id, ShareMember(member_id)),
                    member_epoch=value.member_epoch,
                    previous_member_epoch=value.previous_member_epoch,
                    assigned=_by_topic(value.assigned_partitions),
                )
            case _:
                pass

    def replay_states(self, value: s.ShareGroupStatePartitionMetadataValue | None, now_ms: int) -> None:
        """Take in what the group has told the share coordinator."""
        self.states = (
            None
            if value is None
            else StatePartitions(
                initializing=_states(value.initializing_topics, now_ms),
                initialized=_states(value.initialized_topics, now_ms),
                deleting={topic.topic_id: topic.topic_name for topic in value.deleting_topics},
            )
        )


class ShareGroups(KeptGroups[ShareGroup]):
    """The share groups of one shard, by id."""

    def __init__(self) -> None:
        super().__init__(ShareGroup, {})  # whoever asks for one with a classic group's id is refused

    def replay(self, change: ShareGroupChange, now_ms: int) -> None:
        """Take in one part of a group."""
        key, value = change
        group = self._of_record(key.group_id, value)
        if group is None:
            return
        if isinstance(key, s.ShareGroupMetadataKey) and value is None:
            self.forget(key.group_id)
        elif isinstance(key, s.ShareGroupStatePartitionMetadataKey):
            group.replay_states(value, now_ms)
        else:
            group.replay(change)


def _by_topic(found: Iterable[s.TopicPartition | s.TopicPartitions]) -> Partitions:
    return {topic.topic_id: frozenset(topic.partitions) for topic in found}


def _states(found: Iterable[s.TopicPartitionsInfo], now_ms: int) -> dict[UUID, StateOfTopic]:
    return {topic.topic_id: StateOfTopic(topic.topic_name, frozenset(topic.partitions), now_ms) for topic in found}
