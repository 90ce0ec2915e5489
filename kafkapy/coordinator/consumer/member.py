"""One member of a consumer group (KIP-848): what it said of itself, and which partitions it has.

A member is frozen: what changes it is a record, and the record's replay puts another in its place. Apache:
ConsumerGroupMember.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.protocol.records.groups import (
    ClassicMemberMetadata,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataValue,
    CurrentTopicPartitions,
)

JOINING = 0  # the member epoch of one that (re)joins
LEAVING = -1
LEAVING_FOR_A_WHILE = -2  # only a static member does

Epochs = Mapping[UUID, Mapping[int, int]]
"""For each partition of a topic, the member's epoch when it got it."""


class MemberState(IntEnum):
    """How far a member is on its way from the partitions that it has to those that it is to have."""

    STABLE = 0
    UNREVOKED_PARTITIONS = 1  # it must give some back first
    UNRELEASED_PARTITIONS = 2  # others have not yet given back some that it is to have
    UNKNOWN = 127  # a newer Kafka wrote another


@dataclass(frozen=True, slots=True)
class ConsumerMember:
    """A member; one that uses the classic protocol has said so in `classic`."""

    member_id: str
    member_epoch: int = 0
    previous_member_epoch: int = -1
    state: MemberState = MemberState.STABLE
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: frozenset[str] = frozenset()
    subscribed_topic_regex: str | None = ""
    server_assignor: str | None = None
    assigned: Epochs = field(default_factory=dict)
    pending_revocation: Epochs = field(default_factory=dict)
    classic: ClassicMemberMetadata | None = None

    @property
    def uses_classic_protocol(self) -> bool:
        return self.classic is not None

    @property
    def regex(self) -> str | None:
        """The regular expression that the member subscribes by, if it does."""
        return self.subscribed_topic_regex or None

    def is_reconciled_to(self, assignment_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.member_epoch == assignment_epoch

    def assignment_epoch_of(self, topic_id: UUID, partition: int) -> int | None:
        """The epoch in which the member got the partition, if it has it, or has yet to give it back."""
        epoch = self.assigned.get(topic_id, {}).get(partition)
        return self.pending_revocation.get(topic_id, {}).get(partition) if epoch is None else epoch

    def moved_to(self, epoch: int, state: MemberState, assigned: Epochs, pending_revocation: Epochs) -> ConsumerMember:
        """The member with other partitions, in another epoch."""
        return replace(
            self,
            member_epoch=epoch,
            previous_member_epoch=self.member_epoch,
            state=state,
            assigned=assigned,
            pending_revocation=pending_revocation,
        )

    def told(self, value: ConsumerGroupMemberMetadataValue) -> ConsumerMember:
        """The member as its record of what it said has it."""
        return replace(
            self,
            instance_id=value.instance_id,
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            subscribed_topic_names=frozenset(value.subscribed_topic_names),
            subscribed_topic_regex=value.subscribed_topic_regex,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            server_assignor=value.server_assignor,
            classic=value.classic_member_metadata,
        )

    def holding(self, value: ConsumerGroupCurrentMemberAssignmentValue) -> ConsumerMember:
        """The member as its record of what it has tells."""
        known = value.state in MemberState.__members__.values()
        return replace(
            self,
            member_epoch=value.member_epoch,
            previous_member_epoch=value.previous_member_epoch,
            state=MemberState(value.state) if known else MemberState.UNKNOWN,
            assigned=_with_epochs(value.assigned_partitions, value.member_epoch),
            pending_revocation=_with_epochs(value.partitions_pending_revocation, value.member_epoch),
        )


def owns_any(owned: Partitions | None, wanted: Epochs) -> bool:
    """Whether a member that says it owns `owned` has any of `wanted`; one that says nothing may have all."""
    if owned is None:
        return True
    return any(partition in wanted.get(topic_id, ()) for topic_id, found in owned.items() for partition in found)


def owns_only(owned: Partitions | None, assigned: Epochs) -> bool:
    """Whether all that a member says it owns was assigned to it; one that says nothing does not show it."""
    if owned is None:
        return False
    return all(assigned.get(topic_id, {}).keys() >= set(found) for topic_id, found in owned.items())


def at_epoch(partitions: Partitions, epoch: int) -> Epochs:
    """The partitions, all got in one epoch."""
    return {topic_id: dict.fromkeys(found, epoch) for topic_id, found in partitions.items()}


def _with_epochs(found: Iterable[CurrentTopicPartitions], member_epoch: int) -> Epochs:
    # A static member that is away has a negative epoch, which no partition was ever got in.
    epoch = max(member_epoch, 0)
    return {
        topic.topic_id: dict(zip(topic.partitions, topic.assignment_epochs, strict=True))
        if topic.assignment_epochs is not None and len(topic.assignment_epochs) == len(topic.partitions)
        else dict.fromkeys(topic.partitions, epoch)
        for topic in found
    }
