"""Copying a log into another directory, where it is to go on: batch by batch, while the log is appended to.

The copy, the future log, has the offsets, leader epochs and producers that the log has. It may be an older copy that a
stop left behind; what the log does not have is cut off then. `Log`s are not made for several threads: what looks at the
source belongs where it is appended to, and `take` may run beside that, since it touches only the copy. Apache's class:
`ReplicaAlterLogDirsThread`.
"""

from __future__ import annotations

import dataclasses

from kafkapy.protocol.batch import HEADER_SIZE, read_header, split_batches
from kafkapy.storage.aborted import read_aborted
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.segment import TRANSACTION_INDEX_SUFFIX, FileSlice

CHUNK_BYTES = 1 << 20


class FutureCopy:
    """One copy. Every method raises KafkaError, of which KAFKA_STORAGE_ERROR is for the disk of either log."""

    def __init__(self, source: Log, future: Log) -> None:
        self.source = source
        self.future = future

    def begin(self) -> None:
        """Cut off what the source does not have: it may have lost its end, and written other records there since."""
        future, source = self.future, self.source
        epoch = future.latest_epoch
        known, end = source.end_offset_for_epoch(epoch)
        if epoch >= 0 and known != epoch:
            future.start_at(source.log_start_offset)
        else:
            future.truncate_to(min(end, source.log_end_offset) if epoch >= 0 else source.log_end_offset)

    def next(self, max_bytes: int = CHUNK_BYTES, *, cached_only: bool = False) -> FileSlice | None:
        """What the copy has not yet, or the beginning of that; None if it has all. Raises ColdError as `Log.read`."""
        future, source = self.future, self.source
        future.config = self._config()
        if not source.log_start_offset <= future.log_end_offset <= source.log_end_offset:
            future.start_at(source.log_start_offset)  # retention, or DeleteRecords, was faster
        found = source.read(
            future.log_end_offset, min(max_bytes, CHUNK_BYTES), source.log_end_offset, cached_only=cached_only
        )
        if found is None and future.log_end_offset < source.log_end_offset:
            future.skip_to(source.log_end_offset)
        return found

    def is_rest(self, found: FileSlice | None) -> bool:
        """Whether the copy has all the source has, once it has taken that."""
        active = self.source.active
        return found is None or (found.file is active.file and found.position + found.size == active.size)

    def take(self, found: FileSlice) -> int:
        """Append the whole batches of what `next` gave; how many bytes that are."""
        data = memoryview(found.read())
        end = 0
        while len(data) - end >= HEADER_SIZE and end + (size := read_header(data, end).size) <= len(data):
            end += size
        _, first = next(split_batches(data[:end]))
        if first.base_offset < self.future.log_end_offset and not self.future.size:
            self.future.start_at(first.base_offset)  # the source begins within a batch
        self.future.append_as_follower(data[:end])
        return end

    def flush(self) -> None:
        """Make the copy durable as far as it goes."""
        self.future.flush()

    def finish(self) -> None:
        """Make the copy, which has all, the same as the source in every other way, and durable."""
        future, source = self.future, self.source
        future.config = source.config
        future.advance_log_start_offset(source.log_start_offset)
        try:
            self._copy_aborted()
        except OSError as error:
            raise future.disk_error("copying the transaction index", error) from error
        future.flush()

    def _copy_aborted(self) -> None:
        # What compaction left of a transaction need not say that it was aborted, nor where it began.
        future, source = self.future, self.source
        disk = source.disk
        names = [name for name in disk.list(source.directory) if name.endswith(TRANSACTION_INDEX_SUFFIX)]
        aborted = [found for name in sorted(names) for found in read_aborted(disk, f"{source.directory}/{name}")]
        ends = [segment.base_offset for segment in future.segments[1:]] + [future.log_end_offset]
        for segment, end in zip(future.segments, ends, strict=True):
            here = [found for found in aborted if segment.base_offset <= found.last_offset < end]
            if here != segment.transaction_index.entries:
                segment.transaction_index.replace(here)
        future.segments.has_aborted = source.segments.has_aborted

    def _config(self) -> LogConfig:
        # What was written under a larger segment.bytes is not refused now.
        config = self.source.config
        return dataclasses.replace(config, segment_bytes=max(config.segment_bytes, CHUNK_BYTES))
