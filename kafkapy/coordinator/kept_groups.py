"""What the kinds of groups have in common whose state is in records: those of a shard, and what they saw of topics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

G = TypeVar("G")


class Refresh(NamedTuple):
    """When the group's topics were last looked at: which change of them was seen, and the group's epoch then."""

    change_count: int
    epoch: int


class KeptGroups(Generic[G]):
    """The groups of one kind in a shard, by id; only `replay` adds, changes or removes one.

    A group id is one kind of group's at a time: the first record of one takes the place of a classic group that only
    kept offsets, and any other classic group was deleted by the record before.
    """

    def __init__(self, new: Callable[[str], G], classic_groups: dict[str, Any]) -> None:
        self._new = new
        self._classic_groups = classic_groups
        self._groups: dict[str, G] = {}

    def get(self, group_id: str) -> G | None:
        return self._groups.get(group_id)

    def all(self) -> list[G]:
        return list(self._groups.values())

    def forget(self, group_id: str) -> None:
        """Another kind of group has the id now, or none."""
        self._groups.pop(group_id, None)

    def _of_record(self, group_id: str, value: object) -> G | None:
        """The group that a record is about, made if it is the first; None where there is nothing to delete."""
        group = self._groups.get(group_id)
        if group is None and value is not None:
            self._classic_groups.pop(group_id, None)
            group = self._groups[group_id] = self._new(group_id)
        return group
