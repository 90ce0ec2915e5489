"""The sticky assignor: tasks stay where they were as far as the load lets them, then go where a standby kept their
state, then to whoever has the least to do (KIP-1071).

Active tasks come first, then standby ones, of tasks that keep state, each in another process than the active one.
Where members are equal the choice is the one that Apache's makes. Apache: StickyTaskAssignor, ProcessState.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kafkapy.coordinator.java_hash import java_order
from kafkapy.coordinator.streams.configured_topology import ConfiguredSubtopology
from kafkapy.coordinator.streams.load_queue import LoadQueue
from kafkapy.coordinator.streams.tasks import Numbers, Tasks

log = logging.getLogger(__name__)


class MemberSpec(NamedTuple):
    """A member: its process, and the tasks that it was to have so far."""

    process_id: str
    before: Tasks


class _Task(NamedTuple):
    subtopology_id: str
    partition: int


class _Member(NamedTuple):
    process_id: str
    member_id: str


@dataclass
class _Process:
    """A process with its members, and what they were given."""

    task_counts: dict[str, int] = field(default_factory=dict)  # by member id
    tasks: set[_Task] = field(default_factory=set)
    active: dict[str, set[_Task]] = field(default_factory=dict)
    standby: dict[str, set[_Task]] = field(default_factory=dict)
    members_by_load: LoadQueue[str] | None = None

    @property
    def load(self) -> float:
        return sum(self.task_counts.values()) / len(self.task_counts)

    def give(self, member_id: str, task: _Task, *, is_active: bool) -> int:
        """Give the member the task; the result is how many it has now."""
        self.members_by_load = None
        return self._give(member_id, task, is_active)

    def give_least_loaded(self, task: _Task, *, is_active: bool) -> int:
        if self.members_by_load is None:
            self.members_by_load = LoadQueue(
                lambda member_id: self.task_counts[member_id], java_order(self.task_counts)
            )
        member_id = self.members_by_load.take()
        assert member_id is not None, "a process has a member"
        count = self._give(member_id, task, is_active)
        self.members_by_load.put(member_id)
        return count

    def _give(self, member_id: str, task: _Task, is_active: bool) -> int:
        self.tasks.add(task)
        (self.active if is_active else self.standby).setdefault(member_id, set()).add(task)
        self.task_counts[member_id] += 1
        return self.task_counts[member_id]


class _Quota:
    """How many tasks a member may be given before others have theirs; full members make it grow for the rest."""

    def __init__(self, tasks: int, members: int) -> None:
        self._tasks, self._members = tasks, members
        self.per_member = self._share()

    def _share(self) -> int:
        return -(-self._tasks // self._members) if self._members else 0

    def note(self, count: int) -> None:
        """A member has that many tasks now."""
        if count == self.per_member:
            self._members -= 1
            self._tasks -= count
            self.per_member = self._share()


def assign_sticky(
    members: Mapping[str, MemberSpec], subtopologies: Mapping[str, ConfiguredSubtopology], standby_replicas: int
) -> dict[str, Tasks]:
    """What each member is to have; subtopologies come in the order of their ids."""
    return _Assigning(members, subtopologies, standby_replicas).assign()


class _Assigning:
    def __init__(
        self, members: Mapping[str, MemberSpec], subtopologies: Mapping[str, ConfiguredSubtopology], replicas: int
    ) -> None:
        self._members = members
        self._subtopologies = subtopologies
        self._replicas = replicas
        active = sum(one.task_count for one in subtopologies.values())
        stateful = sum(one.task_count for one in subtopologies.values() if one.is_stateful)
        self._active_quota = _Quota(active, len(members))
        self._quota = _Quota(active + stateful * replicas, len(members))
        self._processes: dict[str, _Process] = {}
        self._had_active: dict[_Task, _Member] = {}
        self._had_standby: dict[_Task, list[_Member]] = {}
        for member_id in java_order(members):
            process_id, before = members[member_id]
            member = _Member(process_id, member_id)
            self._processes.setdefault(process_id, _Process()).task_counts[member_id] = 0
            for task in _tasks(before.active):
                self._had_active[task] = member
            for task in _tasks(before.standby):
                self._had_standby.setdefault(task, []).append(member)

    def assign(self) -> dict[str, Tasks]:
        self._assign_active(self._all_tasks(stateful_only=False))
        if self._replicas:
            self._assign_standby(self._all_tasks(stateful_only=True))
        return {
            member_id: Tasks(
                _numbers(self._processes[spec.process_id].active.get(member_id, ())),
                _numbers(self._processes[spec.process_id].standby.get(member_id, ())),
            )
            for member_id, spec in self._members.items()
        }

    def _all_tasks(self, *, stateful_only: bool) -> list[_Task]:
        return [
            _Task(subtopology_id, partition)
            for subtopology_id, one in self._subtopologies.items()
            if one.is_stateful or not stateful_only
            for partition in range(one.task_count)
        ]

    def _by_load(self) -> LoadQueue[_Process]:
        processes = [self._processes[one] for one in java_order(self._processes, len(self._members))]
        return LoadQueue(lambda process: process.load, processes)

    def _is_below(self, quota: _Quota, member: _Member) -> bool:
        return self._processes[member.process_id].task_counts[member.member_id] < quota.per_member

    # Active tasks

    def _assign_active(self, tasks: list[_Task]) -> None:
        left = []
        # Partition by partition: equal partitions of several subtopologies go together.
        for task in sorted(tasks, key=_partition_first):
            if not self._give_active(self._had_active.get(task), task):
                left.append(task)
        rest = [task for task in left if not self._give_active(self._least_loaded(task, None), task)]
        queue = self._by_load()
        for task in sorted(rest):
            process = queue.take()
            assert process is not None, "a group that is assigned has a member"
            self._note_active(process.give_least_loaded(task, is_active=True))
            queue.put(process)

    def _give_active(self, member: _Member | None, task: _Task) -> bool:
        if member is None or not self._is_below(self._active_quota, member):
            return False
        self._note_active(self._processes[member.process_id].give(member.member_id, task, is_active=True))
        return True

    def _note_active(self, count: int) -> None:
        self._active_quota.note(count)
        self._quota.note(count)

    def _least_loaded(self, task: _Task, without: _Task | None) -> _Member | None:
        """Of those that had it as a standby, the one with the least to do, in a process without the task `without`."""
        members = self._had_standby.get(task)
        if not members:
            return None
        found = first = members[0]
        load, count = self._load_of(found)
        for member in members[1:]:
            new_load, new_count = self._load_of(member)
            if new_load < load and new_count < count and not self._has(member, without):
                found, load, count = member, new_load, new_count
        # It is the first one's process that decides, whoever was found: so does Apache's.
        return None if self._has(first, without) else found

    def _load_of(self, member: _Member) -> tuple[float, int]:
        process = self._processes[member.process_id]
        return process.load, process.task_counts[member.member_id]

    def _has(self, member: _Member, task: _Task | None) -> bool:
        return task is not None and task in self._processes[member.process_id].tasks

    # Standby tasks

    def _assign_standby(self, tasks: list[_Task]) -> None:
        left: list[tuple[_Task, int]] = []
        for task in sorted(tasks, key=_partition_first, reverse=True):
            for given in range(self._replicas):
                member = self._standby_again(task)
                if member is None:
                    left.append((task, self._replicas - given))
                    break
                self._quota.note(self._processes[member.process_id].give(member.member_id, task, is_active=False))
        queue = self._by_load()
        for task, count in sorted(left, reverse=True):
            for given in range(count):
                if not self._give_standby(queue, task):
                    missing = count - given
                    log.warning("%d standby tasks of %s-%d find no process without it", missing, *task)
                    break

    def _standby_again(self, task: _Task) -> _Member | None:
        """Who had the task and may keep its state: as the active one, or as a standby."""
        member = self._had_active.get(task)
        if member is not None and not self._has(member, task) and self._is_below(self._quota, member):
            return member
        member = self._least_loaded(task, task)
        return member if member is not None and self._is_below(self._quota, member) else None

    def _give_standby(self, queue: LoadQueue[_Process], task: _Task) -> bool:
        """Give it to the process with the least load that does not have it yet."""
        passed: list[_Process] = []
        is_given = False
        while not is_given and (process := queue.take()) is not None:
            passed.append(process)
            if task not in process.tasks:
                self._quota.note(process.give_least_loaded(task, is_active=False))
                is_given = True
        for process in reversed(passed):
            queue.put(process)
        return is_given


def _tasks(numbers: Numbers) -> list[_Task]:
    return [_Task(subtopology_id, partition) for subtopology_id, found in numbers.items() for partition in found]


def _numbers(tasks: set[_Task] | tuple[()]) -> Numbers:
    found: dict[str, set[int]] = {}
    for task in tasks:
        found.setdefault(task.subtopology_id, set()).add(task.partition)
    return {subtopology_id: frozenset(partitions) for subtopology_id, partitions in found.items()}


def _partition_first(task: _Task) -> tuple[int, str]:
    return task.partition, task.subtopology_id
