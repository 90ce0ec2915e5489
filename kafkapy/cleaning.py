"""The task that keeps compacted logs clean: the dirtiest are picked, and their heavy work is done in worker threads.

As many logs are cleaned at once as `log.cleaner.threads` says, each by one thread, and all threads together keep to
`log.cleaner.io.max.bytes.per.second`. The logs themselves are touched on the event loop only, in short steps. When the
broker stops, the work in the threads is given up at its next batches, and its files with it.
Apache's classes: `LogCleaner`, `CleanerConfig`, `Throttler`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import trio

from kafkapy.config.broker import BrokerConfig
from kafkapy.storage.checkpoint import TopicPartition
from kafkapy.storage.cleaner import Cleanable, Cleaner
from kafkapy.storage.compaction import CompactionLimits
from kafkapy.storage.log import Log

# How long the event loop waits for a thread that computes: with Python's 5 ms every system call of the loop would take
# that long while a log is compacted.
_SWITCH_S = 0.0002
_LEAST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.2  # a broker that stops waits no longer
_LARGEST_TABLE = 2**31 - 1


class CleanerSettings(NamedTuple):
    """What the broker's configuration allows all cleaning together, and one thread of it."""

    threads: int = 1
    limits: CompactionLimits = CompactionLimits()
    bytes_per_second: float = float("inf")  # read and written, by all threads
    backoff_ms: int = 15_000

    @classmethod
    def of(cls, config: BrokerConfig) -> CleanerSettings:
        """Each thread has its share of the buffers; of the one for reading and writing, each gets half."""
        threads = config.log_cleaner_threads
        limits = CompactionLimits(
            min(config.log_cleaner_dedupe_buffer_size // threads, _LARGEST_TABLE),
            config.log_cleaner_io_buffer_load_factor,
            config.log_cleaner_io_buffer_size // threads // 2,
        )
        return cls(threads, limits, config.log_cleaner_io_max_bytes_per_second, config.log_cleaner_backoff_ms)


class Pace:
    """Holds worker threads to so many bytes a second together, and ends a thread's work once its task is cancelled.

    The limit may change meanwhile. As in Apache, at 0 nothing moves and below there is no limit.
    """

    def __init__(
        self,
        bytes_per_second: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bytes_per_second = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._moved = 0.0  # bytes that were read and written, since ever
        self._allowed = 0.0  # of these, those for which there has been time
        self._at_s = clock()  # and when that was seen

    def __call__(self, size: int) -> None:
        """`size` more bytes were read or written. Raises trio.Cancelled."""
        with self._lock:
            self._pass_time()
            self._moved = mine = self._moved + size
        while (pause_s := self._pause_s(mine)) > 0:
            self._sleep(pause_s)

    def _pause_s(self, mine: float) -> float:
        _check_cancelled()
        with self._lock:
            rate = self._pass_time()
            ahead = mine - self._allowed
        if ahead <= rate * _LEAST_PAUSE_S:
            return 0
        return min(ahead / rate, _LONGEST_PAUSE_S) if rate else _LONGEST_PAUSE_S

    def _pass_time(self) -> float:
        now_s, rate = self._clock(), self._bytes_per_second()
        rate = sys.float_info.max if rate < 0 else min(rate, sys.float_info.max)
        # Time that nobody used is lost: the pace is one for every moment, not for the broker's life.
        self._allowed = min(self._allowed + rate * (now_s - self._at_s), self._moved)
        self._at_s = now_s
        return rate


def _check_cancelled() -> None:
    with suppress(RuntimeError):  # on the event loop itself, where a disk in memory has it, nobody can cancel it
        trio.from_thread.check_cancelled()


class Cleaning:
    """Cleans what is dirty enough in the directories of `cleaners`. `settings` are asked for anew at every look.

    `aside` runs what takes long without holding up the event loop.
    """

    def __init__(
        self,
        cleaners: Sequence[Cleaner],
        stable_offsets: Callable[[], Mapping[TopicPartition, int]],
        clock: Callable[[], int],
        settings: Callable[[], CleanerSettings],
        aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
    ) -> None:
        self._cleaners = cleaners
        self._stable_offsets = stable_offsets
        self._clock = clock
        self._settings = settings
        self._aside = aside
        self._pace = Pace(lambda: settings().bytes_per_second)
        self._at_work: set[Log] = set()
        self._woken = trio.Event()

    def wake(self) -> None:
        """Look for what is dirty without waiting any longer, as when the settings have changed."""
        self._woken.set()

    async def run(self) -> None:
        """Clean for ever; look again when a log is done, and every `log.cleaner.backoff.ms`."""
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        async with trio.open_nursery() as nursery:
            while True:
                self._woken = trio.Event()
                while len(self._at_work) < self._settings().threads and (found := self._pick()) is not None:
                    self._at_work.add(found[1].log)
                    nursery.start_soon(self._clean, *found)
                with trio.move_on_after(self._settings().backoff_ms / 1000):
                    await self._woken.wait()

    def _pick(self) -> tuple[Cleaner, Cleanable] | None:
        offsets, now_ms = self._stable_offsets(), self._clock()
        found = [
            (cleaner, cleanable)
            for cleaner in self._cleaners
            if (cleanable := cleaner.pick(offsets, now_ms, self._at_work)) is not None
        ]
        return max(found, key=lambda one: one[1].dirty_ratio, default=None)

    async def _clean(self, cleaner: Cleaner, cleanable: Cleanable) -> None:
        try:
            for job in cleaner.clean(cleanable, self._clock(), self._settings().limits, self._pace):
                await self._aside(job)
        except Exception as error:  # one log's trouble must not end the cleaning of the others
            cleaner.fail(cleanable.log, error)
        else:
            self.wake()
        finally:
            self._at_work.discard(cleanable.log)
