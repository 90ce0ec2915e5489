"""The process or the machine dies at every single change to the disk, and the log is opened again."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from pathlib import Path
from typing import Any

import pytest

from kafkapy.protocol.batch import read_records
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.producer_replay import recall_batches, replay_producers
from kafkapy.storage.producers import Producers

NOW = 1_700_000_000_000
CONFIG = {"segment_bytes": 500, "index_interval_bytes": 100}
BATCHES = 24


class Story:
    """A life of a log with rolls, flushes, checkpoints and clean stops; it remembers what it was promised."""

    def __init__(self, house: Any, batch: Any) -> None:
        self.house = house
        self.batch = batch
        self.acknowledged = []
        self.durable = 0

    def live(self) -> None:
        log = self.house.log(**CONFIG)
        for i in range(BATCHES):
            data = self.batch(
                f"value {i}", timestamp=NOW + i, producer_id=1 + i % 2, producer_epoch=0, base_sequence=i // 2
            )
            log.append_as_leader(data, i // 5, NOW + i)
            self.acknowledged.append(f"value {i}".encode())
            if i == 9:
                log.flush()
                self.durable = 10
            if i % 6 == 5:
                self.house.checkpoint({("t", 0): i})
            if i == 15:
                self.house.log_dir.close({("t", 0): 16})
                self.durable = 16
                self.house.log_dir = None
                log = self.house.log()
        self.house.log_dir.close({("t", 0): BATCHES})
        self.durable = BATCHES


def values(log: Any) -> Any:
    return [record.value for _, records in log.replay(0) for record in records]


def replayed_from_zero(log: Any) -> Any:
    producers = Producers(log.disk, log.directory, str(log))
    replay_producers(producers, log.segments, log.log_end_offset)
    return {key: (p.epoch, p.last_sequence, p.last_timestamp, list(p.batches)) for key, p in producers.by_id.items()}


def check_whole(log: Any, batch: Any) -> None:
    """What an opened log must be, whatever happened before."""
    found = values(log)
    assert len(found) == log.log_end_offset
    recall_batches(log.producers, log.segments)
    state = {k: (p.epoch, p.last_sequence, p.last_timestamp, list(p.batches)) for k, p in log.producers.by_id.items()}
    assert state == replayed_from_zero(log)
    for offset, value in enumerate(found):
        assert read_records(log.read(offset, 1, log.log_end_offset).read())[0].value == value
        assert log.offset_for_timestamp(NOW + offset, log.log_end_offset)[1] == offset
        assert log.epoch_of(offset) == offset // 5
    end = log.log_end_offset
    data = batch("next", timestamp=NOW + end, producer_id=77, producer_epoch=0, base_sequence=0)
    assert log.append_as_leader(data, 9, NOW).base_offset == end


@pytest.mark.parametrize("torn", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("power", [False, True], ids=["kill", "power"])
def test_nothing_promised_is_lost(house: Any, batch: Any, disk: Any, crash_error: Any, torn: Any, power: Any) -> None:
    house_type, disk_type = type(house), type(disk)
    for at in itertools.count(1):
        house = house_type(disk_type())
        story = Story(house, batch)
        house.disk.fail(at, crash_error(), torn=torn)
        try:
            story.live()
        except crash_error:
            pass
        else:
            assert at > 100
            break
        house.log_dir = None
        house.disk.crash(power=power)
        house.open()
        if ("t", 0) not in house.log_dir.logs:
            assert not story.durable
            assert power or not story.acknowledged
            continue
        log = house.log()
        found = values(log)
        if power:
            assert len(found) >= story.durable
            assert found == [f"value {i}".encode() for i in range(len(found))]
        else:
            # The write that was going on may have been whole.
            assert found[: len(story.acknowledged)] == story.acknowledged
            assert len(found) <= len(story.acknowledged) + 1
        check_whole(log, batch)


@pytest.mark.parametrize("torn", [0.0, 0.6, 1.0])
def test_a_disk_that_fails_once_harms_one_request(house: Any, batch: Any, disk: Any, torn: Any) -> None:
    """Any change fails once with ENOSPC: it raises KAFKA_STORAGE_ERROR or does no harm, and no record is half there."""
    house_type, disk_type = type(house), type(disk)
    for at in range(1, 200):
        house = house_type(disk_type())
        log = house.log(**CONFIG)
        house.disk.fail(at, torn=torn)
        expected = []
        for i in range(BATCHES):
            try:
                log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), log.log_end_offset // 5, NOW + i)
                expected.append(f"value {i}".encode())
            except KafkaError as error:
                assert error.code is ErrorCode.KAFKA_STORAGE_ERROR  # noqa: PT017  # it may also not raise
        assert len(expected) >= BATCHES - 1
        assert values(log) == expected
        house.disk.heal()
        assert values(house.kill()) == expected
        assert values(house.restart()) == expected


def test_a_full_disk_refuses_and_an_emptied_one_goes_on(house: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    log.append_as_leader(batch("a"), 0, NOW)
    house.disk.fail(1, torn=0.5, kinds=("write", "create"), lasting=True)
    for _ in range(3):
        with pytest.raises(KafkaError, match="No space left"):
            log.append_as_leader(batch("b"), 0, NOW)
    house.disk.heal()
    assert log.append_as_leader(batch("c"), 0, NOW).base_offset == 1
    assert values(house.kill()) == [b"a", b"c"]


def test_a_write_that_cannot_be_taken_back_ends_the_log_until_it_is_opened_again(house: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    log.append_as_leader(batch("a"), 0, NOW)
    house.disk.fail(1, torn=0.5, lasting=True)
    with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR"):
        log.append_as_leader(batch("b"), 0, NOW)
    house.disk.heal()
    with pytest.raises(KafkaError, match="takes no more writes"):
        log.append_as_leader(batch("b"), 0, NOW)
    log = house.restart()
    assert not house.log_dir.was_clean
    assert values(log) == [b"a"]
    assert log.append_as_leader(batch("c"), 0, NOW).base_offset == 1


def test_a_failed_sync_ends_the_log(house: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    log.append_as_leader(batch("a"), 0, NOW)
    house.disk.fail(1, kinds=("sync",))
    with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR"):
        log.flush()
    with pytest.raises(KafkaError, match="takes no more writes"):
        log.append_as_leader(batch("b"), 0, NOW)
    assert log.recovery_point == 0


@pytest.mark.parametrize("file", ["00000000000000000000.index", "00000000000000000000.timeindex", "leader-epoch"])
def test_batches_are_flushed_to_a_full_disk_without_what_is_made_anew(house: Any, batch: Any, file: str) -> None:
    """A producer that is told of an error may send again, under another epoch, what is there already."""
    log = house.log(flush_messages=1, index_interval_bytes=0)
    log.append_as_leader(batch("a"), 0, NOW)
    house.disk.fail(1, kinds=("write", "create"), lasting=True, under=f"{log.directory}/{file}")
    assert [log.append_as_leader(batch(value), 1, NOW).base_offset for value in ("b", "c")] == [1, 2]
    assert log.recovery_point == 1
    log = house.kill(power=True)
    assert values(log) == [b"a", b"b", b"c"]
    assert log.append_as_leader(batch("d"), 1, NOW).base_offset == 3
    assert log.recovery_point == 4


@pytest.fixture
def written(house: Any, batch: Any) -> Any:
    """A log of several segments on a disk, not closed."""
    log = house.log(**CONFIG)
    for i in range(BATCHES):
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), i // 5, NOW + i)
    return house


def test_a_torn_tail_is_cut_at_every_length(written: Any, batch: Any, disk: Any) -> None:
    log = written.log()
    path = log.active.path(".log")
    whole = bytes(disk.files[path].data)
    base = log.active.base_offset
    sizes = [position for position, _ in log.active.headers(0)] + [len(whole)]
    for size in range(len(whole)):
        written.log_dir.release()
        written.log_dir = None
        disk.files[path].data[:] = whole[:size]
        log = written.log()
        assert log.log_end_offset == base + sum(1 for end in sizes[1:] if end <= size)
        assert disk.size(path) == max(end for end in sizes if end <= size)


def test_a_damaged_byte_ends_the_log_before_its_batch(written: Any, disk: Any) -> None:
    log = written.log()
    second = log.segments[1]
    saved = {path: bytes(inode.data) for path, inode in disk.files.items()}
    positions = [position for position, _ in second.headers(0)]
    for at in range(0, second.size, 5):
        index = bisect_right(positions, at) - 1
        if at - positions[index] in (*range(8), *range(12, 16)):
            continue  # base offset and leader epoch are outside of the checksum
        written.log_dir.release()
        written.log_dir = None
        for path, data in saved.items():
            disk.open(path, create=True).inode.data[:] = data
        disk.files[second.path(".log")].data[at] ^= 0x10
        log = written.log()
        assert log.log_end_offset == second.base_offset + index
        assert sorted(path for path in disk.list("/data/t-0") if path.endswith(".log")) == [
            f"{segment.base_offset:020d}.log" for segment in log.segments
        ]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("harm", ["missing", "cut", "garbage", "empty"])
@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_indexes_are_made_anew(written: Any, batch: Any, disk: Any, clean: Any, harm: Any, suffix: Any) -> None:
    written.log_dir.close({})
    if not clean:
        disk.unlink("/data/.kafka_cleanshutdown")
    for path in [path for path in disk.files if path.endswith(suffix)]:
        if harm == "missing":
            disk.unlink(path)
        elif harm == "cut":
            del disk.files[path].data[-3:]
        elif harm == "garbage":
            disk.files[path].data[:] = b"\xff" * len(disk.files[path].data)
        else:
            disk.files[path].data.clear()
    written.log_dir = None
    log = written.log()
    assert log.log_end_offset == BATCHES
    for offset in range(BATCHES):
        assert read_records(log.read(offset, 1, BATCHES).read())[0].value == f"value {offset}".encode()
        if harm != "empty" or suffix == ".index":
            assert log.offset_for_timestamp(NOW + offset, BATCHES) == (NOW + offset, offset, offset // 5)


def test_after_a_clean_stop_no_log_is_read(written: Any, disk: Any) -> None:
    written.log_dir.close({})
    written.log_dir = None
    for path in [path for path in disk.files if path.endswith(".log")][:-1]:
        disk.files[path].data[20:60] = bytes(40)
    assert written.log().log_end_offset == BATCHES


def test_the_real_disk_does_the_same(tmp_path: Path, house: Any, batch: Any) -> None:
    from kafkapy.storage.disk import RealDisk

    house = type(house)(RealDisk(), tmp_path / "a" / "data")
    log = house.log(**CONFIG)
    for i in range(BATCHES):
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), i // 5, NOW + i)
    expected = values(log)
    house.log_dir.release()
    house.log_dir = None
    tail = log.active.path(".log")
    Path(tail).write_bytes(Path(tail).read_bytes() + b"torn")
    assert values(house.log()) == expected
    assert values(house.restart()) == expected
    assert house.config == LogConfig(**CONFIG)


def test_a_repetition_is_as_durable_as_the_topic_promises(
    house: Any, disk: Any, batch: Any, crash_error: type[BaseException]
) -> None:
    once = batch("a", producer_id=1, producer_epoch=0, base_sequence=0)
    log = house.log(flush_messages=1)
    disk.fail(1, crash_error(), kinds=("sync",))
    with pytest.raises(crash_error):
        log.append_as_leader(once, 0, NOW)
    log = house.kill()
    assert log.append_as_leader(once, 0, NOW).duplicate
    assert house.kill(power=True).log_end_offset == 1
