"""The end of a transaction in a partition's log: a control batch of one record, the marker.

Its key says commit or abort, its value the epoch of the coordinator that had it written; the batch itself carries the
producer's id and epoch. Apache's classes: `EndTransactionMarker`, `ControlRecordType`. KIP-98.

    key    4 bytes: version int16 0, type int16 (0 abort, 1 commit)
    value  6 bytes: version int16 0, coordinator epoch int32
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from kafkapy.protocol.batch import Record, build_batch

_KEY = struct.Struct(">hh")
_VALUE = struct.Struct(">hi")
_VERSION = 0
_ABORT, _COMMIT = 0, 1


class Marker(NamedTuple):
    """What a marker says."""

    is_commit: bool
    coordinator_epoch: int


def read_marker(record: Record) -> Marker | None:
    """What the control record says of a transaction; None if it is about something else, or cannot be read."""
    key, value = record.key, record.value
    if key is None or value is None or len(key) < _KEY.size or len(value) < _VALUE.size:
        return None
    kind = _KEY.unpack_from(key)[1]
    return Marker(kind == _COMMIT, _VALUE.unpack_from(value)[1]) if kind in (_ABORT, _COMMIT) else None


def build_marker(producer_id: int, producer_epoch: int, marker: Marker, now_ms: int) -> bytes:
    """The control batch that ends the producer's transaction."""
    key = _KEY.pack(_VERSION, _COMMIT if marker.is_commit else _ABORT)
    record = Record(0, now_ms, key, _VALUE.pack(_VERSION, marker.coordinator_epoch))
    return build_batch(
        [record], producer_id=producer_id, producer_epoch=producer_epoch, transactional=True, control=True
    )
