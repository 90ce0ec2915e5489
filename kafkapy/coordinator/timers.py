"""Deadlines, as a coordinator asks for them; whoever drives it keeps the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kafkapy.coordinator.outcome import Outcome

Operation = Callable[[int], Outcome[None]]


class Timers(Protocol):
    """One deadline per key, in ms since the epoch. A deadline that came is forgotten."""

    def set(self, key: str, at_ms: int, operation: Operation) -> None:
        """Run `operation(now_ms)` at `at_ms` or soon after, as any other operation; replaces the key's deadline."""

    def cancel(self, key: str) -> None:
        """Forget the key's deadline, if it has one."""
