"""What a partition knows of its idempotent and transactional producers: epochs, and the last batches' sequences.

A producer's batches are numbered without gaps. A batch that is among the last five is a duplicate, and gets the answer
the first one got; any other that does not follow the last is refused. The state is a function of the log: it equals
what replaying every batch gives, and a `.snapshot` file, named by the offset up to which it holds, only saves the
replay. Of transactions it knows which are open, and which have ended behind the high watermark: readers of committed
records read to before the first of these. Apache's classes: `ProducerStateManager`, `ProducerStateEntry`,
`ProducerAppendInfo`. KIP-98.

    .snapshot   int16 version 1, uint32 CRC-32C of all behind it, int32 count, and for each producer: id int64,
                epoch int16, last sequence int32, last offset int64, offset delta int32, timestamp int64,
                coordinator epoch int32, first offset of its open transaction int64
"""

from __future__ import annotations

import logging
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from crc32c import crc32c

from kafkapy.protocol.batch import MAGIC, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, BatchHeader, Record, add_sequence
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker, read_marker
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.discarded import Discard, discard_file
from kafkapy.storage.disk import Disk
from kafkapy.storage.segment import file_name

SNAPSHOT_SUFFIX = ".snapshot"
DEFAULT_EXPIRATION_MS = 86_400_000  # producer.id.expiration.ms
_BATCHES_KEPT = 5
_HEAD = struct.Struct(">hIi")
_ENTRY = struct.Struct(">qhiqiqiq")
_CRC_END = 6
_VERSION = 1
_NO_EPOCH = -1
_NO_OFFSET = -1
_EPOCH_PER_TRANSACTION = 2  # transaction.version
_LAST_EPOCH = 2**15 - 1
logger = logging.getLogger(__name__)


class SequencedBatch(NamedTuple):
    """What is remembered of a batch."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_sequence(self) -> int:
        return add_sequence(self.last_sequence, -self.offset_delta)

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


class LastOfProducer(NamedTuple):
    """Where the log says where a producer is: the end of its last data batch, None if all that is left is a marker."""

    offset: int | None
    epoch: int


class Producer:
    """One producer id's state in one partition."""

    __slots__ = ("batches", "coordinator_epoch", "epoch", "last_timestamp", "transaction_first_offset")

    def __init__(self) -> None:
        self.epoch = _NO_EPOCH
        self.batches: deque[SequencedBatch] = deque(maxlen=_BATCHES_KEPT)
        self.coordinator_epoch = -1
        self.last_timestamp = NO_TIMESTAMP
        self.transaction_first_offset = _NO_OFFSET

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    def take_epoch(self, epoch: int) -> None:
        if epoch != self.epoch:
            self.batches.clear()
            self.epoch = epoch

    def recall(self, earlier: Producer) -> None:
        """Know the batches up to the first that is known, too, if they lead to it."""
        for at, batch in enumerate(earlier.batches):
            if self.batches and batch.last_offset == self.batches[0].last_offset:
                # A snapshot has one timestamp, which is that of a transaction's marker if one came last.
                self.batches = deque([*list(earlier.batches)[: at + 1], *list(self.batches)[1:]], _BATCHES_KEPT)

    def add(self, header: BatchHeader) -> None:
        """Remember a data batch as the last."""
        self.take_epoch(header.producer_epoch)
        last_offset = header.base_offset + header.last_offset_delta
        self.batches.append(
            SequencedBatch(header.last_sequence, last_offset, header.last_offset_delta, header.max_timestamp)
        )
        self.last_timestamp = header.max_timestamp


class Verification(NamedTuple):
    """A producer's batches wait for the coordinator's word that its transaction may begin here; since when."""

    epoch: int
    lowest_sequence: int
    begins_anew: bool  # the transaction has its own epoch, whose first batch has sequence 0
    since_ms: int


