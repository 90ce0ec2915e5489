"""What each compression codec makes of bytes; see `compression`, which brings this in when it is first needed.

What is compressed here reads in every Kafka client: snappy in the framing of Java's library, lz4 in a frame of
independent 64 KB blocks, whose header checksum is as wrong as old clients expect it inside format v0 (KAFKA-3160).
What is decompressed may come from any client, and from an attacker: no more than `limit` bytes are ever made of it.
Apache's classes: `CompressionType`, `GzipCompression`, `SnappyCompression`, `Lz4BlockOutputStream`, `ZstdCompression`.
"""

from __future__ import annotations

import struct
from types import ModuleType

import cramjam
import xxhash

from kafkapy.protocol.compression import Compression, too_large
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes

_INT32 = struct.Struct(">i")
_UINT32_LE = struct.Struct("<I")

_GZIP_DEFAULT_LEVEL = 6  # what zlib makes of Kafka's -1
_ZSTD_DEFAULT_LEVEL = 3
_LZ4_DEFAULT_LEVEL = 9  # Kafka's way to say the fast compressor; any other level is the high compressor's own

_SNAPPY_MAGIC = b"\x82SNAPPY\0"
_SNAPPY_VERSION = 1
_SNAPPY_HEADER = _SNAPPY_MAGIC + _INT32.pack(_SNAPPY_VERSION) * 2  # the version, and the oldest that can read it
_SNAPPY_BLOCK_SIZE = 32 * 1024
_SNAPPY_BEST_RATIO = 22  # the densest element of the format is a copy: 64 bytes out of 3

_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_DESCRIPTOR = b"\x60\x40"  # version 1, independent blocks, no checksums; blocks of at most 64 KB
_LZ4_BLOCK_SIZE = 64 * 1024
_LZ4_STORED_BIT = 0x80000000
_LZ4_END = bytes(4)
_LZ4_CONTENT_SIZE_BIT = 0x08
_LZ4_DICTIONARY_BIT = 0x01

# The output buffer starts at a guess from the input's size and grows until the output fits or `limit` is reached.
_FIRST_GUESS = 64 * 1024
_GUESSED_RATIO = 8
_GROWTH = 4
_OUTPUT_FULL = "failed to write whole buffer"  # cramjam's words when the output buffer is too small


def compress(codec: Compression, data: Bytes, level: int | None, magic: int) -> bytes:
    """See `compression.compress`; for any codec but NONE."""
    if codec is Compression.GZIP:
        return bytes(cramjam.gzip.compress(data, _GZIP_DEFAULT_LEVEL if level in (None, -1) else level))
    if codec is Compression.SNAPPY:
        return _compress_snappy(data)
    if codec is Compression.LZ4:
        return _compress_lz4(data, level, magic)
    return bytes(cramjam.zstd.compress(data, _ZSTD_DEFAULT_LEVEL if level is None else level))


def decompress(codec: Compression, data: Bytes, limit: int, magic: int) -> bytes:
    """See `compression.decompress`; for any codec but NONE."""
    if codec is Compression.SNAPPY:
        return _decompress_snappy(data, limit)
    if codec is Compression.GZIP:
        return _decompress_bounded(cramjam.gzip, codec, data, limit)
    if codec is Compression.LZ4:
        frame = _with_true_lz4_checksum(data) if magic == 0 else data
        return _decompress_bounded(cramjam.lz4, codec, frame, limit)
    return _decompress_bounded(cramjam.zstd, codec, data, limit)


def _corrupt(codec: Compression, why: object) -> KafkaError:
    return KafkaError(ErrorCode.CORRUPT_MESSAGE, f"{codec.name.lower()} data cannot be decompressed: {why}")


def _decompress_bounded(library: ModuleType, codec: Compression, data: Bytes, limit: int) -> bytes:
    room = min(limit, max(_FIRST_GUESS, _GUESSED_RATIO * len(data)))
    while True:
        output = bytearray(room)
        try:
            size = library.decompress_into(data, output)
        except cramjam.DecompressionError as error:
            if _OUTPUT_FULL not in str(error):
                raise _corrupt(codec, error) from None
            if room >= limit:
                raise too_large(codec, limit) from None
        else:
            return bytes(memoryview(output)[:size])
        room = min(limit, room * _GROWTH)


# --- snappy: Java's library frames it, other clients may send one bare block


