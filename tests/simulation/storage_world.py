"""A simulated log directory: what is done to it, what befalls it, and what it was told; see test_storage.py."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from memory_disk import CrashError, MemoryDisk
from storage_told import Told, start_in_checkpoint

from kafkapy.protocol.batch import Record, build_batch, check_crc, read_header, read_records, split_batches
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.storage.aborted import read_aborted
from kafkapy.storage.aborted_recovery import read_counts
from kafkapy.storage.cleaner import Cleaner
from kafkapy.storage.compaction import CompactionLimits
from kafkapy.storage.flush import Flush, due_flush, end_flush
from kafkapy.storage.ids import ZERO_ID
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir
from kafkapy.storage.retention import delete_old_segments

EPOCH_MS = 1_700_000_000_000
MOST_OPERATIONS = 40
STOPS = {"kill": 3, "power": 4, "stop": 4, "crash": 3, "crash and power": 3, "crash in stop": 2}
TROUBLE = {"none": 5, "once": 3, "full": 1, "sync": 1}
OPERATIONS = {
    "append": 60,
    "repeat": 5,
    "follow": 5,
    "flush": 4,
    "roll": 3,
    "checkpoint": 5,
    "begin_flush": 6,
    "begin_checkpoint": 4,
    "go_on": 20,
    "retain": 3,
    "delete_records": 2,
    "begin_epoch": 4,
    "truncate": 2,
    "compact": 4,
    "read": 3,
    "read_damage": 2,
    "delete": 1,
    "remove_deleted": 2,
}
ROTTING = (
    ".index",
    ".timeindex",
    ".txnindex",
    ".snapshot",
    "leader-epoch-checkpoint",
    "recovery-point-offset-checkpoint",
    "replication-offset-checkpoint",
    "aborted-transactions-checkpoint",
)
KEYS = [b"a", b"b", b"c", b"d", b"e"]
Key = tuple[str, int]


class World:
    """One seed's disk, the directory on it while somebody has it open, and what each partition was told."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.disk = MemoryDisk()
        self.now = EPOCH_MS
        self.log_dir: Any = None
        self.told: dict[Key, Told] = {}
        self._configs = {("t", n): self._config() for n in range(self.random.randint(1, 2))}
        self._leader_epoch = 0
        self._ids = 0
        self._last: dict[tuple[Key, int], bytes] = {}  # a producer's last acknowledged batch
        self._next: dict[tuple[Key, int], tuple[int, int]] = {}  # its epoch and next sequence
        self._may_fail = False
        self._power_lost = False
        self._in_flight: list[Iterator[None]] = []  # flushes and checkpoints that are not done yet

    def _config(self) -> LogConfig:
        random = self.random
        return LogConfig(
            segment_bytes=random.choice([400, 700, 2000, 1 << 20]),
            segment_ms=random.choice([20, 1000, 1 << 40]),
            segment_index_bytes=random.choice([48, 1 << 20]),
            index_interval_bytes=random.choice([0, 100, 300]),
            retention_ms=random.choice([-1, 500]),
            retention_bytes=random.choice([-1, 2000]),
            cleanup_policy=random.choice(
                [frozenset({"delete"}), frozenset({"compact"}), frozenset(("compact", "delete"))]
            ),
            min_cleanable_dirty_ratio=0.0,
            delete_retention_ms=random.choice([0, 100]),
            flush_messages=random.choice([1, 5, 1 << 60]),
            preallocate=random.random() < 0.3,
            file_delete_delay_ms=10,
        )

    # --- lives

    def live(self) -> None:
        """One life, from a start to an end of any kind."""
        random = self.random
        self._start()
        stop = pick(random, STOPS)
        trouble = pick(random, TROUBLE)
        count = random.randint(1, MOST_OPERATIONS)
        troubled = range(random.randrange(count), count) if trouble != "none" else range(0)
        healed = random.randint(troubled.start, count)
        try:
            if stop.startswith("crash") and stop != "crash in stop":
                self.disk.fail(random.randrange(1, 80), CrashError(), torn=random.random())
                troubled = range(0)
            for at in range(count):
                if at == troubled.start and troubled:
                    self._order(trouble)
                if at == healed and trouble == "full":
                    self.disk.heal()
                self._do(pick(random, OPERATIONS))
            self._end(stop)
        except CrashError:
            self._die(power=stop == "crash and power")

    def end(self) -> None:
        """A last start, to see what is left."""
        self._start()
        self._die(power=False)

    def _order(self, trouble: str) -> None:
        random = self.random
        self._may_fail = True
        error = OSError(random.choice([errno.ENOSPC, errno.EIO]), "the disk fails")
        if trouble == "once":
            self.disk.fail(random.randrange(1, 20), error, torn=random.random())
        elif trouble == "full":
            kinds = ("write", "create", "mkdir", "rename")
            self.disk.fail(random.randrange(1, 5), error, torn=random.random(), kinds=kinds, lasting=True)
        else:
            self.disk.fail(random.randrange(1, 5), error, kinds=("sync",))

    def _end(self, stop: str) -> None:
        if stop in ("kill", "power", "crash", "crash and power"):
            self._die(power=stop.endswith("power"))
            return
        self.disk.heal()
        self._in_flight.clear()
        if stop == "crash in stop":
            self.disk.fail(self.random.randrange(1, 20), CrashError(), torn=self.random.random())
        log_dir = self.log_dir
        ends = {key: log.log_end_offset for key, log in log_dir.logs.items() if not log.is_failed}
        try:
            log_dir.close(self._ends())
        except KafkaError as error:
            self._accept(error)
        for key, end in ends.items():
            self.told[key].durable = max(self.told[key].durable, end)
            self.told[key].branches.clear()
            self.told[key].start_on_disk = start_in_checkpoint(log_dir.logs[key])
        self._power_lost = False
        self.disk.crash(power=False)

    def _die(self, *, power: bool) -> None:
        self._in_flight.clear()
        if self.log_dir is not None:
            self.log_dir.release()
        self.log_dir = None
        self._power_lost = power
        self.disk.crash(power=power, random=self.random)

    def _start(self) -> None:
        """Open the directory, which may be cut short as often as it likes, and hold it to what was promised."""
        self._may_fail = False
        self._rot()
        powers = [self._power_lost]
        while True:
            if self.random.random() < 0.3:
                self.disk.fail(self.random.randrange(1, 40), CrashError(), torn=self.random.random())
            try:
                self.log_dir = LogDir.open(
                    Path("/data"),
                    disk=self.disk,
                    node_id=1,
                    clock=lambda: self.now,
                    config_of=lambda topic: self._configs["t", 0],
                )
                self.log_dir.begin()
                break
            except CrashError:
                self._die(power=self.random.random() < 0.3)
                powers.append(self._power_lost)
        self.disk.heal()
        self._cleaner = Cleaner("/data", self.disk, self.log_dir.logs)
        self._settle(power=any(powers))

    def _settle(self, *, power: bool) -> None:
        logs = self.log_dir.logs
        ids = {told.topic_id: key for key, told in self.told.items()}
        for key, log in list(logs.items()):
            told = self.told.get(key)
            lost_its_id = log.topic_id == ZERO_ID and told is not None and (told.durable or not power)
            if ids.get(log.topic_id) != key and not lost_its_id:
                self.log_dir.delete(*key)  # as the broker does with what it does not know
        for key, told in list(self.told.items()):
            log = logs.get(key)
            if log is None:
                assert not told.durable, f"{key} is gone"
                assert power or not told.is_made, f"{key} is gone"
                del self.told[key]
                continue
            log.topic_id = told.topic_id
            log.config = self._configs[key]
            told.is_made = True
            told.settle(log, power=power)
            mark = self.log_dir.high_watermarks.get(key, 0)
            assert mark <= log.log_end_offset
        for key in [key for key in self._last if key[0] not in self.told]:
            del self._last[key]

    def _rot(self) -> None:
        """Harm a file that can be made anew from others."""
        random = self.random
        if random.random() < 0.7:
            return
        files = {path: inode for path, inode in self.disk.files.items() if path.endswith(ROTTING)}
        if not files:
            return
        path = random.choice(sorted(files))
        data = files[path].data
        harm = random.choice(["cut", "garbage", "missing", "empty"])
        if path.endswith(".timeindex") and harm == "empty":
            return  # as good as an index of a log without timestamps
        if path.endswith(".txnindex") and harm in ("missing", "empty") and not self._is_noted(path):
            return  # as in a segment where nothing was aborted
        if harm == "missing":
            self.disk.unlink(path)
            self.disk.sync_dir(path.rpartition("/")[0])
        elif harm == "cut":
            del data[-3:]
            if path.endswith("checkpoint"):
                data.clear()  # a number cut short would be another number
        elif harm == "garbage":
            data[:] = b"\xff" * max(len(data), 3)
        else:
            data.clear()
        files[path].sync()

    def _is_noted(self, path: str) -> bool:
        """Whether it is written down how many entries the transaction index has."""
        directory, _, name = path.rpartition("/")
        known = read_counts(self.disk, directory)
        return known.get(int(name.partition(".")[0]), 0) >= len(read_aborted(self.disk, path)) > 0

    # --- what is done

    def _do(self, operation: str) -> None:
        self.now += self.random.choice([0, 1, 1, 5, 50])
        key = self.random.choice(sorted(self._configs))
        log = self._log(key)
        if log is None:
            return
        told = self.told[key]
        try:
            getattr(self, f"_{operation}")(key, log, told)
        except KafkaError as error:
            self._accept(error)
        except CrashError:
            told.note_start(log)
            raise
        if self.log_dir.logs.get(key) is log:
            told.note(log)

    def _accept(self, error: KafkaError) -> None:
        if error.code is not ErrorCode.KAFKA_STORAGE_ERROR or not self._may_fail:
            raise error

    def _log(self, key: Key) -> Log | None:
        found = self.log_dir.logs.get(key)
        if found is not None:
            return found  # type: ignore[no-any-return]
        self._ids += 1
        told = self.told[key] = Told(UUID(int=self._ids))
        for one in [one for one in self._last if one[0] == key]:
            del self._last[one]
        try:
            log: Log = self.log_dir.create(*key, told.topic_id, self._configs[key])
        except KafkaError as error:
            del self.told[key]
            self._accept(error)
            return None
        told.is_made = True
        return log

    def _ends(self) -> dict[Key, int]:
        return {key: log.log_end_offset for key, log in self.log_dir.logs.items()}

    def _records(self) -> list[Record]:
        random = self.random
        return [
            Record(
                at,
                self.now + random.choice([0, 0, 0, -30, 20]),
                random.choice(KEYS),
                None if random.random() < 0.1 else b"v" * random.choice([1, 8, 50]) + b"%d" % self.now,
            )
            for at in range(random.choice([1, 1, 2, 4]))
        ]

    def _append(self, key: Key, log: Log, told: Told) -> None:
        random = self.random
        compression = random.choice([Compression.NONE, Compression.NONE, Compression.LZ4])
        if random.random() < 0.4:
            self._write(log, told, build_batch(self._records(), compression=compression))
            return
        producer_id = random.choice([1, 2, 3, 11, 12])
        known = log.producers.by_id.get(producer_id)
        epoch, sequence = self._next.get((key, producer_id), (0, 0))
        lost_its_place = known is not None and (known.epoch, known.last_sequence + 1) != (epoch, sequence)
        if lost_its_place or random.random() < 0.05:
            epoch, sequence = max(epoch, known.epoch if known else 0) + 1, 0
        data = build_batch(
            self._records(),
            compression=compression,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
            transactional=producer_id > 10,
        )
        if self._write(log, told, data):
            self._last[key, producer_id] = data
            self._next[key, producer_id] = epoch, read_header(data).last_sequence + 1
        elif log.is_failed:
            self._last.pop((key, producer_id), None)
        if producer_id > 10 and random.random() < 0.4:
            marker = Record(0, self.now, struct.pack(">hh", 0, random.choice([0, 1])), struct.pack(">hi", 0, 7))
            data = build_batch(
                [marker], producer_id=producer_id, producer_epoch=epoch, transactional=True, control=True
            )
            self._write(log, told, data, from_client=False)

    def _write(self, log: Log, told: Told, data: bytes, *, from_client: bool = True) -> bool:
        """Whether it was acknowledged; what the disk refuses may or may not be there after the next start."""
        if log.is_failed:
            return False  # what was being written when it failed is in doubt; nothing can follow
        end = log.log_end_offset
        told.expect(data, end, self._leader_epoch)
        try:
            done = log.append_as_leader(data, self._leader_epoch, self.now, from_client=from_client)
        except KafkaError as error:
            if not log.is_failed:
                assert log.log_end_offset == end, "it was refused, and is there"
                told.refuse()
            self._accept(error)
            return False
        assert (done.base_offset, done.duplicate) == (end, False)
        assert done.last_offset == log.log_end_offset - 1
        told.acknowledge()
        return True

    def _repeat(self, key: Key, log: Log, told: Told) -> None:
        """What is sent again is recognised, if it is still in the log."""
        known = sorted(one for one in self._last if one[0] == key)
        if not known:
            return
        data = self._last[self.random.choice(known)]
        header = read_header(data)
        there = [
            batch
            for batch in told.batches
            if batch.producer[0] == header.producer_id and batch.base_offset >= log.log_start_offset
        ]
        if there and there[-1].producer == (header.producer_id, header.producer_epoch, header.base_sequence):
            done = log.append_as_leader(data, self._leader_epoch, self.now)
            assert (done.base_offset, done.duplicate) == (there[-1].base_offset, True)

    def _follow(self, key: Key, log: Log, told: Told) -> None:
        if log.is_failed:
            return
        base = log.log_end_offset + self.random.choice([0, 0, 3])
        records = [replace(record, offset=base + record.offset) for record in self._records()]
        data = build_batch(records, base_offset=base, leader_epoch=self._leader_epoch)
        told.expect(data, base, self._leader_epoch)
        try:
            log.append_as_follower(data, self.now)
        except KafkaError as error:
            if not log.is_failed:
                told.refuse()
            self._accept(error)
            return
        told.acknowledge()

    def _flush(self, key: Key, log: Log, told: Told) -> None:
        log.flush(self.now)
        # It waits for indexes that the disk refused; the batches are durable all the same.
        assert log.recovery_point <= log.log_end_offset

    def _roll(self, key: Key, log: Log, told: Told) -> None:
        log.roll(self.now)

    def _checkpoint(self, key: Key, log: Log, told: Told) -> None:
        for found in self.log_dir.logs.values():
            if not found.is_failed:
                found.flush_rolled()
        self.log_dir.checkpoint(self._ends())()
        for one, found in self.log_dir.logs.items():
            self.told[one].start_on_disk = start_in_checkpoint(found)

    # What is done beside the event loop is done in steps, and anything may happen between them.

    def _begin_flush(self, key: Key, log: Log, told: Told) -> None:
        log.config = replace(log.config, flush_ms=self.random.choice([0, 0, 1 << 60]))
        if (flush := due_flush(log, self.now)) is not None:
            self._in_flight.append(self._flushing(log, flush))

    @staticmethod
    def _flushing(log: Log, flush: Flush) -> Iterator[None]:
        flush.sync()
        yield
        end_flush(log, flush)

    def _begin_checkpoint(self, key: Key, log: Log, told: Told) -> None:
        starts = {one: (found, start_in_checkpoint(found)) for one, found in self.log_dir.logs.items()}
        self._in_flight.append(self._checkpointing(self.log_dir.checkpoint(self._ends()), starts))

    def _checkpointing(self, write: Callable[[], None], starts: dict[Key, tuple[Log, int]]) -> Iterator[None]:
        write()
        for key, (log, start) in starts.items():
            if self.log_dir.logs.get(key) is log:
                self.told[key].start_on_disk = min(start, self.told[key].start_on_disk)
        yield

    def _go_on(self, key: Key, log: Log, told: Told) -> None:
        """The next step of something that was begun."""
        if not self._in_flight:
            return
        step = self.random.choice(self._in_flight)
        try:
            next(step)
        except StopIteration:
            self._in_flight.remove(step)
        except KafkaError:
            self._in_flight.remove(step)
            raise

    def _retain(self, key: Key, log: Log, told: Told) -> None:
        delete_old_segments(log, self.random.randint(log.log_start_offset, log.log_end_offset), self.now)

    def _delete_records(self, key: Key, log: Log, told: Told) -> None:
        log.advance_log_start_offset(self.random.randint(log.log_start_offset, log.log_end_offset))

    def _begin_epoch(self, key: Key, log: Log, told: Told) -> None:
        self._leader_epoch += 1

    def _truncate(self, key: Key, log: Log, told: Told) -> None:
        """As a follower does: the checkpoints are written before anything is appended again."""
        # What is compacted is committed, as are the markers that it looked at; and what is committed is not truncated.
        least = max(told.compacted_to, told.decided_to, log.log_start_offset)
        offset = self.random.randint(min(least, log.log_end_offset), log.log_end_offset)
        if log.is_failed:
            return
        told.truncate(offset)
        for one in [one for one in self._last if one[0] == key]:
            del self._last[one]
        log.truncate_to(offset)
        told.durable = min(told.durable, log.log_end_offset)  # if no batch is left it may end before its start
        told.is_torn = False
        try:
            self._checkpoint(key, log, told)
        except KafkaError as error:
            self._accept(error)
            self.disk.heal()
            self._checkpoint(key, log, told)

    def _compact(self, key: Key, log: Log, told: Told) -> None:
        decided = {
            one: min(found.decided.offset, found.producers.first_open(found.log_end_offset))
            for one, found in self.log_dir.logs.items()
        }
        chosen = self._cleaner.pick(decided, self.now)
        if chosen is None:
            return
        of_the_chosen = self.told[chosen.log.topic, chosen.log.partition]
        # The markers of what has ended below lie behind it, and are durable.
        of_the_chosen.decided_to = max(of_the_chosen.decided_to, chosen.log.recovery_point)
        of_the_chosen.compacted_to = max(of_the_chosen.compacted_to, chosen.log.active.base_offset)
        try:
            for job in self._cleaner.clean(chosen, self.now, CompactionLimits(1 << 14)):
                job()
        except (KafkaError, OSError) as error:
            self._cleaner.fail(chosen.log, error)
            assert self._may_fail

    def _read(self, key: Key, log: Log, told: Told) -> None:
        """What a consumer gets."""
        if told.is_torn:
            return
        start, end = log.log_start_offset, log.log_end_offset
        offset = self.random.randint(start, end)
        limit = self.random.choice([batch.next_offset for batch in told.batches if batch.next_offset > offset] or [end])
        found = log.read(offset, self.random.choice([1, 500, 1 << 20]), limit)
        if found is None:
            assert told.compacted_to or offset >= limit or told.has_gap_at(offset)
            return
        data = found.read()
        position, header = next(split_batches(data[: read_header(data).size]))
        check_crc(data, position, header)
        assert header.last_offset >= offset
        assert told.knows(header, read_records(data[: header.size]))

    def _read_damage(self, key: Key, log: Log, told: Told) -> None:
        """Bytes that come back wrong are not taken for records."""
        if log.is_failed:
            return
        segment = self.random.choice(log.segments)
        batches = list(segment.headers(0))
        if not batches:
            return
        position, header = self.random.choice(batches)
        at = position + self.random.randrange(21, header.size)
        path = segment.path(".log")
        true = self.disk.files[path].data[at]
        wrong = self.disk.files[path].data[at] = true ^ self.random.randrange(1, 256)
        try:
            for found, records in log.replay(log.log_start_offset):
                assert told.knows(found, records)
        except KafkaError as error:
            assert error.code is ErrorCode.CORRUPT_MESSAGE  # noqa: PT017  # it may also not raise
        inode = self.disk.files[path]
        assert inode.data[at] == wrong
        inode.data[at] = true

    def _delete(self, key: Key, log: Log, told: Told) -> None:
        del self.told[key]
        try:
            self.log_dir.delete(*key)
        except KafkaError:
            self.told[key] = told
            raise

    def _remove_deleted(self, key: Key, log: Log, told: Told) -> None:
        self.log_dir.remove_deleted(self.now)


def pick(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]
