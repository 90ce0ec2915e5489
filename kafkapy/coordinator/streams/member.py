"""One member of a streams group (KIP-1071): what it said of itself, and which tasks it has.

A member is frozen: what changes it is a record, and the record's replay puts another in its place. Apache:
StreamsGroupMember.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from kafkapy.coordinator.streams.tasks import Epochs, HeldTasks, Numbers, numbers_of
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records import streams_groups as s

JOINING = 0  # the member epoch of one that (re)joins
LEAVING = -1
LEAVING_FOR_A_WHILE = -2


class MemberState(IntEnum):
    """How far a member is on its way from the tasks that it has to those that it is to have."""

    STABLE = 1
    UNREVOKED_TASKS = 2  # it must give some back first
    UNRELEASED_TASKS = 3  # others have not yet given back some that it is to have
    UNKNOWN = 127  # a newer Kafka wrote another


class Endpoint(NamedTuple):
    """Where a process can be asked for its state."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class StreamsMember:
    """A member: a thread of the process that `process_id` names."""

    member_id: str
    member_epoch: int = 0
    previous_member_epoch: int = 0
    state: MemberState = MemberState.STABLE
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topology_epoch: int = -1
    process_id: str = ""
    user_endpoint: Endpoint | None = None
    client_tags: Mapping[str, str] = field(default_factory=dict)
    assigned: HeldTasks = field(default_factory=HeldTasks)
    pending_revocation: HeldTasks = field(default_factory=HeldTasks)

    def is_reconciled_to(self, assignment_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.member_epoch == assignment_epoch

    def check_epoch(self, epoch: int, active: Numbers | None, standby: Numbers | None, warmup: Numbers | None) -> None:
        """Raise KafkaError(FENCED_MEMBER_EPOCH) unless the member is in that epoch, or missed its last answer.

        One that missed it is in the epoch before, and says that it owns nothing but what was assigned to it.
        """
        if epoch in (JOINING, self.member_epoch):
            return
        than = "greater" if epoch > self.member_epoch else "smaller"
        is_late = epoch < self.member_epoch and epoch == self.previous_member_epoch
        if not is_late or not self.assigned.has_all_of(active, standby, warmup):
            why = (
                f"The streams group member has a {than} member epoch ({epoch}) than the one known by the group "
                f"coordinator ({self.member_epoch}). The member must abandon all its partitions and rejoin."
            )
            raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, why)

    def moved_to(self, epoch: int, state: MemberState, assigned: HeldTasks, pending: HeldTasks) -> StreamsMember:
        """The member with other tasks, in another epoch or the same."""
        return replace(
            self,
            member_epoch=epoch,
            previous_member_epoch=self.member_epoch,
            state=state,
            assigned=assigned,
            pending_revocation=pending,
        )

    def without_tasks(self) -> StreamsMember:
        return replace(self, assigned=HeldTasks(), pending_revocation=HeldTasks())

    def told(self, value: s.StreamsGroupMemberMetadataValue) -> StreamsMember:
        """The member as its record of what it said has it."""
        endpoint = value.user_endpoint
        return replace(
            self,
            instance_id=value.instance_id,
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            topology_epoch=value.topology_epoch,
            process_id=value.process_id,
            user_endpoint=None if endpoint is None else Endpoint(endpoint.host, endpoint.port),
            client_tags={tag.key: tag.value for tag in value.client_tags},
        )

    def holding(self, value: s.StreamsGroupCurrentMemberAssignmentValue) -> StreamsMember:
        """The member as its record of what it has tells."""
        is_known = value.state in MemberState.__members__.values()
        epoch = value.member_epoch
        return replace(
            self,
            member_epoch=epoch,
            previous_member_epoch=value.previous_member_epoch,
            state=MemberState(value.state) if is_known else MemberState.UNKNOWN,
            assigned=HeldTasks(
                _with_epochs(value.active_tasks, epoch), numbers_of(value.standby_tasks), numbers_of(value.warmup_tasks)
            ),
            pending_revocation=HeldTasks(
                _with_epochs(value.active_tasks_pending_revocation, epoch),
                numbers_of(value.standby_tasks_pending_revocation),
                numbers_of(value.warmup_tasks_pending_revocation),
            ),
        )


def _with_epochs(found: list[s.CurrentTaskIds], member_epoch: int) -> Epochs:
    return {
        ids.subtopology_id: dict(zip(ids.partitions, ids.assignment_epochs, strict=True))
        if ids.assignment_epochs is not None and len(ids.assignment_epochs) == len(ids.partitions)
        else dict.fromkeys(ids.partitions, member_epoch)
        for ids in found
    }
