"""Drives state machines: append what an operation wants written, replay it, answer when it is committed.

Live path and recovery are one: `load` replays the machine's log from its start, and afterwards every change goes
through the log and the same `replay`. Alarms run operations at their time.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol, TypeVar, runtime_checkable

import trio

from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.batch import BatchHeader, Record, build_batch
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.marker import Marker, read_marker
from kafkapy.replication.partition import Partition
from kafkapy.storage.log import Appended

T = TypeVar("T")
logger = logging.getLogger(__name__)

_FEW = 64  # cancelled alarms that may lie about


class Machine(Protocol):
    """State that is the replay of a log."""

    def replay(self, record: Record) -> None:
        """Take one committed record in; the only thing that changes durable state."""


@runtime_checkable
class TransactionalMachine(Machine, Protocol):
    """One whose log has transactions, too."""

    def replay_in_transaction(self, producer_id: int, record: Record) -> None:
        """Take in a record that counts once the producer's transaction is committed."""

    def replay_marker(self, producer_id: int, *, is_commit: bool) -> None:
        """The producer's transaction has ended."""


@dataclass(slots=True)
class _Alarm:
    due: float  # never before its entry in the heap
    order: int  # of that entry
    action: Callable[[], None]


class Alarms:
    """Actions at their time, one per key. `run` is the task that carries them out."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, object]] = []
        self._alarms: dict[object, _Alarm] = {}
        self._order = count()
        self._changed = trio.Event()

    def set(self, key: object, at_ms: int, action: Callable[[], None]) -> None:
        """Do `action` at `at_ms`, in place of what the key stood for."""
        # Waiting goes by the monotonic clock: a step of the wall clock must not end every session at once.
        due = trio.current_time() + max(0, at_ms - self._clock()) / 1000
        known = self._alarms.get(key)
        if known is not None and known.due <= due:
            # As at every heartbeat: the entry in the heap stays, and when it comes up it is put back.
            known.due, known.action = due, action
            return
        order = next(self._order)
        self._alarms[key] = _Alarm(due, order, action)
        heapq.heappush(self._heap, (due, order, key))
        if len(self._heap) > 2 * len(self._alarms) + _FEW:
            self._forget_cancelled()
        if self._heap[0][1] == order:
            self._changed.set()

    def cancel(self, key: object) -> None:
        self._alarms.pop(key, None)

    def _forget_cancelled(self) -> None:
        # What was cancelled, or replaced by something earlier, must not pile up until it would be due.
        current = {alarm.order for alarm in self._alarms.values()}
        self._heap = [entry for entry in self._heap if entry[1] in current]
        heapq.heapify(self._heap)

    async def run(self) -> None:
        """Carry out actions as they fall due, for ever."""
        while True:
            self._changed = trio.Event()
            with trio.move_on_at(self._heap[0][0] if self._heap else math.inf):
                await self._changed.wait()
            await _let_sockets_be_read()
            self._do_due()

    def _do_due(self) -> None:
        while self._heap and self._heap[0][0] <= trio.current_time():
            due, order, key = heapq.heappop(self._heap)
            alarm = self._alarms.get(key)
            if alarm is None or alarm.order != order:
                continue  # cancelled, or set anew
            if alarm.due > due:
                heapq.heappush(self._heap, (alarm.due, order, key))
                continue
            del self._alarms[key]
            try:
                alarm.action()
            except Exception:
                logger.exception("an action that was due failed: %s", key)


async def _let_sockets_be_read() -> None:
    """What is due must not come before what was sent in time.

    A process that was stopped, or busy, for longer than a session would miss heartbeats that lie in its sockets.
    """
    # The look at the sockets that a deadline ended has found nothing; the next one finds them; then they are read.
    for _ in range(2):
        await trio.lowlevel.checkpoint()


class Runtime:
    """One state machine, the partition that holds its log, and its deadlines."""

    def __init__(self, partition: Partition, clock: Callable[[], int], alarms: Alarms) -> None:
        self.partition = partition
        self._clock = clock
        self._alarms = alarms
        self._machine: Machine | None = None

    def load(self, machine: Machine) -> None:
        """Bring the machine to where its log ends."""
        self._machine = machine
        for header, records in self.partition.log.replay(self.partition.log.log_start_offset):
            if header.is_transactional and isinstance(machine, TransactionalMachine):
                _replay_transactional(machine, header, records)
            elif not header.is_control:
                for record in records:
                    machine.replay(record)

    def run(self, operation: Callable[[int], Outcome[T]]) -> Promise[T]:
        """Run an operation; its promise is kept when what it wrote is committed."""
        now_ms = self._clock()
        return self._carry_out(operation(now_ms), now_ms)

    def run_in_transaction(
        self, producer_id: int, producer_epoch: int, operation: Callable[[int], Outcome[T]]
    ) -> Promise[T]:
        """Run an operation whose records count once the producer's transaction is committed."""
        now_ms = self._clock()
        return self._carry_out(operation(now_ms), now_ms, (producer_id, producer_epoch))

    def end_transaction(self, producer_id: int, epoch: int, marker: Marker, transaction_version: int) -> Appended:
        """Write that the producer's transaction has ended, and let its records count or not.

        Raises what `Partition.end_transaction` raises.
        """
        written = self.partition.end_transaction(producer_id, epoch, marker, transaction_version, self._clock())
        self._transactional.replay_marker(producer_id, is_commit=marker.is_commit)
        return written

    @property
    def _transactional(self) -> TransactionalMachine:
        assert isinstance(self._machine, TransactionalMachine), "only a log of offsets has transactions"
        return self._machine

    # What a coordinator knows as its `Timers`:

    def set(self, key: str, at_ms: int, operation: Callable[[int], Outcome[None]]) -> None:
        """Run `operation` at `at_ms`; a deadline of the same key is replaced."""

        def due() -> None:
            # The wall clock may have been set back: the operation must still see that its time has come.
            now_ms = max(self._clock(), at_ms)
            self.run(lambda _: operation(now_ms))

        self._alarms.set((self, key), at_ms, due)

    def cancel(self, key: str) -> None:
        self._alarms.cancel((self, key))

    def _carry_out(self, outcome: Outcome[T], now_ms: int, producer: tuple[int, int] | None = None) -> Promise[T]:
        """Append and replay what an operation wants; with a producer's id and epoch in that one's transaction."""
        records, reply, appended = outcome
        if not records:
            if appended is not None:
                appended(None)
            return reply
        for offset, record in enumerate(records):
            record.offset = offset
        if producer is None:
            assert self._machine is not None, "load comes before run"
            replay = self._machine.replay
            batch = build_batch(records)
        else:
            producer_id, epoch = producer
            replay = partial(self._transactional.replay_in_transaction, producer_id)
            batch = build_batch(records, producer_id=producer_id, producer_epoch=epoch, transactional=True)
        try:
            written = self.partition.append(batch, now_ms, from_client=False)
        except KafkaError as error:
            log = self.partition.log
            logger.error("%s-%d refused %d records: %s", log.topic, log.partition, len(records), error)
            if appended is not None:
                appended(error)
            return reply
        for offset, record in enumerate(records, written.base_offset):
            record.offset = offset
            replay(record)
        if appended is not None:
            self.partition.when_committed(written.last_offset, lambda: appended(None))
        return reply


def _replay_transactional(machine: TransactionalMachine, header: BatchHeader, records: list[Record]) -> None:
    if not header.is_control:
        for record in records:
            machine.replay_in_transaction(header.producer_id, record)
    elif records and (marker := read_marker(records[0])) is not None:
        machine.replay_marker(header.producer_id, is_commit=marker.is_commit)
