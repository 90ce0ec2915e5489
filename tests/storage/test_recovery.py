"""What a recovery reads, and that it may itself be cut short; each of these a run of the simulation has found."""

from __future__ import annotations

import itertools
import struct
from random import Random
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.batch import Record, build_batch, read_header
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.record_scan import empty_batch
from kafkapy.storage.log_config import LogConfig

NOW = 1_700_000_000_000
CONFIG = {"segment_bytes": 500, "index_interval_bytes": 100}
BATCHES = 24


def write(log: Any, batch: Any, numbers: Any = range(BATCHES), epoch: int = 0) -> None:
    for i in numbers:
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), epoch, NOW + i)


def values(log: Any) -> list[str]:
    return [record.value.decode() for _, records in log.replay(0) for record in records]


def expected(count: int) -> list[str]:
    return [f"value {i}" for i in range(count)]


@pytest.fixture
def read(disk: Any) -> dict[str, int]:
    """Up to which byte, and from which, each file was read."""
    found: dict[str, list[int]] = {}

    def note(path: str, position: int, data: bytes) -> bytes:
        if path.endswith(".log"):
            first, last = found.get(path, (position, position))
            found[path] = [min(first, position), max(last, position + len(data))]
        return data

    disk.on_read = note
    return found


class TestOnlyBehindTheRecoveryPoint:
    def test_whole_segments_before_it_are_not_read(self, house: Any, batch: Any, read: Any) -> None:
        log = house.log(**CONFIG)
        write(log, batch)
        house.checkpoint({})  # the closed segments are durable
        active = log.active.path(".log")
        read.clear()
        assert values(house.kill()) == expected(BATCHES)
        read.clear()
        house.kill()
        assert set(read) == {active}

    def test_nor_is_what_lies_before_it_in_its_segment(self, house: Any, batch: Any, read: Any) -> None:
        log = house.log(index_interval_bytes=0)
        write(log, batch)
        log = house.restart()
        house.checkpoint({})
        durable = log.size
        write(log, batch, range(BATCHES, BATCHES + 4))
        whole = log.size
        path = log.active.path(".log")
        last_batch = read_header(log.read(BATCHES - 1, 1, BATCHES).read()).size
        read.clear()
        log = house.kill()
        assert read == {path: [durable - last_batch, whole]}
        assert values(log) == expected(BATCHES + 4)
        assert [log.read(i, 1, BATCHES + 4).position for i in range(BATCHES)] == sorted(
            log.read(i, 1, BATCHES + 4).position for i in range(BATCHES)
        )

    def test_producers_come_from_a_snapshot(self, house: Any, batch: Any, producers_of: Any, read: Any) -> None:
        log = house.log(index_interval_bytes=0)
        for i in range(BATCHES):
            data = batch(f"value {i}", producer_id=i % 2, producer_epoch=0, base_sequence=i // 2)
            log.append_as_leader(data, 0, NOW)
        log = house.restart()
        durable, state = log.size, producers_of(log)
        house.checkpoint({})
        log.append_as_leader(batch("x", producer_id=0, producer_epoch=0, base_sequence=BATCHES // 2), 0, NOW)
        state = producers_of(log)
        log = house.kill()
        assert producers_of(log) == state
        assert log.size > durable

    @pytest.mark.parametrize("suffix", [".index", ".timeindex"])
    @pytest.mark.parametrize("harm", ["missing", "garbage", "cut", "zeros behind", "garbage behind"])
    def test_indexes_that_do_not_lead_there_are_made_anew(
        self, house: Any, disk: Any, batch: Any, suffix: str, harm: str
    ) -> None:
        log = house.log(index_interval_bytes=100)
        write(log, batch)
        log.flush()
        house.checkpoint({})
        write(log, batch, range(BATCHES, BATCHES + 4))
        path = log.active.path(suffix)
        if harm == "missing":
            disk.unlink(path)
        elif harm == "garbage":
            disk.files[path].data[:] = b"\x7f" * 48
        elif harm == "cut":
            del disk.files[path].data[-5:]
        else:
            disk.files[path].data += struct.pack(">qi", NOW + 1, 7) * 2 if harm.startswith("garbage") else bytes(48)
        log = house.kill()
        assert values(log) == expected(BATCHES + 4)
        for i in range(BATCHES + 4):
            assert read_header(log.read(i, 1, BATCHES + 4).read()).base_offset == i
            assert log.offset_for_timestamp(NOW + i, BATCHES + 4) == (NOW + i, i, 0)

    @pytest.mark.parametrize("epochs", ["kept", "lost"])
    def test_a_batch_behind_it_whose_offset_was_lost_is_no_durable_one(
        self, house: Any, disk: Any, batch: Any, epochs: str
    ) -> None:
        write(house.log(index_interval_bytes=100), batch)
        log = house.restart()
        house.checkpoint({})
        durable = log.size
        write(log, batch, range(BATCHES, BATCHES + 4), epoch=1)
        data = disk.files[log.active.path(".log")].data
        data[durable : durable + 8] = bytes(8)  # blocks of the disk end anywhere
        if epochs == "lost":
            disk.unlink("/data/t-0/leader-epoch-checkpoint")
        log = house.kill()
        assert values(log) == expected(BATCHES)
        assert log.log_end_offset == BATCHES
        assert log.epoch_of(0) == 0

    def test_nor_does_it_tell_of_a_producer(self, house: Any, disk: Any, batch: Any, producers_of: Any) -> None:
        def send(number: int) -> None:
            data = batch(f"value {number}", producer_id=7, producer_epoch=0, base_sequence=number)
            house.log(index_interval_bytes=100).append_as_leader(data, 0, NOW + number)

        for number in range(BATCHES):
            send(number)
        log = house.restart()
        house.checkpoint({})
        durable, known = log.size, producers_of(log)
        send(BATCHES)
        data = disk.files[log.active.path(".log")].data
        data[durable : durable + 8] = bytes(8)
        for path in [path for path in disk.files if path.endswith(".snapshot")]:
            disk.unlink(path)
        assert producers_of(house.kill()) == known

    def test_a_recovery_point_beyond_the_log_is_not_believed(self, house: Any, disk: Any, batch: Any) -> None:
        write(house.log(), batch, range(4))
        path = "/data/recovery-point-offset-checkpoint"
        for promised in (9, 3):
            disk.write(path, f"0\n1\nt 0 {promised}\n".encode(), sync=True)
            log = house.kill()
            assert (log.log_end_offset, log.recovery_point) == (4, min(promised, 4))
        disk.write(path, b"0\n1\nt 0 9\n", sync=True)
        house.kill()
        assert b"t 0 4\n" in disk.read(path)  # what is appended now must not be taken for durable


class TestAStartThatIsCutShort:
    def test_what_follows_damage_goes_before_the_damage(
        self, house: Any, disk: Any, batch: Any, crash_error: type[BaseException]
    ) -> None:
        house_type, disk_type = type(house), type(disk)
        for at in itertools.count(1):
            house = house_type(disk_type())
            log = house.log(**CONFIG)
            write(log, batch)
            second = log.segments[1]
            house.disk.files[second.path(".log")].data[70] ^= 1
            house.log_dir.release()
            house.disk.crash(power=False)
            house.disk.fail(at, crash_error())
            try:
                house.open()
            except crash_error:
                house.disk.crash(power=at % 2 == 1, random=Random(at))
                if ("t", 0) not in house.open().logs:
                    continue
            else:
                assert at > 10
                break
            assert values(house.log()) == expected(house.log().log_end_offset)

    def test_what_was_cut_off_does_not_come_back(self, house: Any, disk: Any, batch: Any) -> None:
        log = house.log(**CONFIG)
        write(log, batch, range(4))
        log.flush()
        house.checkpoint({})
        disk.files[log.active.path(".log")].data += b"torn"
        disk.files[log.active.path(".log")].sync()
        log = house.kill()
        log.roll()
        write(log, batch, range(4, 8))
        log.flush()
        house.checkpoint({})
        assert values(house.kill(power=True)) == expected(8)

    def test_indexes_that_were_being_made_anew(
        self, house: Any, disk: Any, batch: Any, crash_error: type[BaseException]
    ) -> None:
        house_type, disk_type = type(house), type(disk)
        for at in itertools.count(1):
            house = house_type(disk_type())
            log = house.log(**CONFIG)
            write(log, batch)
            house.log_dir.close({})
            house.disk.unlink(log.segments[0].path(".index"))
            house.disk.fail(at, crash_error())
            try:
                house.open()
            except crash_error:
                house.disk.crash(power=False)
                house.open()
            else:
                assert at > 3
                break
            found = [house.log().offset_for_timestamp(NOW + i, BATCHES) for i in range(BATCHES)]
            assert found == [(NOW + i, i, 0) for i in range(BATCHES)]

    def test_a_marker_of_a_clean_stop_does_not_come_back(
        self, house: Any, disk: Any, batch: Any, crash_error: type[BaseException]
    ) -> None:
        write(house.log(), batch, range(4))
        house.log_dir.close({})
        disk.fail(1, crash_error(), kinds=("sync",))
        with pytest.raises(crash_error):
            house.open()
        disk.crash(power=False)
        house.log_dir = None
        log = house.log()
        write(log, batch, range(4, 8))
        house.kill(power=True)
        assert not house.log_dir.was_clean


class TestLeaderEpochs:
    def test_a_file_that_was_lost_is_made_anew_from_the_batches(self, house: Any, disk: Any, batch: Any) -> None:
        log = house.log(**CONFIG)
        for i in range(BATCHES):
            write(log, batch, [i], epoch=i // 5)
        log.flush()
        house.checkpoint({})
        disk.unlink("/data/t-0/leader-epoch-checkpoint")
        log = house.kill()
        assert [log.epoch_of(i) for i in range(BATCHES)] == [i // 5 for i in range(BATCHES)]

    def test_one_that_knows_of_batches_which_are_lost(self, house: Any, batch: Any) -> None:
        log = house.log(**CONFIG)
        write(log, batch, range(6))
        log.roll()
        write(log, batch, range(6, 8))
        write(log, batch, range(8, 10), epoch=1)
        house.checkpoint({})  # syncs the file, and the closed segments
        log = house.kill(power=True)
        assert log.log_end_offset == 6
        write(log, batch, range(6, 10), epoch=1)
        log = house.kill()
        assert [log.epoch_of(i) for i in (5, 6, 9)] == [0, 1, 1]


def test_a_log_that_is_damaged_where_it_should_be_durable_is_opened(
    house: Any, disk: Any, batch: Any, caplog: Any
) -> None:
    log = house.log(**CONFIG)
    write(log, batch)
    house.checkpoint({})
    for path in [path for path in disk.files if path.endswith(".snapshot")]:
        disk.unlink(path)
    disk.files[log.segments[0].path(".log")].data[:] = bytes(log.segments[0].size)
    assert house.kill().log_end_offset == BATCHES
    assert "producers of t-0 may be unknown" in caplog.text


def test_a_marker_that_was_compacted_away_leaves_a_batch_without_records(house: Any) -> None:
    log = house.log(**CONFIG)
    marker = Record(0, NOW, struct.pack(">hh", 0, 1), struct.pack(">hi", 0, 5))
    control = build_batch([marker], producer_id=7, producer_epoch=3, transactional=True, control=True)
    log.append_as_follower(empty_batch(read_header(control))[1], NOW)
    for log in (house.kill(), house.restart()):
        assert log.producers.by_id[7].epoch == 3


def test_batches_before_a_marker_are_remembered_after_a_stop(house: Any, batch: Any, producers_of: Any) -> None:
    log = house.log(**CONFIG)
    for i in range(3):
        data = batch(f"{i}", producer_id=7, producer_epoch=0, base_sequence=i, transactional=True)
        log.append_as_leader(data, 0, NOW)
    marker = Record(0, NOW + 99, struct.pack(">hh", 0, 1), struct.pack(">hi", 0, 5))
    control = build_batch([marker], producer_id=7, producer_epoch=0, transactional=True, control=True)
    log.append_as_leader(control, 0, NOW, from_client=False)
    before = producers_of(log)[7].batches
    assert len(before) == 3
    assert producers_of(house.restart())[7].batches == before


def test_times_are_found_in_a_segment_that_was_flushed_before_it_was_rolled(house: Any, batch: Any) -> None:
    log = house.log(flush_messages=1)
    write(log, batch, range(3))
    log.roll()
    write(log, batch, range(3, 5))
    house.checkpoint({})
    log = house.kill(power=True)
    assert [log.offset_for_timestamp(NOW + i, 5) for i in range(5)] == [(NOW + i, i, 0) for i in range(5)]


def test_a_new_log_begins_at_0_though_checkpoints_name_a_deleted_one(house: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    write(log, batch)
    log.advance_log_start_offset(BATCHES - 1)
    log.flush()
    house.checkpoint({("t", 0): BATCHES})
    house.log_dir.delete("t", 0)
    log = house.log_dir.create("t", 0, UUID(int=9), LogConfig())
    write(log, batch, range(3))
    log = house.kill()
    assert (log.log_start_offset, log.recovery_point, values(log)) == (0, 0, expected(3))


class TestTruncation:
    def test_it_survives_what_comes_after_it(self, house: Any, batch: Any) -> None:
        log = house.log(**CONFIG)
        write(log, batch)
        log.flush()
        log.truncate_to(10)
        house.checkpoint({})
        log.roll()
        write(log, batch, range(10, 14))
        log.flush()
        house.checkpoint({})
        assert values(house.kill(power=True)) == expected(14)

    def test_one_that_is_cut_short_leaves_no_hole(
        self, house: Any, disk: Any, batch: Any, crash_error: type[BaseException]
    ) -> None:
        house_type, disk_type = type(house), type(disk)
        for at in itertools.count(1):
            house = house_type(disk_type())
            log = house.log(**CONFIG)
            write(log, batch)
            log.flush()
            house.disk.fail(at, crash_error())
            try:
                log.truncate_to(5)
            except crash_error:
                log = house.kill(power=True)
            else:
                assert at > 5
                break
            assert log.log_end_offset >= 5
            assert values(log) == expected(log.log_end_offset)

    def test_within_the_batch_that_holds_the_start(self, house: Any, batch: Any) -> None:
        log = house.log()
        log.append_as_leader(batch("a", "b", "c", "d"), 0, NOW)
        log.append_as_leader(batch("e"), 1, NOW)
        log.advance_log_start_offset(2)
        log.truncate_to(3)
        assert (log.log_start_offset, log.log_end_offset, log.latest_epoch) == (0, 0, -1)


def test_a_segment_that_begins_behind_a_gap_goes_if_its_first_batch_was_refused(house: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    write(log, batch, range(5))
    log.roll(base_offset=9)
    write(log, batch, range(5, 10))
    assert [segment.base_offset for segment in log.segments][:2] == [0, 5]
    for _ in range(2):
        assert values(log) == expected(10)
        log = house.kill()


def test_a_deleted_segment_does_not_stand_in_the_way_of_the_next(house: Any, disk: Any, batch: Any) -> None:
    log = house.log(**CONFIG)
    write(log, batch)
    count = len(log.segments)
    disk.fail(2, kinds=("rename",))  # its .log is gone, its index is not
    log.drop_oldest(1)
    log.drop_oldest(1)
    assert len(log.segments) == count - 2
    assert house.restart().log_start_offset == log.segments[0].base_offset


@pytest.mark.parametrize("clean", [True, False])
def test_a_segment_that_was_begun_in_vain_is_no_end(house: Any, disk: Any, batch: Any, clean: bool) -> None:
    log = house.log(preallocate=True)
    write(log, batch, range(3))
    disk.fail(2, kinds=("truncate",), lasting=True)  # the second is the new segment's; then its name cannot go either
    disk.unlink, unlink = lambda path: disk.count("truncate", path) or unlink(path), disk.unlink
    with pytest.raises(KafkaError):
        log.roll()
    disk.unlink = unlink
    disk.heal()
    write(log, batch, range(3, 6))
    assert values(house.restart() if clean else house.kill()) == expected(6)
