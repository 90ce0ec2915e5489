"""The transaction index of a segment: which transactions ended there by being aborted.

Entries stand in the order in which the transactions ended. The file exists only where there is one. It is written at
once, and synced with its segment; what lies beyond the log's recovery point is made anew, and so is a file that is
damaged or lost (`aborted_recovery`). What a full disk keeps out waits in memory. Apache's classes: `TransactionIndex`,
`AbortedTxn`. KIP-98.

    .txnindex   34 bytes: version int16 0, producer id int64, first offset int64, last offset (the marker's) int64,
                last stable offset int64
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from kafkapy.storage.disk import Disk, File
from kafkapy.storage.index_file import flush_file, open_written

_ENTRY = struct.Struct(">hqqqq")
_VERSION = 0


class AbortedTransaction(NamedTuple):
    """A transaction of one producer in one partition that did not happen."""

    producer_id: int
    first_offset: int
    last_offset: int  # that of the marker
    last_stable_offset: int


def read_aborted(disk: Disk, path: str) -> list[AbortedTransaction]:
    """The entries of the file; none if there is no file. A last entry that is cut short is passed over."""
    try:
        data = disk.read(path)
    except FileNotFoundError:
        return []
    whole = len(data) // _ENTRY.size * _ENTRY.size
    return [AbortedTransaction(*entry[1:]) for entry in _ENTRY.iter_unpack(data[:whole])]


def encode_aborted(transactions: Iterable[AbortedTransaction]) -> bytes:
    """The content of a `.txnindex` file."""
    return b"".join(_ENTRY.pack(_VERSION, *transaction) for transaction in transactions)


class TransactionIndex:
    """The aborted transactions of one segment, all in memory once somebody asks."""

    __slots__ = ("_disk", "_entries", "_is_synced", "_written", "path")

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self.path = path
        self._entries: list[AbortedTransaction] | None = None  # None: not read yet
        self._written = 0  # how many of them are in the file
        self._is_synced = True

    @property
    def entries(self) -> list[AbortedTransaction]:
        """In the order of their markers. Raises OSError."""
        if self._entries is None:
            self._entries = read_aborted(self._disk, self.path)
            self._written = len(self._entries)
        return self._entries

    def append(self, transaction: AbortedTransaction) -> None:
        """Note a transaction whose marker lies behind those of all others; one that is known already is passed over."""
        entries = self.entries
        if entries and entries[-1].last_offset >= transaction.last_offset:
            return
        entries.append(transaction)
        self._is_synced = False
        with suppress(OSError):  # a full disk: the marker is in the log already; roll and close will tell
            self.written().close()

    @property
    def count(self) -> int:
        """How many entries there are. Raises OSError."""
        if self._entries is not None:
            return len(self._entries)
        try:
            return self._disk.size(self.path) // _ENTRY.size
        except FileNotFoundError:
            return 0

    def is_sane(self, base_offset: int) -> bool:
        """Whether the file, if there is one, can be the index of a segment that begins there. Raises OSError."""
        try:
            data = self._disk.read(self.path)
        except FileNotFoundError:
            return True
        if len(data) % _ENTRY.size:
            return False
        ended = base_offset - 1
        for version, _, first, last, _ in _ENTRY.iter_unpack(data):
            # Zeros, which a loss of power leaves where nothing was synced, are none: a marker lies behind its records.
            if version != _VERSION or first >= last or last <= ended:
                return False
            ended = last
        return True

    def replace(self, transactions: Iterable[AbortedTransaction]) -> None:
        """Hold these, and be durable. Raises OSError."""
        self._entries = list(transactions)
        if self._entries:
            self._disk.write(self.path, encode_aborted(self._entries), sync=True)
        else:
            with suppress(FileNotFoundError):
                self._disk.unlink(self.path)
        self._written = len(self._entries)
        self._is_synced = True

    def truncate_to(self, offset: int) -> None:
        """Forget the transactions that ended at `offset` or behind it. Raises OSError."""
        kept = [entry for entry in self.entries if entry.last_offset < offset]
        if len(kept) == len(self.entries):
            return
        self._entries = kept
        self._written = min(self._written, len(kept))
        self._is_synced = False
        if not kept:
            with suppress(FileNotFoundError):
                self._disk.unlink(self.path)
            self._is_synced = True
        else:
            self.written().close()

    @property
    def is_unsynced(self) -> bool:
        return not self._is_synced

    def flush(self, *, sync: bool) -> None:
        """Write what waits. Raises OSError, and then it still waits."""
        if self._is_synced or (not sync and self._written == len(self.entries)):
            return
        flush_file(self.written(), sync=sync)
        self._is_synced = sync

    def written(self) -> File:
        """The file, open, with all entries in it, for who syncs and closes it. Raises OSError."""
        entries = self.entries
        waiting = encode_aborted(entries[self._written :])
        file = open_written(self._disk, self.path, self._written * _ENTRY.size, waiting)
        self._written = len(entries)
        return file

    def overlapping(self, offset: int, end_offset: int) -> tuple[list[AbortedTransaction], bool]:
        """Those with records from `offset` to before `end_offset`; and whether later segments can have no more.

        Raises OSError.
        """
        found = []
        for entry in self.entries:
            if entry.last_offset >= offset and entry.first_offset < end_offset:
                found.append(entry)
            if entry.last_stable_offset >= end_offset:
                return found, True
        return found, False
