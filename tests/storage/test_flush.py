"""A flush in its three steps, and what may happen to the log between them."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.checkpoint import read_offsets
from kafkapy.storage.flush import MOST_SEGMENTS, BatchSync, begin_flush, due_flush, end_flush
from kafkapy.storage.retention import delete_old_segments

NOW = 1_700_000_000_000
POINTS = "/data/recovery-point-offset-checkpoint"


@pytest.fixture
def log(house: Any, batch: Any) -> Any:
    """A log of several segments, none of them durable."""
    found = house.log(segment_bytes=500, index_interval_bytes=100)
    fill(found, batch)
    return found


def fill(log: Any, batch: Any, count: int = 20) -> None:
    for i in range(count):
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), 0, NOW + i)


def values(log: Any) -> list[bytes]:
    return [record.value for _, records in log.replay(0) for record in records]


def test_a_rolled_segment_is_due_and_the_rest_is_not(log: Any) -> None:
    flush = due_flush(log, NOW)
    assert flush.offset == log.active.base_offset
    flush.sync()
    assert log.recovery_point == 0
    end_flush(log, flush)
    assert log.recovery_point == log.active.base_offset < log.log_end_offset
    assert due_flush(log, NOW) is None


def test_what_is_flushed_survives_a_power_failure(log: Any, house: Any) -> None:
    flush = due_flush(log, NOW)
    flush.sync()
    end_flush(log, flush)
    assert house.kill(power=True).log_end_offset >= flush.offset


def test_batches_that_are_synced_alone_survive_a_power_failure(house: Any, batch: Any) -> None:
    """Over several segments, and whatever of the indexes is lost."""
    log = house.log(segment_bytes=500, index_interval_bytes=100)
    for i in range(20):
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), 0, NOW + i)
        sync = BatchSync(log)
        sync.sync()
        sync.end()
    assert 0 < log.active.base_offset < log.recovery_point < log.log_end_offset
    assert values(house.kill(power=True)) == [b"value %d" % i for i in range(20)]


def test_many_segments_are_flushed_some_at_a_time(house: Any, batch: Any) -> None:
    log = house.log(segment_bytes=100)
    fill(log, batch, 2 * MOST_SEGMENTS + 2)
    points = []
    while (flush := due_flush(log, NOW)) is not None:
        flush.sync()
        end_flush(log, flush)
        points.append(log.recovery_point)
    assert points == [MOST_SEGMENTS, 2 * MOST_SEGMENTS, log.active.base_offset]
    log.flush()
    assert log.recovery_point == log.log_end_offset


def test_what_is_appended_meanwhile_is_not_taken_for_durable(log: Any, batch: Any, house: Any) -> None:
    end = log.log_end_offset
    flush = begin_flush(log, end)
    flush.sync()
    log.append_as_leader(batch("later"), 0, NOW)
    end_flush(log, flush)
    assert log.recovery_point == end < log.log_end_offset


def test_a_segment_that_is_rolled_meanwhile_is_flushed_again(log: Any, house: Any) -> None:
    end = log.log_end_offset
    flush = begin_flush(log, end)
    log.roll(NOW)
    flush.sync()
    end_flush(log, flush)
    assert log.recovery_point == end - 1
    again = due_flush(log, NOW)
    again.sync()
    end_flush(log, again)
    assert log.recovery_point == end


@pytest.mark.parametrize("preallocate", [False, True])
def test_a_durable_segment_that_is_rolled_is_whole_after_a_power_failure(
    house: Any, batch: Any, disk: Any, *, preallocate: bool
) -> None:
    """Until what finished it is durable, the checkpoint lets a start look at it."""
    log = house.log(index_interval_bytes=1 << 20, preallocate=preallocate, segment_bytes=1000)
    fill(log, batch, 5)
    log.flush()
    house.log_dir.checkpoint({})()
    assert read_offsets(disk, POINTS) == {("t", 0): 4}
    log.roll(NOW)
    log.append_as_leader(batch("next"), 0, NOW)
    log = house.kill(power=True)
    assert values(log)[:5] == [b"value %d" % i for i in range(5)]
    assert log.offset_for_timestamp(NOW + 4, log.log_end_offset) == (NOW + 4, 4, 0)
    fill(log, batch, 5)
    log = house.kill()
    assert len(values(log)) == log.log_end_offset


def test_a_truncation_meanwhile_makes_it_worthless(log: Any, batch: Any) -> None:
    flush = begin_flush(log, log.log_end_offset)
    flush.sync()
    log.truncate_to(3)
    fill(log, batch)
    point = log.recovery_point
    end_flush(log, flush)
    assert log.recovery_point == point <= 3


@pytest.mark.parametrize("synced_before", [True, False])
def test_a_partition_that_is_deleted_meanwhile_has_not_failed(log: Any, house: Any, *, synced_before: bool) -> None:
    flush = due_flush(log, NOW)
    if synced_before:
        flush.sync()
    house.log_dir.delete("t", 0)
    flush.sync()
    end_flush(log, flush)
    assert house.log_dir.failure == ""


def test_segments_that_are_deleted_meanwhile_do_no_harm(log: Any, house: Any) -> None:
    flush = due_flush(log, NOW)
    log.advance_log_start_offset(log.active.base_offset)
    assert delete_old_segments(log, log.log_end_offset, NOW)
    flush.sync()
    end_flush(log, flush)
    assert log.recovery_point == flush.offset
    assert house.log_dir.failure == ""


def test_a_sync_that_fails_ends_the_log_and_is_told_to_its_directory(log: Any, house: Any, disk: Any) -> None:
    flush = due_flush(log, NOW)
    disk.fail(1, OSError(5, "the disk fails"), kinds=("sync",))
    flush.sync()
    assert not log.is_failed
    with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR: t-0: flushing failed: the disk fails"):
        end_flush(log, flush)
    assert log.is_failed
    assert log.recovery_point == 0
    assert house.log_dir.failure
    assert due_flush(log, NOW) is None


def test_a_checkpoint_that_was_taken_earlier_does_not_replace_a_later_one(log: Any, house: Any, disk: Any) -> None:
    earlier = house.log_dir.checkpoint({("t", 0): 1})
    log.flush_rolled()
    house.log_dir.checkpoint({("t", 0): 2})()
    earlier()
    assert read_offsets(disk, POINTS) == {("t", 0): log.recovery_point}
    assert read_offsets(disk, "/data/replication-offset-checkpoint") == {("t", 0): 2}


def test_a_new_log_is_not_taken_for_a_deleted_one_whose_checkpoint_comes_late(
    log: Any, house: Any, disk: Any, batch: Any
) -> None:
    log.flush()
    late = house.log_dir.checkpoint({})
    house.log_dir.delete("t", 0)
    house.log().append_as_leader(batch("new"), 0, NOW)
    late()
    assert values(house.kill(power=False)) == [b"new"]
    assert not read_offsets(disk, POINTS)
