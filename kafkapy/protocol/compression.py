"""The compression codecs of record batches and message sets, by Kafka's numbers."""

from __future__ import annotations

from enum import IntEnum

Bytes = bytes | bytearray | memoryview


class Compression(IntEnum):
    """The codec in the low three bits of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def compress(codec: Compression, data: Bytes, level: int | None = None) -> bytes:
    raise NotImplementedError


def decompress(codec: Compression, data: Bytes, limit: int) -> bytes:
    raise NotImplementedError
