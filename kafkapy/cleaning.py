"""The task that keeps compacted logs clean: picks the dirtiest, and has its heavy work done in a worker thread.

One log is cleaned at a time. The logs themselves are touched on the event loop only, in steps as short as a few
renames. When the broker stops, the work in the thread is given up at its next batches, and its files with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import trio

from kafkapy.storage.checkpoint import TopicPartition
from kafkapy.storage.cleaner import Cleanable, Cleaner

# How long the event loop waits for a thread that computes: with Python's 5 ms every system call of the loop would take
# that long while a log is compacted.
_SWITCH_S = 0.0002


class Pace:
    """Holds a worker thread to so many bytes a second, and ends its work once its task is cancelled."""

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._begun = time.monotonic()
        self._bytes = 0

    def __call__(self, size: int) -> None:
        """`size` more bytes were read. Raises trio.Cancelled."""
        with suppress(RuntimeError):  # on the event loop itself, where a disk in memory has it, nobody can cancel it
            trio.from_thread.check_cancelled()
        self._bytes += size
        ahead_s = self._bytes / self._bytes_per_second - (time.monotonic() - self._begun)
        if ahead_s > _LEAST_PAUSE_S:
            time.sleep(min(ahead_s, _LONGEST_PAUSE_S))


_LEAST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.2  # a broker that stops waits no longer


async def keep_clean(
    cleaners: Sequence[Cleaner],
    stable_offsets: Callable[[], Mapping[TopicPartition, int]],
    clock: Callable[[], int],
    *,
    backoff_ms: int,
    bytes_per_second: float,
    aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
) -> None:
    """Compact what is dirty enough, for ever; rest for `backoff_ms` when nothing is.

    `aside` runs what takes long without holding up the event loop.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    while True:
        now_ms = clock()
        found = [
            (cleaner, cleanable)
            for cleaner in cleaners
            if (cleanable := cleaner.pick(stable_offsets(), now_ms)) is not None
        ]
        if found:
            cleaner, cleanable = max(found, key=lambda one: one[1].dirty_ratio)
            cleaned = await _clean(cleaner, cleanable, now_ms, Pace(bytes_per_second), aside)
        if not found or not cleaned:
            await trio.sleep(backoff_ms / 1000)


async def _clean(
    cleaner: Cleaner, cleanable: Cleanable, now_ms: int, pace: Pace, aside: Callable[..., Awaitable[Any]]
) -> bool:
    """Whether it could be done."""
    try:
        for job in cleaner.clean(cleanable, now_ms, pace):
            await aside(job)
    except Exception as error:  # one log's trouble must not end the cleaning of the others
        cleaner.fail(cleanable, error)
        return False
    return True
