"""What the storage tests share."""

from __future__ import annotations

from kafkapy.protocol.batch import Record, build_batch

NOW = 1_700_000_000_000


def batch(*values: str, timestamp: int = NOW, key: bytes | None = b"k", **options: object) -> bytes:
    """A producer's batch: base offset 0, one record for each value, a millisecond apart."""
    records = [Record(i, timestamp + i, key, value.encode()) for i, value in enumerate(values)]
    return build_batch(records, **options)  # type: ignore[arg-type]
