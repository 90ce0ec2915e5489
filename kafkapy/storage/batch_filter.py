"""What compaction leaves of a batch: all of it, some of its records, its header alone, or nothing.

A record stays if it is the newest of its key; one without a value, a tombstone, for `delete_retention_ms` more from the
first cleaning that meets it, and the batch then carries that time, its delete horizon. Offsets, sequences and batch
boundaries never change. A batch without records stays where it says what nothing else does: a live producer's last
sequence, or the end of what was cleaned. Records of aborted transactions go; a transaction's marker stays until all its
records are gone, and then as long as a tombstone. Apache's classes: `Cleaner.cleanInto`, `MemoryRecords.filterTo`,
`CleanedTransactionMetadata`. KIP-534.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Mapping

from kafkapy.protocol.batch import BatchHeader, read_records
from kafkapy.protocol.octets import Bytes
from kafkapy.protocol.record_scan import ScannedRecord, batch_body, empty_batch, rebuild_batch, scan_records
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.offset_map import OffsetMap
from kafkapy.storage.producers import LastOfProducer

_CONTROL_KEY = struct.Struct(">hh")  # version, type
_ABORT, _COMMIT = 0, 1


class CleanedTransactions:
    """The transactions that are open where the cleaner is reading."""

    def __init__(self, aborted: Iterable[AbortedTransaction]) -> None:
        self._coming = [(transaction.first_offset, transaction) for transaction in aborted]
        heapq.heapify(self._coming)
        self._aborted: dict[int, tuple[AbortedTransaction, bool]] = {}  # by producer; whether records were met
        self._committed: set[int] = set()
        self.kept: list[AbortedTransaction] = []  # those of which something is left, for the new index

    def meet_data(self, header: BatchHeader) -> bool:
        """Whether the batch belongs to an aborted transaction."""
        self._advance(header.last_offset)
        if not header.is_transactional:
            return False
        found = self._aborted.get(header.producer_id)
        if found is None:
            self._committed.add(header.producer_id)
            return False
        self._aborted[header.producer_id] = (found[0], True)
        return True

    def meet_control(self, header: BatchHeader, data: Bytes) -> bool:
        """Whether nothing is left of the transaction that the marker ends."""
        self._advance(header.last_offset)
        records = read_records(data)
        if not records:
            return True
        key = records[0].key
        kind = _CONTROL_KEY.unpack_from(key)[1] if key is not None and len(key) >= _CONTROL_KEY.size else -1
        if kind == _ABORT:
            transaction, met = self._aborted.pop(header.producer_id, (None, False))
            if transaction is not None and met:
                self.kept.append(transaction)
            return not met
        if kind == _COMMIT:
            met = header.producer_id in self._committed
            self._committed.discard(header.producer_id)
            return not met
        return False

    def _advance(self, offset: int) -> None:
        while self._coming and self._coming[0][0] <= offset:
            transaction = heapq.heappop(self._coming)[1]
            self._aborted.setdefault(transaction.producer_id, (transaction, False))


class BatchFilter:
    """Judges the batches of one log in the order of their offsets."""

    def __init__(
        self,
        offsets: OffsetMap,
        transactions: CleanedTransactions,
        producers: Mapping[int, LastOfProducer],
        *,
        end_offset: int,
        delete_retention_ms: int,
        now_ms: int,
    ) -> None:
        self._offsets = offsets
        self._transactions = transactions
        self._producers = producers
        self._end_offset = end_offset
        self._delete_retention_ms = delete_retention_ms
        self._now_ms = now_ms

    def filter(self, header: BatchHeader, data: Bytes) -> tuple[BatchHeader, Bytes] | None:
        """What stays of the batch, None if nothing does. Raises KafkaError(CORRUPT_MESSAGE)."""
        is_over = header.has_delete_horizon and header.base_timestamp <= self._now_ms
        ended = False
        if header.is_control:
            ended = self._transactions.meet_control(header, data)
            drop = ended and is_over
        else:
            drop = self._transactions.meet_data(header)
        if drop or not header.record_count:
            return self._without_records(header)
        body = batch_body(data, header)
        records = scan_records(body, header)
        kept = records if header.is_control else self._kept(header, records, keep_tombstones=not is_over)
        if not kept:
            return self._without_records(header)
        waits = ended or any(tombstone for _, _, tombstone, _, _ in kept)
        if waits and not header.has_delete_horizon:
            return rebuild_batch(header, body, kept, self._now_ms + self._delete_retention_ms)
        if len(kept) == len(records):
            return header, data
        return rebuild_batch(header, body, kept, None)

    def _kept(self, header: BatchHeader, records: list[ScannedRecord], *, keep_tombstones: bool) -> list[ScannedRecord]:
        base, known = header.base_offset, self._offsets.latest_offset
        if base > known:
            return records
        # A record without a key cannot be compacted, and should not be here; it goes, as in Apache.
        keyed = [record for record in records if record[0] is not None or base + record[1] > known]
        newest = self._offsets.newest([record[0] or b"" for record in keyed])
        return [
            record
            for record, latest in zip(keyed, newest, strict=True)
            if (offset := base + record[1]) > known or (offset >= latest and (keep_tombstones or not record[2]))
        ]

    def _without_records(self, header: BatchHeader) -> tuple[BatchHeader, Bytes] | None:
        if self._is_last_of_producer(header) or header.next_offset == self._end_offset:
            return empty_batch(header)
        return None

    def _is_last_of_producer(self, header: BatchHeader) -> bool:
        last = self._producers.get(header.producer_id)
        if last is None:
            return False
        if last.offset is not None:
            return header.last_offset == last.offset
        return header.is_control and header.producer_epoch == last.epoch
