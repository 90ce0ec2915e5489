"""Appending, reading, looking up, rolling and truncating, as the layers above see it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from kafkapy.protocol.batch import (
    HEADER,
    HEADER_SIZE,
    NO_TIMESTAMP,
    Record,
    build_batch,
    check_crc,
    crc_of,
    read_header,
    read_records,
    split_batches,
)
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError

NOW = 1_700_000_000_000


def refused(code: Any) -> Any:
    return pytest.raises(KafkaError, match=code.name)


def values(log: Any) -> list[bytes]:
    return [record.value for _, records in log.replay(0) for record in records]


def stating(max_timestamp: int, batch: bytes) -> bytes:
    """The batch with another largest timestamp, and a checksum that covers it."""
    stated = bytearray(HEADER.pack(*read_header(batch)._replace(max_timestamp=max_timestamp)) + batch[HEADER_SIZE:])
    header = read_header(stated)._replace(crc=crc_of(stated, 0, len(stated)))
    return HEADER.pack(*header) + batch[HEADER_SIZE:]


def fill(log: Any, batch: Any, count: Any, **options: Any) -> None:
    for i in range(count):
        log.append_as_leader(batch(f"value {i}", timestamp=NOW + 10 * i, **options), 0, NOW)


def test_an_append_gets_the_next_offsets_and_the_leader_epoch(house: Any, batch: Any) -> None:
    log = house.log()
    assert log.append_as_leader(batch("a", "b"), 3, NOW) == (0, 1, -1, 0, False)
    assert log.append_as_leader(bytearray(batch("c")), 4, NOW) == (2, 2, -1, 0, False)
    data = log.read(0, 10_000, log.log_end_offset).read()
    found = list(split_batches(data))
    for position, header in found:
        check_crc(data, position, header)
    assert [(header.base_offset, header.leader_epoch) for _, header in found] == [(0, 3), (2, 4)]
    assert log.log_end_offset == 3
    assert log.latest_epoch == 4


def test_what_was_handed_in_is_not_changed(house: Any, batch: Any) -> None:
    records = bytearray(batch("a"))
    before = bytes(records)
    house.log().append_as_leader(records, 7, NOW)
    assert records == before


def test_log_append_time_is_the_brokers(house: Any, batch: Any) -> None:
    log = house.log(timestamp_type="LogAppendTime")
    assert log.append_as_leader(batch("a", timestamp=5), 0, NOW).log_append_time == NOW
    data = log.read(0, 10_000, 1).read()
    [(position, header)] = split_batches(data)
    check_crc(data, position, header)
    assert header.is_log_append_time
    assert read_records(data)[0].timestamp == NOW
    assert log.offset_for_timestamp(NOW, 1) == (NOW, 0, 0)


@pytest.mark.parametrize("name", ["gzip", "zstd", "lz4", "snappy", "uncompressed"])
def test_a_topics_compression_wins_over_the_producers(house: Any, batch: Any, name: Any) -> None:
    log = house.log(compression_type=name)
    log.append_as_leader(
        batch("a" * 100, "b", compression=Compression.GZIP, producer_id=3, producer_epoch=0, base_sequence=0), 0, NOW
    )
    data = log.read(0, 10_000, 2).read()
    [(_, header)] = split_batches(data)
    assert header.compression is Compression[name.upper().replace("UNCOMPRESSED", "NONE")]
    assert (header.producer_id, header.base_sequence, header.last_offset) == (3, 0, 1)
    assert [record.value for record in read_records(data)] == [b"a" * 100, b"b"]


class TestRefused:
    """What is not appended, and with which error; the log stays as it was."""

    @pytest.fixture(autouse=True)
    def unchanged(self, house: Any) -> Any:
        log = house.log()
        yield
        assert log.log_end_offset == 0
        assert log.size == 0

    def test_corrupt_bytes(self, house: Any, batch: Any) -> None:
        data = bytearray(batch("a"))
        data[-1] ^= 1
        with refused(ErrorCode.CORRUPT_MESSAGE):
            house.log().append_as_leader(data, 0, NOW)

    def test_a_cut_batch_at_any_length(self, house: Any, batch: Any) -> None:
        data = batch("abc")
        for size in range(1, len(data)):
            with refused(ErrorCode.INVALID_RECORD):
                house.log().append_as_leader(data[:size], 0, NOW)

    def test_no_batch(self, house: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(b"", 0, NOW)

    def test_two_batches_from_a_client(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(batch("a") + batch("b"), 0, NOW)

    def test_a_batch_that_is_too_large(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.MESSAGE_TOO_LARGE):
            house.log(max_message_bytes=100).append_as_leader(batch("a" * 100), 0, NOW)

    def test_more_than_a_segment_holds(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.RECORD_LIST_TOO_LARGE):
            house.log(segment_bytes=100).append_as_leader(batch("a" * 100), 0, NOW)

    def test_offsets_that_do_not_match_the_count(self, house: Any) -> None:
        gap = build_batch([Record(0, NOW, b"k", b"v"), Record(5, NOW, b"k", b"v")])
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(gap, 0, NOW)

    def test_a_base_offset(self, house: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(build_batch([Record(5, NOW, b"k", b"v")]), 0, NOW)

    def test_a_control_batch_from_a_client(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(batch("a", control=True), 0, NOW)

    def test_a_producer_without_sequence(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(batch("a", producer_id=1, producer_epoch=0, base_sequence=-1), 0, NOW)

    def test_timestamps_out_of_range(self, house: Any, batch: Any) -> None:
        log = house.log(timestamp_before_max_ms=1000, timestamp_after_max_ms=1000)
        for timestamp in (NOW - 1001, NOW + 1001):
            with refused(ErrorCode.INVALID_TIMESTAMP):
                log.append_as_leader(batch("a", timestamp=timestamp), 0, NOW)

    def test_an_old_record_behind_a_young_one(self, house: Any) -> None:
        log = house.log(timestamp_before_max_ms=1000)
        records = [Record(0, NOW, b"k", b"v"), Record(1, NOW - 5000, b"k", b"v")]
        with refused(ErrorCode.INVALID_TIMESTAMP):
            log.append_as_leader(build_batch(records), 0, NOW)

    def test_an_epoch_that_no_producer_has(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.INVALID_PRODUCER_EPOCH):
            house.log().append_as_leader(batch("a", producer_id=7, producer_epoch=-2, base_sequence=0), 0, NOW)

    def test_more_records_than_there_is_room_for(self, house: Any, batch: Any) -> None:
        data = bytearray(batch("a"))
        HEADER.pack_into(data, 0, *read_header(data)._replace(last_offset_delta=9, record_count=10))
        HEADER.pack_into(data, 0, *read_header(data)._replace(crc=crc_of(data, 0, len(data))))
        with refused(ErrorCode.INVALID_RECORD):
            house.log().append_as_leader(data, 0, NOW)

    def test_no_key_in_a_compacted_topic(self, house: Any, batch: Any) -> None:
        with refused(ErrorCode.INVALID_RECORD):
            house.log(cleanup_policy=frozenset({"compact"})).append_as_leader(batch("a", key=None), 0, NOW)


def test_what_follows_the_last_whole_batch_is_dropped(house: Any, batch: Any) -> None:
    log = house.log()
    for rest in (b"\0", bytes(11), batch("b")[:-1]):
        log.append_as_leader(batch("a") + rest, 0, NOW)
    assert log.log_end_offset == 3
    assert len(log.read(0, 1 << 20, 3).read()) == 3 * len(batch("a"))


def test_log_append_time_claimed_by_a_client_is_taken_back(house: Any, batch: Any) -> None:
    log = house.log()
    log.append_as_leader(batch("a", log_append_time=NOW), 0, NOW)
    data = log.read(0, 1 << 20, 1).read()
    check_crc(data, 0, read_header(data))
    assert not read_header(data).is_log_append_time
    assert read_header(data).max_timestamp == NOW


def test_records_without_timestamp_are_taken(house: Any, batch: Any) -> None:
    log = house.log(timestamp_before_max_ms=1000)
    log.append_as_leader(build_batch([Record(0, NO_TIMESTAMP, b"k", b"v")]), 0, NOW)
    assert log.log_end_offset == 1


def test_the_broker_may_write_several_batches_and_control_batches(house: Any, batch: Any) -> None:
    log = house.log()
    assert log.append_as_leader(batch("a", "b") + batch("c", control=True), 0, NOW, from_client=False).last_offset == 2
    assert [(header.base_offset, header.is_control) for header, _ in log.replay(0)] == [(0, False), (2, True)]


def test_a_follower_keeps_the_leaders_offsets_and_epochs(house: Any, batch: Any) -> None:
    log = house.log()
    first = build_batch([Record(0, NOW, b"k", b"v")], leader_epoch=2)
    later = build_batch([Record(7, NOW, b"k", b"v")], leader_epoch=5)
    log.append_as_follower(first + later)
    assert log.log_end_offset == 8
    assert log.epochs.entries == [(2, 0), (5, 7)]
    with refused(ErrorCode.UNKNOWN_SERVER_ERROR):
        log.append_as_follower(first)


class TestReading:
    def test_every_offset_is_found_in_every_segment(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000, index_interval_bytes=100)
        fill(log, batch, 100)
        assert len(log.segments) > 5
        for restart in (house.log, house.restart, house.kill):
            log = restart()
            for offset in range(100):
                data = log.read(offset, 1, 100).read()
                assert read_records(data)[0].value == f"value {offset}".encode()

    def test_a_reader_in_order_gets_everything_once(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000, index_interval_bytes=100)
        fill(log, batch, 100)
        offset, values = 0, []
        while (found := log.read(offset, 500, 100)) is not None:
            data = found.read()
            at = 0
            while at + 61 <= len(data) and at + (header := read_header(data, at)).size <= len(data):
                values += [record.value for record in read_records(data, at)]
                offset = header.next_offset
                at += header.size
        assert values == [f"value {i}".encode() for i in range(100)]

    def test_the_end_offset_is_a_wall(self, house: Any, batch: Any) -> None:
        log = house.log()
        fill(log, batch, 10)
        [*_, (_, last)] = split_batches(log.read(0, 100_000, 4).read())
        assert last.next_offset == 4
        assert log.read(4, 100_000, 4) is None
        assert log.read(10, 100_000, 10) is None

    def test_the_first_batch_is_whole_or_left_out(self, house: Any, batch: Any) -> None:
        log = house.log()
        log.append_as_leader(batch("a" * 1000), 0, NOW)
        assert len(log.read(0, 10, 1)) > 1000
        assert log.read(0, 10, 1, at_least_one_batch=False) is None

    def test_outside_of_the_log(self, house: Any, batch: Any) -> None:
        log = house.log()
        fill(log, batch, 3)
        log.advance_log_start_offset(1)
        for offset in (0, 4):
            with refused(ErrorCode.OFFSET_OUT_OF_RANGE):
                log.read(offset, 100, 3)

    def test_a_slice_outlives_its_segment(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000)
        fill(log, batch, 50)
        found = log.read(0, 10, 50)
        log.drop_oldest(2)
        assert read_records(found.read())[0].value == b"value 0"


class TestTimes:
    def test_the_first_record_that_is_not_older(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000, index_interval_bytes=100)
        fill(log, batch, 100)
        for restart in (house.log, house.restart, house.kill):
            log = restart()
            for offset in range(100):
                assert log.offset_for_timestamp(NOW + 10 * offset - 9, 100) == (NOW + 10 * offset, offset, 0)
            assert log.offset_for_timestamp(NOW + 991, 100) is None
            assert log.offset_for_timestamp(NOW + 500, 50) is None
            assert log.max_timestamp() == (NOW + 990, 99, 0)

    def test_a_record_inside_a_batch(self, house: Any, batch: Any) -> None:
        log = house.log()
        log.append_as_leader(batch("a", "b", "c"), 0, NOW)
        assert log.offset_for_timestamp(NOW + 1, 3) == (NOW + 1, 1, 0)

    def test_the_newest_record_need_not_be_the_last(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000, index_interval_bytes=100)
        fill(log, batch, 10)
        log.append_as_leader(batch("x", timestamp=NOW + 99_999), 0, NOW)
        fill(log, batch, 40)
        assert log.max_timestamp() == (NOW + 99_999, 10, 0)

    @pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
    @pytest.mark.parametrize("stated", [NO_TIMESTAMP, -2, NOW - 1])
    def test_a_batch_that_understates_its_largest(
        self, house: Any, batch: Any, stated: int, codec: Compression
    ) -> None:
        log = house.log()
        log.append_as_leader(stating(stated, batch("a", "b", "c", compression=codec)), 0, NOW)
        data = log.read(0, 1 << 20, 3).read()
        check_crc(data, 0, read_header(data))
        assert read_header(data).max_timestamp == NOW + 2
        for opened in (log, house.restart()):
            assert opened.offset_for_timestamp(NOW + 1, 3) == (NOW + 1, 1, 0)
            assert opened.max_timestamp() == (NOW + 2, 2, 0)

    def test_a_batch_that_understates_its_largest_does_not_get_past_the_limits(self, house: Any, batch: Any) -> None:
        log = house.log(timestamp_after_max_ms=1000)
        with refused(ErrorCode.INVALID_TIMESTAMP):
            log.append_as_leader(stating(NO_TIMESTAMP, batch("a", timestamp=NOW + 1001)), 0, NOW)

    def test_an_empty_log_has_none(self, house: Any) -> None:
        assert house.log().max_timestamp() is None
        assert house.log().offset_for_timestamp(0, 0) is None


class TestRolling:
    def test_by_size(self, house: Any, batch: Any) -> None:
        log = house.log(segment_bytes=1000)
        fill(log, batch, 50)
        assert all(segment.size <= 1000 for segment in log.segments)
        assert len(log.segments) > 3

    def test_by_the_records_time(self, house: Any, batch: Any) -> None:
        log = house.log(segment_ms=1000)
        for timestamp in (NOW, NOW + 1000, NOW + 1001):
            log.append_as_leader(batch("a", timestamp=timestamp), 0, NOW)
        assert [segment.base_offset for segment in log.segments] == [0, 2]

    def test_by_a_full_index(self, house: Any, batch: Any) -> None:
        log = house.log(segment_index_bytes=64, index_interval_bytes=1)
        fill(log, batch, 20)
        assert len(log.segments) > 2

    def test_an_empty_segment_stays(self, house: Any) -> None:
        log = house.log()
        log.roll(NOW)
        assert len(log.segments) == 1

    def test_leaves_complete_indexes_and_a_snapshot(self, house: Any, batch: Any, disk: Any) -> None:
        log = house.log(index_interval_bytes=100)
        fill(log, batch, 10)
        log.roll(NOW)
        names = set(disk.list("/data/t-0"))
        assert {f"{0:020d}.index", f"{0:020d}.timeindex", f"{10:020d}.log", f"{10:020d}.snapshot"} <= names
        assert disk.size(f"/data/t-0/{0:020d}.index") % 8 == 0
        assert disk.read(f"/data/t-0/{0:020d}.timeindex")[-12:] == (NOW + 90).to_bytes(8) + (9).to_bytes(4)


class TestTruncating:
    @pytest.mark.parametrize("offset", range(0, 100, 7))
    def test_the_log_goes_on_from_there(self, house: Any, batch: Any, offset: Any, producers_of: Any) -> None:
        log = house.log(segment_bytes=1000, index_interval_bytes=100)
        for i in range(100):
            log.append_as_leader(
                batch(str(i), timestamp=NOW + 10 * i, producer_id=1, producer_epoch=0, base_sequence=i), i // 10, NOW
            )
        log.truncate_to(offset)
        assert log.log_end_offset == offset
        assert log.latest_epoch == (offset - 1) // 10
        assert (
            log.append_as_leader(batch("x", producer_id=1, producer_epoch=0, base_sequence=offset), 20, NOW).base_offset
            == offset
        )
        before = producers_of(log)
        log = house.kill()
        assert log.log_end_offset == offset + 1
        assert producers_of(log) == before

    def test_inside_a_batch_the_whole_batch_goes(self, house: Any, batch: Any) -> None:
        log = house.log()
        log.append_as_leader(batch("a", "b", "c"), 0, NOW)
        log.append_as_leader(batch("d", "e", "f"), 0, NOW)
        log.truncate_to(4)
        assert log.log_end_offset == 3

    def test_beyond_the_end_nothing_happens(self, house: Any, batch: Any) -> None:
        log = house.log()
        fill(log, batch, 3)
        log.truncate_to(5)
        assert log.log_end_offset == 3


def test_epochs_end_where_the_next_begins(house: Any, batch: Any) -> None:
    log = house.log()
    for epoch in (1, 1, 3, 5):
        log.append_as_leader(batch("a"), epoch, NOW)
    ends = {epoch: log.end_offset_for_epoch(epoch) for epoch in (-1, 0, 1, 2, 3, 4, 5, 6)}
    assert ends == {-1: (-1, -1), 0: (0, 0), 1: (1, 2), 2: (1, 2), 3: (3, 3), 4: (3, 3), 5: (5, 4), 6: (-1, -1)}
    assert [log.epoch_of(offset) for offset in range(4)] == [1, 1, 3, 5]


class TestPreallocate:
    """The file of the active segment is as long as it may become, as in Apache's `FileRecords`."""

    CONFIG: ClassVar = {"preallocate": True, "segment_bytes": 1000, "index_interval_bytes": 100}

    def test_it_is_cut_to_its_batches_when_it_is_rolled_or_closed(self, house: Any, disk: Any, batch: Any) -> None:
        log = house.log(**self.CONFIG)
        for i in range(30):
            log.append_as_leader(batch(f"value {i}"), 0, NOW)
        sizes = [len(disk.files[segment.path(".log")].data) for segment in log.segments]
        assert sizes == [*(segment.size for segment in log.segments[:-1]), 1000]
        assert log.active.size < 1000
        assert house.restart().log_end_offset == 30
        assert len(disk.files[log.active.path(".log")].data) == log.active.size
        assert len(values(house.log())) == 30

    @pytest.mark.parametrize("power", [False, True])
    def test_a_crash_leaves_zeros_which_are_cut_off(self, house: Any, disk: Any, batch: Any, power: bool) -> None:
        log = house.log(**self.CONFIG)
        for i in range(15):
            log.append_as_leader(batch(f"value {i}"), 0, NOW)
        log.flush()
        log = house.kill(power=power)
        assert len(values(log)) == 15
        assert len(disk.files[log.active.path(".log")].data) == log.active.size
        assert log.append_as_leader(batch("more"), 0, NOW).base_offset == 15

    def test_a_write_that_fails_is_taken_back(self, house: Any, disk: Any, batch: Any) -> None:
        log = house.log(**self.CONFIG)
        log.append_as_leader(batch("a"), 0, NOW)
        disk.fail(1, torn=0.5)
        with pytest.raises(KafkaError):
            log.append_as_leader(batch("b"), 0, NOW)
        assert log.append_as_leader(batch("c"), 0, NOW).base_offset == 1
        assert [value.decode() for value in values(house.kill())] == ["a", "c"]


def one_by_one(log: Any) -> list[bytes]:
    """What a reader gets who asks for a batch at a time, each behind the last."""
    found: list[bytes] = []
    offset = log.log_start_offset
    while (slice_ := log.read(offset, 1, log.log_end_offset)) is not None:
        data = slice_.read()
        found += [record.value for record in read_records(data)]
        offset = read_header(data).next_offset
    return found


def test_a_reader_goes_on_behind_a_truncation_and_over_segments(house: Any, batch: Any) -> None:
    """Where the next batch begins is remembered, and no longer true once the log was cut there."""
    log = house.log(segment_bytes=2000)
    fill(log, batch, 100)
    assert one_by_one(log) == values(log)
    log.truncate_to(90)
    for i in range(90, 200):
        log.append_as_leader(batch(f"another, longer value {i}"), 0, NOW)
        assert log.log_end_offset == i + 1
    assert one_by_one(log) == one_by_one(log) == values(log)
    assert len(log.segments) > 2
