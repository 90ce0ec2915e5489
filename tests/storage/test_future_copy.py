"""Copying a log into another directory: what the copy has, and what it must not keep."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.storage.aborted import AbortedTransaction, encode_aborted, read_aborted
from kafkapy.storage.future_copy import FutureCopy
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dirs import LogDirs

NOW = 1_700_000_000_000
TOPIC_ID = UUID(int=77)
A, B = "/data/a", "/data/b"


@pytest.fixture
def dirs(disk: Any) -> LogDirs:
    found = LogDirs.open([A, B], None, disk=disk, node_id=1, clock=lambda: NOW, config_of=lambda _: LogConfig())
    found.begin()
    return found


def copy_of(dirs: LogDirs, source: Log) -> FutureCopy:
    copy = FutureCopy(source, dirs.online[1].create_future("t", 0, TOPIC_ID, source.config))
    copy.begin()
    return copy


def copy_all(copy: FutureCopy, max_bytes: int = 1 << 20) -> None:
    while (found := copy.next(max_bytes)) is not None:
        copy.take(found)


def content(log: Log) -> list[tuple[int, int, bytes]]:
    """Offset, leader epoch and value of every record."""
    return [
        (record.offset, header.leader_epoch, bytes(record.value or b""))
        for header, records in log.replay(0)
        for record in records
    ]


@pytest.mark.parametrize("max_bytes", [1, 200, 1 << 20])
def test_the_copy_is_the_same(dirs: LogDirs, batch: Any, producers_of: Any, max_bytes: int) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig(segment_bytes=300))
    for number in range(20):
        options = {"producer_id": 5, "producer_epoch": 1, "base_sequence": number} if number % 2 else {}
        source.append_as_leader(batch(str(number), **options), number // 5, NOW, from_client=False)
    copy = copy_of(dirs, source)
    copy_all(copy, max_bytes)
    copy.finish()
    all_of_it = content(source)
    assert content(copy.future) == all_of_it
    assert producers_of(copy.future) == producers_of(source)
    assert copy.future.epochs.entries == source.epochs.entries
    assert copy.future.recovery_point == 20
    home = dirs.online[1]
    log = dirs.promote("t", 0)
    assert dirs.find("t", 0) is log
    assert dirs.home_of(log) is home
    assert content(log) == all_of_it
    assert producers_of(log) == producers_of(source)
    assert (log.log_start_offset, log.log_end_offset, log.topic_id) == (0, 20, TOPIC_ID)
    assert dirs.online[0].logs == {}


def test_retention_may_be_faster(dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    for number in range(4):
        source.append_as_leader(batch(str(number)), 0, NOW)
    copy = copy_of(dirs, source)
    copy.take(copy.next(1))
    source.append_as_leader(batch("x", "y", "z"), 0, NOW)
    source.advance_log_start_offset(5)  # within a batch
    copy_all(copy)
    copy.finish()
    assert copy.future.log_start_offset == 5
    assert [offset for offset, _, _ in content(copy.future)] == [4, 5, 6]


def test_offsets_that_were_compacted_away_stay_away(dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    source.append_as_leader(batch("a"), 0, NOW)
    source.skip_to(7)
    copy = copy_of(dirs, source)
    copy_all(copy)
    copy.finish()
    assert copy.future.log_end_offset == 7
    source.append_as_leader(batch("b"), 0, NOW)
    copy_all(copy)
    assert [offset for offset, _, _ in content(copy.future)] == [0, 7]
    assert dirs.promote("t", 0).log_end_offset == 8


def test_a_copy_of_another_history_is_cut_where_that_began(dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    for value in "abcd":
        source.append_as_leader(batch(value), 3, NOW)
    copy = copy_of(dirs, source)
    copy_all(copy)
    source.truncate_to(2)
    for value in "xyz":
        source.append_as_leader(batch(value), 4, NOW)
    copy.begin()
    assert copy.future.log_end_offset == 2
    copy_all(copy)
    assert content(copy.future) == content(source)


def test_a_copy_of_an_epoch_that_nobody_knows_begins_anew(dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    source.append_as_leader(batch("a"), 3, NOW)
    copy = copy_of(dirs, source)
    copy.future.append_as_leader(batch("b"), 9, NOW)
    copy.begin()
    copy_all(copy)
    assert content(copy.future) == content(source)


def test_what_was_written_under_larger_segments_is_taken(dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    source.append_as_leader(batch("x" * 5000), 0, NOW)
    source.config = LogConfig(segment_bytes=1000)
    copy = copy_of(dirs, source)
    copy_all(copy)
    assert content(copy.future) == content(source)


def test_transactions_come_along(dirs: LogDirs, batch: Any, disk: Any, producers_of: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    options = {"producer_id": 5, "producer_epoch": 1}
    source.append_as_leader(batch("a", **options, base_sequence=0, transactional=True), 0, NOW, from_client=False)
    marker = Record(0, NOW, struct.pack(">hh", 0, 0), struct.pack(">hi", 0, 9))
    end = build_batch([marker], **options, transactional=True, control=True)
    source.append_as_leader(end, 0, NOW, from_client=False)
    aborted = [AbortedTransaction(5, 0, 1, 2)]
    disk.write(f"{source.directory}/00000000000000000000.txnindex", encode_aborted(aborted), sync=True)
    copy = copy_of(dirs, source)
    copy.take(copy.next())  # both in one go
    copy.finish()
    assert producers_of(copy.future) == producers_of(source)
    assert copy.future.producers.by_id[5].coordinator_epoch == source.producers.by_id[5].coordinator_epoch == 9
    log = dirs.promote("t", 0)
    assert read_aborted(disk, f"{log.directory}/00000000000000000000.txnindex") == aborted


def test_futures_are_found_again_and_checkpointed(disk: Any, dirs: LogDirs, batch: Any) -> None:
    source = dirs.create("t", 0, TOPIC_ID, LogConfig())
    source.append_as_leader(batch("a"), 0, NOW)
    copy = copy_of(dirs, source)
    copy_all(copy)
    dirs.close({})
    assert disk.read(f"{B}/recovery-point-offset-checkpoint") == b"0\n1\nt 0 1\n"
    again = LogDirs.open([A, B], None, disk=disk, node_id=1, clock=lambda: NOW, config_of=lambda _: LogConfig())
    [future] = again.futures()
    assert (future.log_end_offset, future.topic_id, future.recovery_point) == (1, TOPIC_ID, 1)
    assert again.find("t", 0).log_end_offset == 1