class Producers:
    """All producers of one partition, and their snapshot files."""

    __slots__ = (
        "_directory",
        "_disk",
        "by_id",
        "end_offset",
        "ended",
        "expiration_ms",
        "first_met",
        "open",
        "partition",
        "recall_before",
        "snapshot_offset",
        "snapshots",
        "verified",
    )

    def __init__(self, disk: Disk, directory: str, partition: str, expiration_ms: int = DEFAULT_EXPIRATION_MS) -> None:
        self._disk = disk
        self._directory = directory
        self.partition = partition
        self.expiration_ms = expiration_ms
        self.by_id: dict[int, Producer] = {}
        self.open: dict[int, int] = {}  # the first offset of each producer's open transaction, ascending
        self.verified: dict[
            int, Verification
        ] = {}  # who was asked about, and has written nothing since; not in the log
        self.ended: list[tuple[int, int]] = []  # first offset and marker's of those that may not be committed yet
        self.first_met: int | None = None  # the first offset of all transactions that were open since the log was
        self.end_offset = 0  # the state is that of the log up to here
        self.snapshot_offset = 0  # and there is no need of another snapshot up to here
        self.recall_before = 0  # of the batches before this offset, only each producer's last is known
        self.snapshots: list[int] = []  # offsets of the files, ascending

    # --- judging and taking in batches

    def find_duplicate(self, header: BatchHeader) -> SequencedBatch | None:
        """The batch of which this one is a repetition, as far as they are known; see `must_recall`."""
        producer = self.by_id.get(header.producer_id)
        if producer is None or producer.epoch != header.producer_epoch:
            return None
        last_sequence = header.last_sequence
        for batch in producer.batches:
            if batch.last_sequence == last_sequence and batch.first_sequence == header.base_sequence:
                return batch
        return None

    def must_recall(self, header: BatchHeader) -> bool:
        """Whether the batch may repeat one that is in the log, and is not known."""
        if not self.recall_before:
            return False
        producer = self.by_id.get(header.producer_id)
        return (
            producer is not None
            and producer.epoch == header.producer_epoch
            and header.base_sequence != add_sequence(producer.last_sequence, 1)
        )

    def begin_verification(self, header: BatchHeader, *, begins_anew: bool, now_ms: int) -> None:
        """The coordinator is asked whether the batch's transaction may begin here.

        Until one of its batches is written, none with a higher sequence than the lowest that was asked about is: that
        one may have been refused, and is sent again. Apache's class: `VerificationStateEntry`.
        """
        known = self.verified.get(header.producer_id)
        sequence = header.base_sequence
        if known is not None and known.epoch >= header.producer_epoch:
            if known.epoch == header.producer_epoch and sequence < known.lowest_sequence:
                self.verified[header.producer_id] = known._replace(lowest_sequence=sequence)
            return
        since_ms = now_ms if known is None else known.since_ms
        self.verified[header.producer_id] = Verification(header.producer_epoch, sequence, begins_anew, since_ms)

    def check(self, header: BatchHeader, *, sequence: bool) -> None:
        """Refuse a batch of an old epoch, and, if `sequence`, one that does not follow the producer's last.

        Raises KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE for a batch outside
        of the transaction that is open. A producer that is not known may begin anywhere.
        """
        producer = self.by_id.get(header.producer_id)
        epoch = _NO_EPOCH if producer is None else producer.epoch
        if header.producer_epoch < epoch:
            why = (
                f"producer {header.producer_id} of {self.partition} has epoch {header.producer_epoch}, "
                f"a newer one with epoch {epoch} has taken its place"
            )
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, why)
        if sequence:
            self._check_sequence(header, producer)
        if producer is not None and producer.transaction_first_offset != _NO_OFFSET and not header.is_transactional:
            why = f"producer {header.producer_id} of {self.partition} has a transaction open; end it first"
            raise KafkaError(ErrorCode.INVALID_TXN_STATE, why)

    def _check_sequence(self, header: BatchHeader, producer: Producer | None) -> None:
        who = f"producer {header.producer_id} of {self.partition}"
        if self.verified and (asked := self.verified.get(header.producer_id)) is not None:
            is_new = producer is None or not producer.batches
            if header.base_sequence > (0 if is_new and asked.begins_anew else asked.lowest_sequence):
                why = (
                    f"{who} sent sequence {header.base_sequence}, and one before it is not written yet: "
                    f"the first of the transaction is {asked.lowest_sequence}"
                )
                raise KafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, why)
        if producer is None:
            return
        if header.producer_epoch != producer.epoch:
            if header.base_sequence != 0 and producer.epoch != _NO_EPOCH:
                why = f"{who} begins epoch {header.producer_epoch} with sequence {header.base_sequence} instead of 0"
                raise KafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, why)
            return
        expected = add_sequence(producer.last_sequence, 1)
        if header.base_sequence != expected:
            why = f"{who} sent sequence {header.base_sequence} where {expected} follows"
            raise KafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, why)

    def check_marker(self, producer_id: int, epoch: int, coordinator_epoch: int, transaction_version: int) -> None:
        """Refuse a marker of an old epoch of the producer's or of its coordinator.

        From `transaction_version` 2 on every transaction has its own epoch, and the marker has the next one; one that
        comes again finds no transaction. Raises KafkaError(INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED).
        KIP-1228.
        """
        producer = self.by_id.get(producer_id)
        if producer is None:
            return
        is_own = transaction_version >= _EPOCH_PER_TRANSACTION and epoch == producer.epoch
        comes_again = producer.transaction_first_offset == _NO_OFFSET or epoch == _LAST_EPOCH
        if epoch < producer.epoch or (is_own and not comes_again):
            why = f"a marker of epoch {epoch} for producer {producer_id} of {self.partition}, in epoch {producer.epoch}"
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, why)
        if coordinator_epoch < producer.coordinator_epoch:
            why = (
                f"a marker of coordinator epoch {coordinator_epoch} for producer {producer_id} of {self.partition}, "
                f"whose coordinator is in epoch {producer.coordinator_epoch}"
            )
            raise KafkaError(ErrorCode.TRANSACTION_COORDINATOR_FENCED, why)

    def update(self, header: BatchHeader, control: Sequence[Record] = ()) -> AbortedTransaction | None:
        """Take in a batch of a producer that is in the log now; `control` are a control batch's records.

        There is one, the marker, or none once it was compacted away. What it ended by aborting is the result.
        """
        producer = self.by_id.get(header.producer_id)
        if producer is None:
            producer = self.by_id[header.producer_id] = Producer()
        if header.is_transactional and self.verified:
            self.verified.pop(header.producer_id, None)
        if header.is_control:
            return self._end(producer, header, read_marker(control[0]) if control else None)
        producer.add(header)
        if header.is_transactional and producer.transaction_first_offset == _NO_OFFSET:
            producer.transaction_first_offset = self.open[header.producer_id] = header.base_offset
            if self.first_met is None or header.base_offset < self.first_met:
                self.first_met = header.base_offset
        return None

    def _end(self, producer: Producer, header: BatchHeader, marker: Marker | None) -> AbortedTransaction | None:
        producer.take_epoch(header.producer_epoch)
        producer.last_timestamp = header.max_timestamp
        if marker is not None:
            producer.coordinator_epoch = marker.coordinator_epoch
        first_offset, producer.transaction_first_offset = producer.transaction_first_offset, _NO_OFFSET
        if self.open.pop(header.producer_id, None) is None:
            return None  # nothing of it was written here
        self.ended.append((first_offset, header.base_offset))
        if marker is None or marker.is_commit:
            return None
        still_open = next(iter(self.open.values()), header.base_offset + 1)
        return AbortedTransaction(header.producer_id, first_offset, header.base_offset, still_open)

    # --- transactions

    def has_open(self, producer_id: int, epoch: int) -> bool:
        """Whether a transaction of that producer, in that epoch, has records here and no end."""
        producer = self.by_id.get(producer_id)
        return producer is not None and producer.transaction_first_offset != _NO_OFFSET and producer.epoch == epoch

    def first_unstable_offset(self) -> int | None:
        """Where the first transaction began that is open, or whose marker was not committed; None without any."""
        first = next(iter(self.open.values()), None)
        if self.ended:
            ended = min(self.ended)[0]
            first = ended if first is None else min(first, ended)
        return first

    def first_open(self, end_offset: int) -> int:
        """Where the first transaction began that is open, or the log's end."""
        return next(iter(self.open.values()), end_offset)

    def committed_to(self, high_watermark: int) -> None:
        """All below is committed: transactions that ended there are decided."""
        self.ended = [ended for ended in self.ended if ended[1] >= high_watermark]

    def last_offsets(self) -> dict[int, LastOfProducer]:
        """For every producer, the batch that must stay for the log to know it."""
        return {
            producer_id: LastOfProducer(producer.batches[-1].last_offset if producer.batches else None, producer.epoch)
            for producer_id, producer in self.by_id.items()
        }

    def expire(self, now_ms: int) -> None:
        """Forget the producers that have been silent for `expiration_ms` and have no transaction open."""
        gone = [producer_id for producer_id, producer in self.by_id.items() if self._is_expired(producer, now_ms)]
        for producer_id in gone:
            del self.by_id[producer_id]
        late_ms = now_ms - self.expiration_ms
        self.verified = {key: one for key, one in self.verified.items() if one.since_ms > late_ms}

    def _is_expired(self, producer: Producer, now_ms: int) -> bool:
        return (
            producer.transaction_first_offset == _NO_OFFSET and now_ms - producer.last_timestamp >= self.expiration_ms
        )

    # --- snapshots

    def find_snapshots(self, names: list[str]) -> None:
        """Learn from the directory's file names which snapshots there are."""
        self.snapshots = sorted(
            int(name[: -len(SNAPSHOT_SUFFIX)])
            for name in names
            if name.endswith(SNAPSHOT_SUFFIX) and name[: -len(SNAPSHOT_SUFFIX)].isdecimal()
        )

    def reload(self, log_start_offset: int, offset: int, now_ms: int) -> None:
        """Become the newest snapshot that is not beyond `offset`; `end_offset` says how far that one reaches.

        Snapshots beyond `offset` are removed, and those that cannot be read are passed over.
        """
        self._forget_all()
        self.end_offset = self.snapshot_offset = log_start_offset
        self.recall_before = 0
        for at in [at for at in self.snapshots if at > offset or at <= log_start_offset]:
            self._remove(at)
        while self.snapshots:
            at = self.snapshots[-1]
            try:
                self.by_id = decode_snapshot(self._disk.read(self._path(at)))
            except (SnapshotError, FileNotFoundError) as error:
                logger.warning("producer snapshot %s is passed over: %s", self._path(at), error)
                # Its file stays: after a clean stop, a log without any is taken to have no producers.
                self.snapshots.remove(at)
                continue
            self.expire(now_ms)
            began = {key: one.transaction_first_offset for key, one in self.by_id.items()}
            began = {key: first for key, first in began.items() if first != _NO_OFFSET}
            self.open = dict(sorted(began.items(), key=lambda item: item[1]))
            met = [*self.open.values(), *(() if self.first_met is None else (self.first_met,))]
            self.first_met = min(met, default=None)
            self.end_offset = self.snapshot_offset = at
            self.recall_before = at if self.by_id else 0
            return

    def take_snapshot(self, *, sync: bool) -> None:
        """Write the state as it is at `end_offset`, unless there is a snapshot of it."""
        if self.end_offset <= self.snapshot_offset:
            return
        self._disk.write(self._path(self.end_offset), encode_snapshot(self.by_id), sync=sync)
        if not self.snapshots or self.snapshots[-1] < self.end_offset:
            self.snapshots.append(self.end_offset)
        self.snapshot_offset = self.end_offset

    def remove_stray_snapshots(self, base_offsets: list[int]) -> None:
        """Keep a snapshot for each segment's beginning, and the newest one if it lies behind the last of them."""
        known = set(base_offsets)
        for at in list(self.snapshots):
            is_newest = at == self.snapshots[-1] and at > base_offsets[-1]
            if at not in known and not is_newest:
                self._remove(at)

    def remove_snapshots_before(self, offset: int, discard: Discard) -> None:
        for at in [at for at in self.snapshots if at < offset]:
            self._discard(at, discard)

    def remove_snapshots_at(self, offsets: Iterable[int], discard: Discard) -> None:
        for at in set(self.snapshots).intersection(offsets):
            self._discard(at, discard)

    def _discard(self, offset: int, discard: Discard) -> None:
        self.snapshots.remove(offset)
        with suppress(FileNotFoundError):
            discard_file(self._disk, self._path(offset), discard)

    def clear(self, offset: int) -> None:
        """Know nothing, as of a log that begins at `offset`."""
        self._forget_all()
        for at in list(self.snapshots):
            self._remove(at)
        self.end_offset = self.snapshot_offset = offset

    def _forget_all(self) -> None:
        self.by_id.clear()
        self.open.clear()
        self.verified.clear()
        self.ended.clear()

    def _path(self, offset: int) -> str:
        return f"{self._directory}/{file_name(offset, SNAPSHOT_SUFFIX)}"

    def _remove(self, offset: int) -> None:
        self.snapshots.remove(offset)
        if self._disk.exists(self._path(offset)):
            self._disk.unlink(self._path(offset))


