"""Snapshots: the whole image as records, in the `.checkpoint` files of the metadata log's directory (KIP-630).

    a control batch     SnapshotHeader: the timestamp of the last record that the snapshot stands for
    batches             the records that make an empty image this one
    a control batch     SnapshotFooter: without it the file was not finished

A file is named by the offset behind the last record it stands for, and that record's epoch; `bootstrap.checkpoint`
stands for nothing and seeds a new cluster. Bytes only. Apache's classes: `RecordsSnapshotWriter`,
`RecordsSnapshotReader`, `ImageWriter`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from kafkapy.metadata import framing
from kafkapy.metadata.bootstrap import METADATA_VERSION
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.quorum import (
    KRAFT_VERSION,
    KRAFT_VOTERS,
    SNAPSHOT_FOOTER,
    SNAPSHOT_HEADER,
    control_record,
    control_type_of,
)
from kafkapy.protocol import codec
from kafkapy.protocol.batch import Record, build_batch, check_crc, read_records, split_batches
from kafkapy.protocol.octets import Bytes
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.records.control import SnapshotFooterRecord, SnapshotHeaderRecord

BOOTSTRAP_FILE = "bootstrap.checkpoint"
_RECORDS_PER_BATCH = 1000
_NAME = re.compile(r"(\d{20})-(\d{10})\.checkpoint")


class SnapshotError(Exception):
    """Bytes that are no finished snapshot; the text says what is missing."""


def file_name(end_offset: int, epoch: int) -> str:
    """The file of the snapshot that stands for every record below `end_offset`, the last one of `epoch`."""
    return f"{end_offset:020d}-{epoch:010d}.checkpoint"


def parse_file_name(name: str) -> tuple[int, int] | None:
    """End offset and epoch; None for a file that is no snapshot of the log (`bootstrap.checkpoint` is none)."""
    found = _NAME.fullmatch(name)
    return None if found is None else (int(found[1]), int(found[2]))


def write(
    messages: Iterable[Any],
    *,
    epoch: int,
    now_ms: int,
    last_timestamp_ms: int = 0,
    quorum_records: Iterable[Record] = (),
) -> Iterator[bytes]:
    """The file, batch by batch. `quorum_records` are control records (`quorum.voter_records`) behind the header."""
    control = [control_record(SNAPSHOT_HEADER, SnapshotHeaderRecord(0, last_timestamp_ms), 0, now_ms)]
    control += [Record(offset, now_ms, record.key, record.value) for offset, record in enumerate(quorum_records, 1)]
    yield build_batch(control, leader_epoch=epoch, control=True)
    offset = len(control)
    left = iter(messages)
    while chunk := list(islice(left, _RECORDS_PER_BATCH)):
        records = [Record(offset + at, now_ms, None, framing.encode(message)) for at, message in enumerate(chunk)]
        yield build_batch(records, leader_epoch=epoch)
        offset += len(records)
    footer = control_record(SNAPSHOT_FOOTER, SnapshotFooterRecord(), offset, now_ms)
    yield build_batch([footer], leader_epoch=epoch, control=True)


def read(data: Bytes) -> Iterator[Any]:
    """The messages in order; control records between header and footer are passed over.

    Raises SnapshotError if header or footer are missing, KafkaError(CORRUPT_MESSAGE) for a damaged batch, FramingError
    for a record that is not known. Only when the iteration has ended is the snapshot known to be whole.
    """
    is_begun = is_finished = False
    for position, header in split_batches(data):
        if is_finished:
            raise SnapshotError("a snapshot goes on behind its footer")
        check_crc(data, position, header)
        for record in read_records(data, position):
            if header.is_control:
                control_type = control_type_of(record)
                if not is_begun and control_type != SNAPSHOT_HEADER:
                    raise SnapshotError(f"a snapshot begins with control record {control_type}, not with its header")
                is_begun = True
                is_finished = control_type == SNAPSHOT_FOOTER
            elif not is_begun:
                raise SnapshotError("a snapshot begins without its header")
            elif record.value is None:
                raise SnapshotError(f"the record at offset {record.offset} of a snapshot has no value")
            else:
                yield framing.decode(record.value)
    if not is_finished:
        raise SnapshotError("a snapshot ends without its footer: it was not written to its end")


def quorum_records(data: Bytes) -> list[Record]:
    """The control records of a whole snapshot that say which voters there are, in order."""
    return [
        record
        for position, header in split_batches(data)
        if header.is_control
        for record in read_records(data, position)
        if control_type_of(record) in (KRAFT_VERSION, KRAFT_VOTERS)
    ]


def last_timestamp(data: Bytes) -> int:
    """When the last record that a whole snapshot stands for was written, in ms; 0 if it stands for none."""
    header, _ = codec.decode(SnapshotHeaderRecord, 0, read_records(data)[0].value or b"")
    return int(header.last_contained_log_timestamp)


def records_of(image: ClusterImage) -> Iterator[Any]:
    """The records whose replay into an empty image makes this one; the metadata version comes first."""
    features = sorted(image.features.items(), key=lambda item: (item[0] != METADATA_VERSION, item[0]))
    yield from (m.FeatureLevelRecord(name, level) for name, level in features)
    yield from (broker.to_record() for broker in image.brokers())
    yield from (image.controllers[controller_id] for controller_id in sorted(image.controllers))
    for topic in image.topics():
        yield m.TopicRecord(topic.name, topic.topic_id)
        yield from (state.to_record(topic.topic_id) for state in topic.partitions)
    for resource_type, name in image.configured_resources():
        for key, value in image.configs(resource_type, name).items():
            yield m.ConfigRecord(resource_type, name, key, value)
    if image.producer_ids_record is not None:
        yield image.producer_ids_record
    yield from image.client_quotas.records()
    yield from image.scram_credentials.records()
    yield from image.kept.records()
