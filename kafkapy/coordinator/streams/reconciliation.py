"""How a member comes from the tasks that it has to those that it is to have, one heartbeat after the other.

    STABLE ──must give back──▶ UNREVOKED_TASKS ──gave back──▶ next epoch: STABLE or UNRELEASED_TASKS

An active task never has two owners, and no process has a task in two roles: its state lies in one directory. Apache:
CurrentAssignmentBuilder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafkapy.coordinator.streams.member import MemberState, StreamsMember
from kafkapy.coordinator.streams.tasks import HeldTasks, Numbers, Tasks, merged
from kafkapy.protocol.errors import ErrorCode, KafkaError


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a member is to go: what it is to have in `epoch`, and whether a task is still taken.

    `is_active(subtopology, partition)` says whether any process has the task as an active one, `is_held` whether the
    member's own process has it as a standby or warm-up task, `is_active_here` whether it has it as an active one.
    """

    epoch: int
    target: Tasks
    is_active: Callable[[str, int], bool]
    is_active_here: Callable[[str, int], bool]
    is_held_here: Callable[[str, int], bool]


@dataclass(slots=True)
class _Difference:
    kept: dict[str, frozenset[int]]
    lost: dict[str, frozenset[int]]
    free: dict[str, frozenset[int]]
    is_waiting: bool


def reconcile(member: StreamsMember, aim: Aim, owned: Tasks | None) -> StreamsMember:
    """The member after one step; `owned` is what it says that it has, None if it does not say.

    Raises KafkaError(FENCED_MEMBER_EPOCH) for a member in a state of a newer Kafka, unless it owns nothing.
    """
    match member.state:
        case MemberState.STABLE:
            return member if member.member_epoch == aim.epoch else _advance(member, member.member_epoch, aim, owned)
        case MemberState.UNREVOKED_TASKS:
            if owned is None or member.pending_revocation.has_any_of(owned):
                return member
            return _advance(member, member.member_epoch + 1, aim, owned)
        case MemberState.UNRELEASED_TASKS:
            return _advance(member, member.member_epoch, aim, owned)
    if owned != Tasks():
        why = "The streams group member is in a unknown state. The member must abandon all its tasks and rejoin."
        raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, why)
    return _advance(member, aim.epoch, aim, owned)


def _advance(member: StreamsMember, epoch: int, aim: Aim, owned: Tasks | None) -> StreamsMember:
    def is_taken(subtopology_id: str, partition: int) -> bool:
        return aim.is_active_here(subtopology_id, partition) or aim.is_held_here(subtopology_id, partition)

    def is_taken_for_active(subtopology_id: str, partition: int) -> bool:
        return aim.is_active(subtopology_id, partition) or aim.is_held_here(subtopology_id, partition)

    has, target = member.assigned, aim.target
    active = _difference(has.active_numbers, target.active, is_taken_for_active)
    standby = _difference(has.standby, target.standby, is_taken)
    warmup = _difference(has.warmup, target.warmup, is_taken)
    lost = HeldTasks(_since(has, active.lost), standby.lost, warmup.lost)
    kept = HeldTasks(_since(has, active.kept), standby.kept, warmup.kept)
    if not lost.is_empty and (owned is None or lost.has_any_of(owned)):
        return member.moved_to(epoch, MemberState.UNREVOKED_TASKS, kept, lost)
    is_waiting = active.is_waiting or standby.is_waiting or warmup.is_waiting
    state = MemberState.UNRELEASED_TASKS if is_waiting else MemberState.STABLE
    gets = {subtopology_id: dict.fromkeys(found, aim.epoch) for subtopology_id, found in active.free.items()}
    now_active = {
        subtopology_id: {**kept.active.get(subtopology_id, {}), **gets.get(subtopology_id, {})}
        for subtopology_id in dict.fromkeys([*kept.active, *gets])
    }
    assigned = HeldTasks(now_active, merged(standby.kept, standby.free), merged(warmup.kept, warmup.free))
    return member.moved_to(aim.epoch, state, assigned, HeldTasks())


def _difference(has: Numbers, target: Numbers, is_taken: Callable[[str, int], bool]) -> _Difference:
    found = _Difference({}, {}, {}, is_waiting=False)
    for subtopology_id in dict.fromkeys([*target, *has]):
        had, wanted = has.get(subtopology_id, frozenset()), target.get(subtopology_id, frozenset())
        gets = frozenset(partition for partition in wanted - had if not is_taken(subtopology_id, partition))
        found.is_waiting = found.is_waiting or gets != wanted - had
        for into, partitions in ((found.kept, had & wanted), (found.lost, had - wanted), (found.free, gets)):
            if partitions:
                into[subtopology_id] = partitions
    return found


def _since(has: HeldTasks, found: Numbers) -> Mapping[str, Mapping[int, int]]:
    """These active tasks, with the epochs in which the member got them."""
    return {
        subtopology_id: {partition: has.active[subtopology_id][partition] for partition in sorted(partitions)}
        for subtopology_id, partitions in found.items()
    }
