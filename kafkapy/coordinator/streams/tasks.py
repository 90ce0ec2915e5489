"""The tasks of a streams group (KIP-1071): a task is one subtopology, working on one partition of what it reads.

A member's tasks are of three roles: active ones process records, standby ones keep a copy of an active one's state,
warm-up ones build such a copy in order to become active. Apache: TasksTuple, TasksTupleWithEpochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Numbers = Mapping[str, frozenset[int]]
"""Partitions by subtopology; what has none is not in it."""

Epochs = Mapping[str, Mapping[int, int]]
"""For each partition of a subtopology, the member's epoch when it got the task."""


class TaskIds(Protocol):
    """The tasks of one subtopology, as messages and records have them."""

    @property
    def subtopology_id(self) -> str: ...

    @property
    def partitions(self) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a member, by role."""

    active: Numbers = field(default_factory=dict)
    standby: Numbers = field(default_factory=dict)
    warmup: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldTasks:
    """The tasks that a member has, by role: active ones with the epoch in which it got each."""

    active: Epochs = field(default_factory=dict)
    standby: Numbers = field(default_factory=dict)
    warmup: Numbers = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.active or self.standby or self.warmup)

    @property
    def active_numbers(self) -> Numbers:
        return {subtopology_id: frozenset(found) for subtopology_id, found in self.active.items()}

    def has_any_of(self, tasks: Tasks) -> bool:
        """Whether some of the tasks are held, in the same role."""
        return any(
            not found.isdisjoint(held.get(subtopology_id, ()))
            for held, of in ((self.active, tasks.active), (self.standby, tasks.standby), (self.warmup, tasks.warmup))
            for subtopology_id, found in of.items()
        )

    def has_all_of(self, active: Numbers | None, standby: Numbers | None, warmup: Numbers | None) -> bool:
        """Whether all of the tasks are held; a role of which nothing is said is not shown to be."""
        return all(
            tasks is not None
            and all(held.get(subtopology_id, {}).keys() >= found for subtopology_id, found in tasks.items())
            for held, tasks in (
                (self.active, active),
                (_as_keys(self.standby), standby),
                (_as_keys(self.warmup), warmup),
            )
        )


def _as_keys(numbers: Numbers) -> Epochs:
    return {subtopology_id: dict.fromkeys(found, 0) for subtopology_id, found in numbers.items()}


def numbers_of(found: Iterable[TaskIds]) -> Numbers:
    """The tasks as a message or a record has them."""
    return {ids.subtopology_id: frozenset(ids.partitions) for ids in found}


def merged(one: Numbers, other: Numbers) -> Numbers:
    return {
        subtopology_id: one.get(subtopology_id, frozenset()) | other.get(subtopology_id, frozenset())
        for subtopology_id in dict.fromkeys([*one, *other])
    }
