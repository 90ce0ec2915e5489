"""A directory that is written without a broker, and of which each gets a copy; what a client then finds in its logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafkapy.protocol.batch import BatchHeader, Record, build_batch, read_records, split_batches
from kafkapy.protocol.marker import Marker, build_marker
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.storage.aborted import read_aborted
from kafkapy.storage.disk import RealDisk
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

HOUR_MS = 3_600_000
READ_UNCOMMITTED, READ_COMMITTED = 0, 1


@contextmanager
def logs_in(data: Path) -> Iterator[dict[tuple[str, int], Log]]:
    """The logs of a directory that no broker has; closed cleanly afterwards."""
    options: dict[str, Any] = {"disk": RealDisk(), "node_id": 1, "clock": lambda: time.time_ns() // 1_000_000}
    log_dir = LogDir.open(data, config_of=lambda topic: LogConfig(), **options)
    log_dir.begin()
    yield log_dir.logs
    log_dir.close({key: log.log_end_offset for key, log in log_dir.logs.items()})


class Writer:
    """Producers that write to one log, each record a millisecond after the one before, beginning two hours ago."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.now_ms = time.time_ns() // 1_000_000 - 2 * HOUR_MS
        self._sequences: dict[tuple[int, int], int] = {}

    def send(
        self,
        producer_id: int,
        *items: tuple[bytes | None, bytes | None],
        epoch: int = 0,
        transactional: bool = True,
    ) -> None:
        """One batch of these keys and values; producer -1 is none."""
        self.now_ms += 1
        sequence = self._sequences.get((producer_id, epoch), 0)
        options: dict[str, Any] = {}
        if producer_id >= 0:
            options = {"producer_id": producer_id, "producer_epoch": epoch, "base_sequence": sequence}
        records = [Record(at, self.now_ms, key, value) for at, (key, value) in enumerate(items)]
        batch = build_batch(records, transactional=transactional and producer_id >= 0, **options)
        self.log.append_as_leader(batch, 0, self.now_ms)
        self._sequences[producer_id, epoch] = sequence + len(items)

    def end(self, producer_id: int, *, commit: bool, epoch: int = 0) -> None:
        """The marker of a transaction."""
        self.now_ms += 1
        marker = build_marker(producer_id, epoch, Marker(commit, 3), self.now_ms)
        self.log.append_as_leader(marker, 0, self.now_ms, from_client=False)

    def roll(self) -> None:
        self.log.roll(self.now_ms)


def on_disk(data: Path, topic: str, partition: int) -> list[Any]:
    """Each segment: its base offset, its batches with their records, and its transaction index.

    Apache Kafka begins a leader epoch with every start, so the epochs are not looked at.
    """
    found = []
    for path in sorted((data / f"{topic}-{partition}").glob("*.log")):
        content = path.read_bytes()
        batches = [_plain(header, content, at) for at, header in split_batches(content)]
        found.append((int(path.stem), batches, read_aborted(RealDisk(), str(path.with_suffix(".txnindex")))))
    return found


def _plain(header: BatchHeader, content: bytes, at: int) -> Any:
    records = [(one.offset, one.timestamp, one.key, one.value) for one in read_records(content, at)]
    flags = (header.is_control, header.is_transactional, header.has_delete_horizon)
    producer = (header.producer_id, header.producer_epoch, header.base_sequence)
    return (header.base_offset, header.last_offset, *producer, *flags, header.max_timestamp, records)


def read(client: Any, topic: str, partition: int, isolation: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of all that a consumer of this isolation level is given, which drops what was aborted."""
    found: list[tuple[int, bytes | None, bytes | None]] = []
    offset = 0
    while True:
        wanted = FetchPartition(partition, fetch_offset=offset, partition_max_bytes=1 << 20)
        topics = [FetchTopic(topic, partitions=[wanted])]
        request = FetchRequest(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, isolation_level=isolation, topics=topics)
        data = client.ask(FETCH, 12, request).responses[0].partitions[0]
        assert data.error_code == 0, data.error_code
        content = bytes(data.records or b"")
        if not content:
            return found
        pending = sorted((one.first_offset, one.producer_id) for one in data.aborted_transactions or ())
        aborted: set[int] = set()
        for at, header in split_batches(content, cut_is_end=True):
            while pending and pending[0][0] <= header.last_offset:
                aborted.add(pending.pop(0)[1])
            records = read_records(content, at)
            offset = header.next_offset
            if header.is_control:
                if records and records[0].key[:4] == b"\0\0\0\0":
                    aborted.discard(header.producer_id)
            elif not (header.is_transactional and header.producer_id in aborted):
                found += [(one.offset, one.key, one.value) for one in records]
