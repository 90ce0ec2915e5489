"""A queue that gives first who has the least load, and of several such the one that Java's would give.

Which of two equals comes first decides who gets a task, and an assignment is to be the one that Apache makes of the
same group. Java: `java.util.PriorityQueue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class LoadQueue(Generic[T]):
    """A binary heap; what changes its load must be taken out before, and put in again."""

    def __init__(self, load: Callable[[T], float], items: Iterable[T] = ()) -> None:
        self._load = load
        self._items: list[T] = []
        for item in items:
            self.put(item)

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: T) -> None:
        items, load = self._items, self._load
        at = len(items)
        items.append(item)
        while at:
            parent = (at - 1) // 2
            if load(item) >= load(items[parent]):
                break
            items[at] = items[parent]
            at = parent
        items[at] = item

    def take(self) -> T | None:
        """Take out the first, if there is one."""
        items, load = self._items, self._load
        if not items:
            return None
        first, last = items[0], items.pop()
        if not items:
            return first
        at, size = 0, len(items)
        while (child := 2 * at + 1) < size:
            if child + 1 < size and load(items[child]) > load(items[child + 1]):
                child += 1
            if load(last) <= load(items[child]):
                break
            items[at] = items[child]
            at = child
        items[at] = last
        return first
