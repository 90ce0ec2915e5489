"""What becomes of the batches a leader is asked to append: judged, given offsets, and ready for one gathered write.

A batch's header is rewritten; its records stay the bytes they were, unless the topic's configuration asks to see them:
keys of a compacted topic, a limit to old timestamps, another compression. Nothing here touches the log. What is refused
and with which error is as in Apache's `UnifiedLog.analyzeAndValidateRecords` and `LogValidator`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crc32c import crc32c

from kafkapy.protocol.batch import (
    ASSIGNED,
    ASSIGNED_SIZE,
    ATTRIBUTES_OFFSET,
    COMPRESSION_BITS,
    HEADER,
    HEADER_SIZE,
    KNOWN_ATTRIBUTES,
    LEAST_RECORD_SIZE,
    LENGTH_END,
    LOG_APPEND_TIME_BIT,
    NO_TIMESTAMP,
    BatchHeader,
    Record,
    build_batch,
    check_crc,
    read_header,
    read_records,
    split_batches,
)
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError, RefusedRecordsError
from kafkapy.protocol.octets import Bytes
from kafkapy.storage.log_config import NO_LIMIT, LogConfig
from kafkapy.storage.producers import has_producer

_MAX_RECORDS_BYTES = 2**31 - 1
_CODECS = {
    "uncompressed": Compression.NONE,
    "gzip": Compression.GZIP,
    "snappy": Compression.SNAPPY,
    "lz4": Compression.LZ4,
    "zstd": Compression.ZSTD,
}


class Prepared(NamedTuple):
    """Batches ready to be written."""

    chunks: list[Bytes]  # all bytes, in order
    headers: list[BatchHeader]  # as they will stand in the log
    size: int
    max_timestamp: int
    log_append_time: int  # -1 unless the topic's timestamps are the log's


def check_batches(
    records: Bytes, config: LogConfig, *, from_client: bool, first: BatchHeader | None = None
) -> list[tuple[int, BatchHeader]]:
    """The position and header of each batch, once size, checksum and shape are found right.

    `first` is the first batch's header, if it was read already. Raises KafkaError: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE,
    INVALID_RECORD.
    """
    batches = []
    # What follows a client's last whole batch is dropped, as in Apache.
    found: Iterable[tuple[int, BatchHeader]] = split_batches(records, cut_is_end=from_client)
    if first is not None and first.size == len(records):
        found = [(0, first)]
    for position, header in found:
        size = header.length + LENGTH_END
        if size > config.max_message_bytes:
            why = f"a batch of {size} bytes, max.message.bytes allows {config.max_message_bytes}"
            raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE, why)
        check_crc(records, position, header)
        batches.append((position, header))
    if not batches:
        raise KafkaError(ErrorCode.INVALID_RECORD, "there is no batch in the records")
    if from_client:
        if len(batches) > 1:
            why = f"{len(batches)} batches for one partition; a produce request carries one"
            raise KafkaError(ErrorCode.INVALID_RECORD, why)
        _check_client_batch(batches[0][1])
    return batches


def _check_client_batch(header: BatchHeader) -> None:
    if header.base_offset != 0:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"the batch's base offset is {header.base_offset}; clients send 0")
    if header.record_count <= 0 or header.record_count != header.last_offset_delta + 1:
        why = f"the batch states {header.record_count} records and a last offset delta of {header.last_offset_delta}"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    body = header.size - HEADER_SIZE
    if not header.attributes & COMPRESSION_BITS and header.record_count * LEAST_RECORD_SIZE > body:
        why = f"the batch states {header.record_count} records and has {body} bytes for them"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    if header.is_control:
        raise KafkaError(ErrorCode.INVALID_RECORD, "clients may not write control batches")
    if has_producer(header) and header.base_sequence < 0:
        why = f"producer {header.producer_id} sent a batch with sequence {header.base_sequence}"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)


def check_records(
    records: Bytes, batches: Sequence[tuple[int, BatchHeader]], config: LogConfig, now_ms: int, *, compacted: bool
) -> None:
    """Refuse records that the topic's configuration does not allow.

    Raises RefusedRecordsError: INVALID_TIMESTAMP, INVALID_RECORD (no key in a compacted topic).
    """
    for position, header in batches:
        if header.is_log_append_time and config.timestamp_type == "LogAppendTime":
            why = "it claims to have LogAppendTime, which only a broker gives"
            _refuse(ErrorCode.INVALID_TIMESTAMP, dict.fromkeys(range(len(_open(records, position))), why))
        limited = config.timestamp_type == "CreateTime" and (
            config.timestamp_before_max_ms < NO_LIMIT
            or _understates_time(header)
            or _is_out_of_range(header.max_timestamp, config, now_ms)
        )
        if compacted or limited:
            found = _open(records, position)
            _refuse(ErrorCode.INVALID_TIMESTAMP, _wrong_times(found, config, now_ms) if limited else {})
            _refuse(ErrorCode.INVALID_RECORD, _without_key(found) if compacted else {})


def _open(records: Bytes, position: int = 0) -> list[Record]:
    """The records of the batch at `position`. Raises KafkaError(INVALID_RECORD) if they are not what it states."""
    try:
        found: list[Record] = read_records(records, position, limit=_MAX_RECORDS_BYTES)
    except KafkaError as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, error.why) from error
    return found


def _refuse(code: ErrorCode, refused: dict[int, str]) -> None:
    if refused:
        raise RefusedRecordsError(code, refused)


def _without_key(records: Sequence[Record]) -> dict[int, str]:
    why = "it has no key, and the topic is compacted"
    return {index: why for index, record in enumerate(records) if record.key is None}


def _wrong_times(records: Sequence[Record], config: LogConfig, now_ms: int) -> dict[int, str]:
    earliest, latest = now_ms - config.timestamp_before_max_ms, now_ms + config.timestamp_after_max_ms
    return {
        index: f"timestamp {record.timestamp} is out of range; the topic takes {max(earliest, 0)} to {latest}"
        for index, record in enumerate(records)
        if _is_out_of_range(record.timestamp, config, now_ms)
    }


def _is_out_of_range(timestamp: int, config: LogConfig, now_ms: int) -> bool:
    earliest, latest = now_ms - config.timestamp_before_max_ms, now_ms + config.timestamp_after_max_ms
    return timestamp != NO_TIMESTAMP and not earliest <= timestamp <= latest


def prepare(
    records: Bytes,
    batches: Sequence[tuple[int, BatchHeader]],
    config: LogConfig,
    base_offset: int,
    leader_epoch: int,
    now_ms: int,
    *,
    from_client: bool,
) -> Prepared:
    """Give the checked batches their offsets from `base_offset` on, and what else the leader decides."""
    log_append_time = now_ms if from_client and config.timestamp_type == "LogAppendTime" else NO_TIMESTAMP
    target = _CODECS.get(config.compression_type) if from_client else None
    chunks: list[Bytes] = []
    headers = []
    size = 0
    max_timestamp = NO_TIMESTAMP
    whole = memoryview(records)
    for position, found in batches:
        data = whole[position : position + found.size]
        header = found.placed(base_offset, leader_epoch)
        if target is not None and target is not found.compression:
            data = memoryview(_recompress(data, found, target, config))
            header = read_header(data).placed(base_offset, leader_epoch)
        if log_append_time != NO_TIMESTAMP:
            header, stamped = _stamp(header, data, header.attributes | LOG_APPEND_TIME_BIT, log_append_time)
            chunks += (stamped, data[HEADER_SIZE:])
        elif from_client and (header.attributes & LOG_APPEND_TIME_BIT or _understates_time(header)):
            # Neither is a producer's to say; as in Apache it is put right.
            time = _largest_timestamp(data) if _understates_time(header) else header.max_timestamp
            header, stamped = _stamp(header, data, header.attributes & ~LOG_APPEND_TIME_BIT, time)
            chunks += (stamped, data[HEADER_SIZE:])
        else:
            chunks += (ASSIGNED.pack(base_offset, header.length, leader_epoch), data[ASSIGNED_SIZE:])
        headers.append(header)
        size += len(data)
        max_timestamp = max(max_timestamp, header.max_timestamp)
        base_offset += header.last_offset_delta + 1
    return Prepared(chunks, headers, size, max_timestamp, log_append_time)


def _understates_time(header: BatchHeader) -> bool:
    """Whether the largest timestamp is less than the first record's. sarama before 1.45.1 writes -1.

    Apache takes it from the records always; here they are looked at only where the header shows that it is wrong.
    """
    return header.max_timestamp < max(header.base_timestamp, NO_TIMESTAMP)


def _largest_timestamp(data: memoryview) -> int:
    return max(NO_TIMESTAMP, *(record.timestamp for record in _open(data)))


def _stamp(header: BatchHeader, data: memoryview, attributes: int, max_timestamp: int) -> tuple[BatchHeader, bytes]:
    """The header with these attributes and this largest timestamp, and its bytes."""
    header = header._replace(attributes=attributes & KNOWN_ATTRIBUTES, max_timestamp=max_timestamp)
    covered = HEADER.pack(*header)[ATTRIBUTES_OFFSET:]
    header = header._replace(crc=crc32c(data[HEADER_SIZE:], crc32c(covered)))
    return header, HEADER.pack(*header)


def _recompress(data: memoryview, header: BatchHeader, target: Compression, config: LogConfig) -> bytes:
    records = _open(data)
    batch = build_batch(
        records,
        base_offset=header.base_offset,
        compression=target,
        level=config.compression_level,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        transactional=header.is_transactional,
        control=header.is_control,
    )
    if len(batch) > config.max_message_bytes:
        why = f"a batch of {len(batch)} bytes once recompressed, max.message.bytes allows {config.max_message_bytes}"
        raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE, why)
    return batch