def _compress_snappy(data: Bytes) -> bytes:
    view = memoryview(data)
    parts = [_SNAPPY_HEADER]
    for start in range(0, len(view), _SNAPPY_BLOCK_SIZE):
        block = bytes(cramjam.snappy.compress_raw(view[start : start + _SNAPPY_BLOCK_SIZE]))
        parts += (_INT32.pack(len(block)), block)
    return b"".join(parts)


def _decompress_snappy(data: Bytes, limit: int) -> bytes:
    view = memoryview(data)
    if bytes(view[: len(_SNAPPY_MAGIC)]) != _SNAPPY_MAGIC:
        return _decompress_snappy_block(view, limit, limit)
    output = bytearray()
    at = 0
    while at < len(view):
        # Streams may follow one another: a header stands where a block could, as its size would be negative.
        if bytes(view[at : at + len(_SNAPPY_MAGIC)]) == _SNAPPY_MAGIC:
            at += len(_SNAPPY_HEADER)
            if at > len(view):
                raise _corrupt(Compression.SNAPPY, "the header is cut short")
            (oldest_reader,) = _INT32.unpack_from(view, at - _INT32.size)
            if oldest_reader > _SNAPPY_VERSION:
                raise _corrupt(Compression.SNAPPY, f"the framing asks for a reader of version {oldest_reader}")
            continue
        if at + _INT32.size > len(view):
            raise _corrupt(Compression.SNAPPY, "a block's size is cut short")
        (size,) = _INT32.unpack_from(view, at)
        at += _INT32.size
        if not 0 <= size <= len(view) - at:
            raise _corrupt(Compression.SNAPPY, f"a block of {size} bytes where {len(view) - at} are left")
        output += _decompress_snappy_block(view[at : at + size], limit - len(output), limit)
        at += size
    return bytes(output)


def _decompress_snappy_block(block: memoryview, room: int, limit: int) -> bytes:
    try:
        size = cramjam.snappy.decompress_raw_len(block)
        # The stated size is the sender's word: nothing is allocated for what so few bytes cannot hold.
        if size > _SNAPPY_BEST_RATIO * len(block):
            raise _corrupt(Compression.SNAPPY, f"{len(block)} bytes cannot hold the {size} they promise")
        if size > room:
            raise too_large(Compression.SNAPPY, limit)
        output = bytearray(size)
        written = cramjam.snappy.decompress_raw_into(block, output)
    except cramjam.DecompressionError as error:
        raise _corrupt(Compression.SNAPPY, error) from None
    if written != size:
        raise _corrupt(Compression.SNAPPY, f"{written} bytes where {size} were promised")
    return bytes(output)


# --- lz4


def _compress_lz4(data: Bytes, level: int | None, magic: int) -> bytes:
    view = memoryview(data)
    checksummed = _LZ4_MAGIC + _LZ4_DESCRIPTOR if magic == 0 else _LZ4_DESCRIPTOR
    parts = [_LZ4_MAGIC, _LZ4_DESCRIPTOR, _lz4_header_checksum(checksummed)]
    for start in range(0, len(view), _LZ4_BLOCK_SIZE):
        block = view[start : start + _LZ4_BLOCK_SIZE]
        if level in (None, _LZ4_DEFAULT_LEVEL):
            packed = bytes(cramjam.lz4.compress_block(block, store_size=False))
        else:
            packed = bytes(
                cramjam.lz4.compress_block(block, mode="high_compression", compression=level, store_size=False)
            )
        if len(packed) < len(block):
            parts += (_UINT32_LE.pack(len(packed)), packed)
        else:
            parts += (_UINT32_LE.pack(len(block) | _LZ4_STORED_BIT), bytes(block))
    parts.append(_LZ4_END)
    return b"".join(parts)


def _lz4_header_checksum(covered: bytes) -> bytes:
    return bytes([xxhash.xxh32_intdigest(covered) >> 8 & 0xFF])


def _with_true_lz4_checksum(data: Bytes) -> Bytes:
    """The frame with its header checksum put right: old clients let it cover the magic number too."""
    flags_at = len(_LZ4_MAGIC)
    if len(data) <= flags_at:
        return data
    flags = data[flags_at]
    checksum_at = flags_at + len(_LZ4_DESCRIPTOR)
    checksum_at += 8 if flags & _LZ4_CONTENT_SIZE_BIT else 0
    checksum_at += 4 if flags & _LZ4_DICTIONARY_BIT else 0
    if checksum_at >= len(data):
        return data
    frame = bytearray(data)
    frame[checksum_at : checksum_at + 1] = _lz4_header_checksum(bytes(frame[flags_at:checksum_at]))
    return frame
