"""One partition's place in the cluster: its replicas, who leads, who is in sync, and the epochs that order changes.

A state is frozen; a change makes the next one. Every change raises the partition epoch, and one that names a leader
raises the leader epoch too, even if the leader stays. Apache's class: `PartitionRegistration`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from uuid import UUID

from kafkapy.protocol.records.metadata import PartitionChangeRecord, PartitionRecord

NO_LEADER = -1
NO_LEADER_CHANGE = -2
NO_RECOVERY_CHANGE = -1

# Directory ids with a meaning (KIP-858), where a replica's directory is not one of a broker's.
MIGRATING_DIRECTORY = UUID(int=0)
UNASSIGNED_DIRECTORY = UUID(int=1)
LOST_DIRECTORY = UUID(int=2)


class ReplayError(Exception):
    """A metadata record that does not fit what was replayed before it; the log is damaged or foreign."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition. `directories` follows `replicas`, index by index; `leader` is -1 where there is none."""

    partition: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int
    directories: tuple[UUID, ...]
    elr: tuple[int, ...] = ()
    last_known_elr: tuple[int, ...] = ()
    removing_replicas: tuple[int, ...] = ()
    adding_replicas: tuple[int, ...] = ()
    leader_recovery_state: int = 0

    def directory_of(self, broker_id: int) -> UUID:
        """The id of the directory that has the broker's replica, or one of those above."""
        return self.directories[self.replicas.index(broker_id)] if broker_id in self.replicas else UNASSIGNED_DIRECTORY

    def assigned_directory(self, broker_id: int) -> UUID | None:
        """As `directory_of`, but None where that is not a directory's id."""
        directory = self.directory_of(broker_id)
        return None if directory in (MIGRATING_DIRECTORY, UNASSIGNED_DIRECTORY, LOST_DIRECTORY) else directory

    @property
    def is_reassigned(self) -> bool:
        """Whether it is on its way to other replicas."""
        return bool(self.removing_replicas or self.adding_replicas)

    @classmethod
    def from_record(cls, record: PartitionRecord) -> PartitionState:
        return cls(
            partition=record.partition_id,
            replicas=tuple(record.replicas),
            isr=tuple(record.isr),
            leader=record.leader,
            leader_epoch=record.leader_epoch,
            partition_epoch=record.partition_epoch,
            directories=_directories(record.replicas, record.directories),
            elr=tuple(record.eligible_leader_replicas or ()),
            last_known_elr=tuple(record.last_known_elr or ()),
            removing_replicas=tuple(record.removing_replicas),
            adding_replicas=tuple(record.adding_replicas),
            leader_recovery_state=record.leader_recovery_state,
        )

    def to_record(self, topic_id: UUID) -> PartitionRecord:
        return PartitionRecord(
            partition_id=self.partition,
            topic_id=topic_id,
            replicas=list(self.replicas),
            isr=list(self.isr),
            removing_replicas=list(self.removing_replicas),
            adding_replicas=list(self.adding_replicas),
            leader=self.leader,
            leader_recovery_state=self.leader_recovery_state,
            leader_epoch=self.leader_epoch,
            partition_epoch=self.partition_epoch,
            directories=list(self.directories),
            eligible_leader_replicas=list(self.elr) or None,
            last_known_elr=list(self.last_known_elr) or None,
        )

    def changed_by(self, record: PartitionChangeRecord) -> PartitionState:
        """The next state: what the record leaves out stays."""
        replicas = self.replicas if record.replicas is None else tuple(record.replicas)
        directories = self.directories
        if record.directories:
            directories = _directories(replicas, record.directories)
        elif len(replicas) != len(directories):
            directories = _directories(replicas, [])
        names_leader = record.leader != NO_LEADER_CHANGE
        keeps_recovery = record.leader_recovery_state == NO_RECOVERY_CHANGE
        return dataclasses.replace(
            self,
            replicas=replicas,
            directories=directories,
            isr=_or(record.isr, self.isr),
            leader=record.leader if names_leader else self.leader,
            leader_epoch=self.leader_epoch + names_leader,
            partition_epoch=self.partition_epoch + 1,
            elr=_or(record.eligible_leader_replicas, self.elr),
            last_known_elr=_or(record.last_known_elr, self.last_known_elr),
            removing_replicas=_or(record.removing_replicas, self.removing_replicas),
            adding_replicas=_or(record.adding_replicas, self.adding_replicas),
            leader_recovery_state=self.leader_recovery_state if keeps_recovery else record.leader_recovery_state,
        )

    def without_elr(self) -> PartitionState:
        return dataclasses.replace(self, elr=(), last_known_elr=(), partition_epoch=self.partition_epoch + 1)


def _or(said: list[int] | None, stays: tuple[int, ...]) -> tuple[int, ...]:
    return stays if said is None else tuple(said)


def _directories(replicas: tuple[int, ...] | list[int], directories: list[UUID]) -> tuple[UUID, ...]:
    if not directories:
        return (MIGRATING_DIRECTORY,) * len(replicas)  # written before directories were recorded (KIP-858)
    if len(directories) != len(replicas):
        raise ReplayError(f"a partition has {len(replicas)} replicas and {len(directories)} directories")
    return tuple(directories)