class SnapshotError(Exception):
    """A snapshot file that does not hold what it should."""


def encode_snapshot(producers: dict[int, Producer]) -> bytes:
    """The content of a `.snapshot` file."""
    data = bytearray(_HEAD.pack(_VERSION, 0, len(producers)))
    for producer_id, producer in producers.items():
        last = producer.batches[-1] if producer.batches else SequencedBatch(NO_SEQUENCE, _NO_OFFSET, 0, NO_TIMESTAMP)
        data += _ENTRY.pack(
            producer_id,
            producer.epoch,
            last.last_sequence,
            last.last_offset,
            last.offset_delta,
            producer.last_timestamp,
            producer.coordinator_epoch,
            producer.transaction_first_offset,
        )
    _HEAD.pack_into(data, 0, _VERSION, crc32c(memoryview(data)[_CRC_END:]), len(producers))
    return bytes(data)


def decode_snapshot(data: bytes) -> dict[int, Producer]:
    """The producers of a `.snapshot` file. Raises SnapshotError."""
    if len(data) < _HEAD.size:
        raise SnapshotError(f"{len(data)} bytes are no snapshot")
    version, crc, count = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise SnapshotError(f"version {version} is not known")
    if crc32c(memoryview(data)[_CRC_END:]) != crc:
        raise SnapshotError("its CRC-32C is not the one it states")
    if len(data) != _HEAD.size + count * _ENTRY.size:
        raise SnapshotError(f"{len(data)} bytes do not hold {count} producers")
    producers = {}
    for entry in _ENTRY.iter_unpack(memoryview(data)[_HEAD.size :]):
        producer_id, epoch, last_sequence, last_offset, offset_delta, timestamp, coordinator_epoch, first_offset = entry
        producer = producers[producer_id] = Producer()
        producer.epoch = epoch
        producer.last_timestamp = timestamp
        producer.coordinator_epoch = coordinator_epoch
        producer.transaction_first_offset = first_offset
        if last_offset >= 0:
            producer.batches.append(SequencedBatch(last_sequence, last_offset, offset_delta, timestamp))
    return producers


def has_producer(header: BatchHeader) -> bool:
    """Whether the batch comes from an idempotent or transactional producer."""
    return header.magic == MAGIC and header.producer_id != NO_PRODUCER_ID
