"""Where replies wait: for data, for a commit, for the other members of a group, for the disk.

What waits here holds no lock and no buffer; a wait ends by what it waits for, by its time limit, or with the broker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

import trio

from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import Partition, Watcher
from kafkapy.storage.disk import ColdError

T = TypeVar("T")
R = TypeVar("R")


class Deadline:
    """A time so many milliseconds from now, whatever becomes of the wall clock."""

    def __init__(self, in_ms: int) -> None:
        self._at = trio.current_time() + in_ms / 1000

    @property
    def remaining_ms(self) -> float:
        """How long until then; never below 0."""
        return max(0.0, (self._at - trio.current_time()) * 1000)


class _Appetite:
    """A fetch that waits for so many bytes from any of its partitions."""

    def __init__(self, bytes_missing: int) -> None:
        self.bytes_missing = bytes_missing
        self.satisfied = trio.Event()

    def grew(self, size: int) -> None:
        self.bytes_missing -= size
        if self.bytes_missing <= 0 or size == 0:
            self.satisfied.set()


async def wait_for_data(
    partitions: Iterable[Partition], bytes_missing: int, max_wait_ms: float, *, committed_only: bool = False
) -> None:
    """Return once the partitions have grown by `bytes_missing` together, one of them changed hands, or time is up.

    With `committed_only` what an open transaction holds back does not count; the end of one does, whatever its size.
    """
    watched = [partition.stable_watchers if committed_only else partition.watchers for partition in partitions]
    await _wait_fed(watched, bytes_missing, max_wait_ms)


async def wait_for_news(watched: Iterable[set[Watcher]], max_wait_ms: float) -> None:
    """Return once those who have these watchers have told them anything, or time is up."""
    await _wait_fed(list(watched), 1, max_wait_ms)


async def _wait_fed(watched: Sequence[set[Watcher]], bytes_missing: int, max_wait_ms: float) -> None:
    appetite = _Appetite(bytes_missing)
    for watchers in watched:
        watchers.add(appetite)
    try:
        with trio.move_on_after(max_wait_ms / 1000):
            await appetite.satisfied.wait()
    finally:
        for watchers in watched:
            watchers.discard(appetite)


async def wait_warm(cold: Sequence[ColdError], aside: Callable[..., Awaitable[object]]) -> None:
    """Return once what was not in memory is, or cannot be brought there: who reads it then learns why."""

    def warm() -> None:
        for one in cold:
            with suppress(OSError, KafkaError):
                one.warm()

    await aside(warm)


async def wait_for(promise: Promise[T]) -> T:
    """The promise's value, when it is kept. Raises the KafkaError that it was broken with."""
    if not promise.is_done:
        kept = trio.Event()
        promise.when_done(lambda _: kept.set())
        await kept.wait()
    return promise.result()


def reply_to(promise: Promise[T]) -> T | Awaitable[T]:
    """What the promise holds already, or a coroutine that waits for it."""
    return promise.result() if promise.is_done else wait_for(promise)


def finish_with(promise: Promise[T], finish: Callable[[T], R]) -> R | Awaitable[R]:
    """What `finish` makes of the promise's value: at once if it is there, or a coroutine that waits for it."""
    return finish(promise.result()) if promise.is_done else _finish(promise, finish)


async def _finish(promise: Promise[T], finish: Callable[[T], R]) -> R:
    return finish(await wait_for(promise))


async def wait_committed(pending: Iterable[tuple[Partition, int]], timeout_ms: int) -> set[Partition]:
    """Wait until each partition has committed its offset; the result is those that had not when time was up."""
    missing = {partition for partition, _ in pending}
    done = trio.Event()

    def committed(partition: Partition) -> None:
        missing.discard(partition)
        if not missing:
            done.set()

    for partition, offset in pending:
        partition.when_committed(offset, lambda partition=partition: committed(partition))  # type: ignore[misc]
    if missing:
        with trio.move_on_after(timeout_ms / 1000):
            await done.wait()
    return set(missing)


def timed_out(partition: Partition) -> KafkaError:
    """What a producer is told whose record is in the leader's log and not yet in the others'."""
    why = f"{partition.topic}-{partition.index}: not all replicas in sync have the record yet"
    return KafkaError(ErrorCode.REQUEST_TIMED_OUT, why)


async def wait_ms(pause_ms: int) -> None:
    """Return after so long."""
    await trio.sleep(pause_ms / 1000)
