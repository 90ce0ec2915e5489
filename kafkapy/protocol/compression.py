"""Compression of record batches and message sets, by Kafka's numbers.

The codecs and their library are in `compressors`, which is imported with the first bytes that are compressed: it takes
1.5 MB, and a broker whose batches need not be opened never needs it. Apache's class: `CompressionType`.
"""

from __future__ import annotations

from enum import IntEnum

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes


class Compression(IntEnum):
    """The codec in the low three bits of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def compress(codec: Compression, data: Bytes, level: int | None = None, *, magic: int = 2) -> bytes:
    """`data` compressed, for a batch or wrapper message of format `magic`.

    `level` is in the codec's own range as in Kafka's compression.gzip.level (-1, 1-9), compression.lz4.level (1-17) and
    compression.zstd.level (-131072 to 22); None is Kafka's default. Snappy has no levels.
    """
    if codec is Compression.NONE:
        return bytes(data)
    from kafkapy.protocol import compressors  # noqa: PLC0415

    return compressors.compress(codec, data, level, magic)


def decompress(codec: Compression, data: Bytes, limit: int, *, magic: int = 2) -> bytes:
    """What `data`, from a batch or wrapper message of format `magic`, was before compression.

    Raises KafkaError(CORRUPT_MESSAGE) if the codec cannot read it, KafkaError(MESSAGE_TOO_LARGE) if it would be more
    than `limit` bytes. Several gzip members, or frames, in a row are read as one.
    """
    if codec is Compression.NONE:
        if len(data) > limit:
            raise too_large(codec, limit)
        return bytes(data)
    from kafkapy.protocol import compressors  # noqa: PLC0415

    return compressors.decompress(codec, data, limit, magic)


def too_large(codec: Compression, limit: int) -> KafkaError:
    """The error for data that becomes more than was allowed."""
    why = (
        f"{codec.name.lower()} data would decompress to more than the {limit} bytes allowed here; send smaller batches"
    )
    return KafkaError(ErrorCode.MESSAGE_TOO_LARGE, why)
