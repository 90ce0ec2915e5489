"""The transaction index of a segment: which transactions ended there by being aborted.

Entries stand in the order in which the transactions ended. The file exists only where there is one. Apache's classes:
`TransactionIndex`, `AbortedTxn`. KIP-98.

    .txnindex   34 bytes: version int16 0, producer id int64, first offset int64, last offset (the marker's) int64,
                last stable offset int64
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from kafkapy.storage.disk import Disk

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
