"""A compacted log holds the newest record of each key at its old offset, and everything that is not to be compacted."""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from kafkapy.protocol.batch import BatchHeader, Record, build_batch, check_crc
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.storage.aborted import AbortedTransaction, encode_aborted, read_aborted
from kafkapy.storage.cleaner import CLEANER_OFFSET_FILE, Cleaner
from kafkapy.storage.compaction import CompactionLimits
from kafkapy.storage.log import Log
from kafkapy.storage.offset_map import ENTRY_SIZE
from kafkapy.storage.retention import delete_old_segments

NOW = 1_700_000_000_000
HOUR = 3_600_000
COMPACT = {
    "cleanup_policy": frozenset({"compact"}),
    "segment_bytes": 1200,
    "index_interval_bytes": 100,
    "min_cleanable_dirty_ratio": 0.01,
    "delete_retention_ms": HOUR,
}


def put(log: Log, *pairs: tuple[str, str | None], timestamp: int = NOW, **options: Any) -> int:
    """Append one batch; its base offset."""
    records = [
        Record(i, timestamp + i, key.encode(), None if value is None else value.encode())
        for i, (key, value) in enumerate(pairs)
    ]
    return log.append_as_leader(build_batch(records, **options), 0, NOW).base_offset


def cleaner_of(house: Any) -> Cleaner:
    return Cleaner("/data", house.disk, house.log_dir.logs)


def clean(
    house: Any, cleaner: Cleaner | None = None, *, now: int = NOW, stable: int | None = None, **limits: Any
) -> bool:
    """Compact what is dirtiest, if anything is dirty enough."""
    cleaner = cleaner or cleaner_of(house)
    offsets = {key: log.log_end_offset if stable is None else stable for key, log in house.log_dir.logs.items()}
    cleanable = cleaner.pick(offsets, now)
    if cleanable is None:
        return False
    work(cleaner, cleanable, now, **limits)
    return True


def work(cleaner: Cleaner, cleanable: Any, now: int = NOW, **limits: Any) -> None:
    for job in cleaner.clean(cleanable, now, CompactionLimits(**limits)):
        job()


def contents(log: Log) -> list[tuple[int, int, bytes | None, bytes | None]]:
    return [(r.offset, r.timestamp, r.key, r.value) for _, records in log.replay(0) for r in records]


def batches(log: Log) -> list[BatchHeader]:
    return [header for header, _ in log.replay(0)]


def newest(records: Any) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for _, _, key, value in records:
        found.pop(key, None)
        if value is not None:
            found[key] = value
    return found


def check_files(log: Log) -> None:
    """Every segment's checksums, order and indexes are right, and every offset finds what follows it."""
    end = log.segments[0].base_offset
    offsets = []
    for segment in log.segments:
        assert segment.base_offset >= end
        for position, header, data in segment.batches():
            check_crc(data, 0, header)
            assert header.base_offset >= end
            end = header.next_offset
            assert segment.locate(header.last_offset)[0] == position  # type: ignore[index]
            offsets.append((header.base_offset, header.last_offset))
    for offset in range(log.log_start_offset, log.log_end_offset):
        first = next(((base, last) for base, last in offsets if last >= offset), None)
        found = log.read(offset, 1, log.log_end_offset)
        assert (found is None) == (first is None)
        if found is not None and first is not None:
            assert int.from_bytes(found.read()[:8]) == first[0]


class Writer:
    """Writes seeded records of few keys, in batches of every kind."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sequences = dict.fromkeys(range(3), 0)
        self.time = NOW

    def write(self, log: Log, count: int) -> None:
        choice = self.random
        for _ in range(count):
            pairs = [
                (f"key {choice.randrange(12)}", None if choice.random() < 0.2 else f"{choice.random()}" * 3)
                for _ in range(choice.randint(1, 6))
            ]
            self.time += choice.randrange(50)
            options: dict[str, Any] = {"compression": choice.choice(list(Compression))}
            producer = choice.randrange(6)
            if producer in self.sequences:
                options |= {
                    "producer_id": producer,
                    "producer_epoch": 0,
                    "base_sequence": self.sequences[producer],
                }
                self.sequences[producer] += len(pairs)
            put(log, *pairs, timestamp=self.time, **options)


def test_the_newest_record_of_each_key_stays_where_it_was(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(60):
        put(log, (f"k{i % 3}", f"value {i}"), ("once" if i == 1 else "often", f"{i}"), timestamp=NOW + i)
    active = log.active.base_offset
    before = contents(log)
    assert clean(house)
    after = contents(log)
    cleaned = [record for record in before if record[0] < active]
    last = {record[2]: record for record in cleaned}
    expected = [r for r in cleaned if last[r[2]] == r]
    # The end of what was cleaned is kept even without records; the active segment is as it was.
    assert after == expected + [record for record in before if record[0] >= active]
    assert log.log_end_offset == 120
    assert log.log_start_offset == 0
    check_files(log)
    assert not clean(house, cleaner_of(house))


@pytest.mark.parametrize("seed", range(25))
def test_any_log_says_the_same_after_compaction(house: Any, seed: int) -> None:
    writer = Writer(seed)
    log = house.log(**COMPACT)
    cleaner = cleaner_of(house)
    now = NOW
    everything: list[Any] = []
    for _ in range(4):
        writer.write(log, 60)
        everything = [*everything, *(r for r in contents(log) if not everything or r[0] > everything[-1][0])]
        now += writer.random.choice([0, HOUR // 2, 2 * HOUR])
        clean(house, cleaner, now=now)
        assert newest(contents(log)) == newest(everything)
        assert set(contents(log)) <= set(everything)
        check_files(log)
        if writer.random.random() < 0.5:
            log = house.restart() if writer.random.random() < 0.5 else house.kill(power=True)
            everything = [record for record in everything if record[0] < log.log_end_offset]
            for producer, known in log.producers.by_id.items():
                writer.sequences[producer] = known.last_sequence + 1
            for producer in set(writer.sequences) - set(log.producers.by_id):
                writer.sequences[producer] = 0
            cleaner = cleaner_of(house)
            assert newest(contents(log)) == newest(everything)
            check_files(log)


def test_a_tombstone_stays_for_its_time_from_the_first_cleaning_on(house: Any) -> None:
    log = house.log(**COMPACT)
    put(log, ("a", "1"), ("b", "1"))
    put(log, ("a", None), ("c", "1"), timestamp=NOW + 5)
    log.roll(NOW)
    put(log, ("x", "1"))
    assert clean(house, now=NOW)
    assert [(o, k, v) for o, _, k, v in contents(log)] == [
        (1, b"b", b"1"),
        (2, b"a", None),
        (3, b"c", b"1"),
        (4, b"x", b"1"),
    ]
    marked = batches(log)[1]
    assert marked.has_delete_horizon
    assert marked.base_timestamp == NOW + HOUR
    assert contents(log)[1][1] == NOW + 5  # the records' times are what they were
    assert contents(log)[2][1] == NOW + 6
    for now, left in ((NOW + HOUR - 1, True), (NOW + HOUR, False)):
        log.roll(NOW)
        put(log, ("x", "1"))
        assert clean(house, now=now)
        assert (b"a" in [key for _, _, key, _ in contents(log)]) is left
    assert batches(log)[1].has_delete_horizon  # it is the batch's for ever, as in Apache


@pytest.mark.parametrize("compression", list(Compression))
def test_batches_keep_their_codec_offsets_and_producer(house: Any, compression: Compression) -> None:
    log = house.log(**COMPACT)
    pairs = [("a", "x" * 50), ("b", "y" * 50), ("a", "z" * 50)]
    options = {"compression": compression, "producer_id": 9, "producer_epoch": 2}
    put(log, *pairs, base_sequence=0, **options)
    put(log, ("c", "1"), ("b", "2"), base_sequence=3, **options)
    log.roll(NOW)
    put(log, ("x", "1"))
    before = batches(log)
    assert clean(house)
    first = batches(log)[0]
    assert first._replace(length=0, crc=0, record_count=0, base_timestamp=0) == before[0]._replace(
        length=0, crc=0, record_count=0, base_timestamp=0
    )
    assert first.compression is compression
    assert first.record_count == 1
    assert (first.last_offset, first.last_sequence) == (2, 2)


def test_producers_are_still_recognised_when_their_records_are_gone(house: Any, producers_of: Any) -> None:
    log = house.log(**COMPACT)
    put(log, ("a", "1"), ("b", "1"), producer_id=5, producer_epoch=1, base_sequence=0)
    put(log, ("a", "2"), ("b", "2"), producer_id=5, producer_epoch=1, base_sequence=2)
    put(log, ("a", "3"), ("b", "3"))
    log.roll(NOW)
    put(log, ("x", "1"))
    known = producers_of(log)
    assert clean(house)
    assert [(h.base_offset, h.record_count, h.producer_id) for h in batches(log)] == [
        (2, 0, 5),
        (4, 2, -1),
        (6, 1, -1),
    ]
    for reopen in (lambda: log, house.restart, lambda: house.kill(power=True)):
        again = reopen()
        assert producers_of(again)[5].batches[-1] == known[5].batches[-1]
        records = [Record(0, NOW, b"a", b"2"), Record(1, NOW, b"b", b"2")]
        repeated = build_batch(records, producer_id=5, producer_epoch=1, base_sequence=2)
        assert again.append_as_leader(repeated, 0, NOW).duplicate
        with pytest.raises(KafkaError, match="OUT_OF_ORDER"):
            put(again, ("a", "4"), producer_id=5, producer_epoch=1, base_sequence=9)
    # A snapshot gone, the log alone still tells.
    for name in house.disk.list("/data/t-0"):
        if name.endswith(".snapshot"):
            house.disk.unlink(f"/data/t-0/{name}")
    log = house.log()
    log.rebuild_producers(log.log_end_offset)
    assert log.producers.by_id[5].last_sequence == 3


def test_small_segments_become_one_up_to_the_size(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(200):
        put(log, (f"k{i % 2}", "v" * 50), timestamp=NOW + i)
    count = len(log.segments)
    assert count > 10
    cleaner = cleaner_of(house)
    assert clean(house, cleaner)
    first = len(log.segments)
    assert first == count  # what is joined is judged by its size before
    log.roll(NOW)
    put(log, ("z", "1"))
    assert clean(house, cleaner)
    assert len(log.segments) < first / 2
    assert all(segment.size <= 1200 for segment in log.segments)
    check_files(house.restart())


def test_a_small_table_cleans_up_to_where_it_is_full_and_goes_on_there(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(200):
        put(log, (f"k{i % 40}", f"{i}"), ("same", f"{i}"), timestamp=NOW + i)
    before = contents(log)
    cleaner = cleaner_of(house)
    rounds = 0
    while clean(house, cleaner, dedupe_buffer_bytes=ENTRY_SIZE * 23, load_factor=0.5):
        rounds += 1
        assert newest(contents(log)) == newest(before)
        check_files(log)
        assert rounds < 100
    assert rounds > 3
    kept = [record for record in contents(log) if record[0] < log.active.base_offset]
    # Records that lie further apart than the table reaches were compared in later rounds.
    assert len(kept) < 120
    assert f"t 0 {log.active.base_offset}" in house.disk.read(f"/data/{CLEANER_OFFSET_FILE}").decode()


@pytest.mark.parametrize("io_buffer_bytes", [0, 61, 150, 700])
def test_batches_may_be_larger_than_the_buffers(house: Any, io_buffer_bytes: int) -> None:
    log = house.log(**COMPACT)
    for i in range(60):
        put(log, (f"k{i % 7}", "v" * (i * 37 % 300)), timestamp=NOW + i)
    before = newest(contents(log))
    assert clean(house, io_buffer_bytes=io_buffer_bytes)
    assert newest(contents(log)) == before
    assert len(contents(log)) < 60
    check_files(log)


def test_bytes_are_told_as_they_are_read_and_written(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(60):
        put(log, (f"k{i}", "v" * 30), timestamp=NOW + i)
    closed = log.size - log.active.size
    cleaner = cleaner_of(house)
    cleanable = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
    assert cleanable is not None
    told: list[int] = []
    for job in cleaner.clean(cleanable, NOW, CompactionLimits(), told.append):
        job()
    assert sum(told) == 3 * closed, "once for the keys, once for the records, and all of them are written"


def test_what_is_not_to_be_cleaned_yet(house: Any) -> None:
    log = house.log(**COMPACT | {"min_compaction_lag_ms": HOUR, "timestamp_after_max_ms": 9 * HOUR})
    for i in range(60):
        put(log, ("k", "v" * 30), timestamp=NOW + i * HOUR // 30)
    cleaner = cleaner_of(house)
    stable = {("t", 0): log.log_end_offset}
    assert cleaner.pick(stable, NOW) is None
    middle = cleaner.pick(stable, NOW + HOUR + HOUR // 2)
    assert middle is not None
    assert log.segments[0].base_offset < middle.end_offset < log.active.base_offset
    late = cleaner.pick(stable, NOW + 9 * HOUR)
    assert late is not None
    assert late.end_offset == log.active.base_offset
    limited = cleaner.pick({("t", 0): log.segments[2].base_offset + 1}, NOW + 9 * HOUR)
    assert limited is not None
    assert limited.end_offset == log.segments[2].base_offset
    house.log(**COMPACT | {"cleanup_policy": frozenset({"delete"})})
    assert cleaner.pick(stable, NOW + 9 * HOUR) is None


def test_the_ratio_and_the_longest_wait(house: Any) -> None:
    log = house.log(**COMPACT | {"min_cleanable_dirty_ratio": 0.9})
    cleaner = cleaner_of(house)
    for i in range(40):
        put(log, (f"k{i}", "v" * 30), timestamp=NOW + i)
    assert clean(house, cleaner)
    for i in range(40):
        put(log, (f"k{i}", "v" * 30), timestamp=NOW + i)
    assert not clean(house, cleaner, now=NOW + HOUR)
    house.log(**COMPACT | {"min_cleanable_dirty_ratio": 0.9, "max_compaction_lag_ms": HOUR // 2})
    assert not clean(house, cleaner, now=NOW + HOUR // 2)
    assert clean(house, cleaner, now=NOW + HOUR)


def test_the_dirtiest_log_is_first(house: Any) -> None:
    from uuid import UUID

    house.log(**COMPACT)
    logs = [house.log_dir.create(name, 0, UUID(int=100 + i), house.config) for i, name in enumerate("abc")]
    cleaner = cleaner_of(house)
    for log in logs:
        for i in range(30):
            put(log, (f"k{i}", "v" * 30))
    while clean(house, cleaner):
        pass
    for log, more in zip(logs, (10, 60, 30), strict=True):
        for i in range(more):
            put(log, (f"k{i % 30}", "v" * 30))
    stable = {key: log.log_end_offset for key, log in house.log_dir.logs.items()}
    picked = [cleaner.pick(stable, NOW, at_work) for at_work in ((), logs[1:2])]
    assert [found and found.log for found in picked] == logs[1:], "and the next, while that is at work"


def test_a_reader_goes_on_in_the_old_segment(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(40):
        put(log, ("k", f"value {i}"))
    found = log.read(3, 100_000, log.log_end_offset)
    assert found is not None
    expected = house.disk.files[log.segments[0].path(".log")].data[found.position :]
    expected = bytes(expected[: found.size])
    assert clean(house)
    assert found.read() == expected
    assert log.read(3, 100_000, log.log_end_offset).read() != expected  # type: ignore[union-attr]


def test_times_are_still_found(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(100):
        put(log, (f"k{i % 7}", f"value {i}"), timestamp=NOW + i * 10)
    assert clean(house)
    for again in (log, house.restart()):
        kept = contents(again)
        for wanted in range(NOW - 5, NOW + 1000, 7):
            expected = next(((t, o) for o, t, _, _ in kept if t >= wanted), None)
            found = again.offset_for_timestamp(wanted, again.log_end_offset)
            assert (found and found[:2]) == expected


def test_a_log_that_changes_meanwhile_is_left_alone(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(100):
        put(log, ("k", f"value {i}"), timestamp=NOW + i)
    cleaner = cleaner_of(house)
    cleanable = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
    assert cleanable is not None
    for number, job in enumerate(cleaner.clean(cleanable, NOW)):
        job()
        if number == 1:
            log.drop_oldest(1)
    assert log.log_start_offset == log.segments[0].base_offset > 0
    check_files(log)
    house.log_dir.remove_deleted(NOW + HOUR)
    assert not [name for name in house.disk.list("/data/t-0") if name.endswith((".cleaned", ".swap", ".deleted"))]
    assert clean(house, cleaner)


@pytest.mark.parametrize("at", [0, 6, 9, 16, 30, 70])
def test_a_damaged_log_is_not_copied_and_not_tried_again(house: Any, caplog: Any, at: int) -> None:
    log = house.log(**COMPACT)
    for i in range(100):
        put(log, ("k", f"value {i}"), timestamp=NOW + i)
    house.disk.files[log.segments[1].path(".log")].data[at] ^= 1
    cleaner = cleaner_of(house)
    cleanable = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
    assert cleanable is not None
    names = set(house.disk.list("/data/t-0"))
    with pytest.raises(KafkaError) as raised:
        work(cleaner, cleanable)
    assert raised.value.code is ErrorCode.CORRUPT_MESSAGE
    cleaner.fail(log, raised.value)
    assert "not compacted any more" in caplog.text
    assert cleaner.pick({("t", 0): log.log_end_offset}, NOW) is None
    assert set(house.disk.list("/data/t-0")) == names


def test_a_full_disk_is_tried_again(house: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(100):
        put(log, ("k", f"value {i}"), timestamp=NOW + i)
    cleaner = cleaner_of(house)
    before = contents(log)
    house.disk.fail(1, kinds=("write",), lasting=True, torn=0.5)
    cleanable = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
    assert cleanable is not None
    with pytest.raises(OSError, match="No space") as raised:
        work(cleaner, cleanable)
    cleaner.fail(log, raised.value)
    assert newest(contents(log)) == newest(before)
    house.disk.heal()
    assert clean(house, cleaner)
    assert contents(log)[0][0] == log.active.base_offset - 1


def test_a_log_of_the_same_name_does_not_inherit_how_far_it_is_clean(house: Any) -> None:
    log = house.log(**COMPACT)
    for _ in range(40):
        put(log, ("k", "v" * 30))
    cleaner = cleaner_of(house)
    assert clean(house, cleaner)
    house.log_dir.delete("t", 0)
    log = house.log()
    for _ in range(80):
        put(log, ("k", "v" * 30))
    picked = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
    assert picked is not None
    assert picked.first_dirty_offset == 0


def test_both_policies_delete_too(house: Any) -> None:
    log = house.log(**COMPACT | {"cleanup_policy": frozenset({"compact", "delete"}), "retention_ms": HOUR})
    for i in range(60):
        put(log, ("k", "v" * 30), timestamp=NOW + i)
    assert clean(house)
    left = contents(log)
    assert 0 < len(left) < 60
    assert delete_old_segments(log, log.log_end_offset, NOW + HOUR) > 0  # those in which nothing is left
    assert contents(log) == left
    assert delete_old_segments(log, log.log_end_offset, NOW + 2 * HOUR) > 0
    assert log.log_start_offset == log.log_end_offset


def live(house: Any, *, cleaned: bool) -> Iterator[None]:
    """A log of many segments that is cleaned twice."""
    writer = Writer(7)
    log = house.log(**COMPACT | {"segment_bytes": 900})
    writer.write(log, 30)
    log.flush()
    house.checkpoint({("t", 0): log.log_end_offset})
    yield
    if cleaned:
        clean(house, now=NOW)
    writer.write(log, 15)
    log.flush()
    if cleaned:
        clean(house, now=NOW + 2 * HOUR)
    yield


@pytest.mark.parametrize(("power", "torn"), [(False, 0.0), (False, 0.6), (True, 0.0)], ids=["kill", "torn", "power"])
def test_a_crash_at_any_change_leaves_the_old_log_or_the_new(
    house: Any, disk: Any, crash_error: Any, power: bool, torn: float
) -> None:
    house_type, disk_type = type(house), type(disk)
    for _ in live(house, cleaned=False):
        everything = contents(house.log())
    for at in itertools.count(1):
        house = house_type(disk_type())
        life = live(house, cleaned=True)
        next(life)
        durable = house.log().log_end_offset
        house.disk.fail(at, crash_error(), torn=torn)
        try:
            next(life)
        except crash_error:
            pass
        else:
            assert at > 60
            break
        house.log_dir = None
        house.disk.crash(power=power)
        house.open()
        log = house.log()
        assert log.log_end_offset >= durable
        found = contents(log)
        written = [record for record in everything if record[0] < log.log_end_offset]
        assert set(found) <= set(written)
        assert newest(found) == newest(written)
        endings = (".log", ".index", ".timeindex", ".snapshot")
        left = {name for name in house.disk.list("/data/t-0") if not name.endswith(endings)}
        assert left <= {"partition.metadata", "leader-epoch-checkpoint"}
        check_files(log)
        clean(house, now=NOW)
        assert newest(contents(log)) == newest(written)
        check_files(log)
        put(log, ("end", "1"))


def transaction(log: Log, producer: int, sequence: int, key: str, value: str) -> int:
    records = [Record(0, NOW, key.encode(), value.encode())]
    batch = build_batch(records, producer_id=producer, producer_epoch=0, base_sequence=sequence, transactional=True)
    return log.append_as_leader(batch, 0, NOW).base_offset


def end_transaction(log: Log, producer: int, *, commit: bool) -> int:
    marker = Record(0, NOW, struct.pack(">hh", 0, commit), struct.pack(">hi", 0, 0))
    batch = build_batch([marker], producer_id=producer, producer_epoch=0, transactional=True, control=True)
    return log.append_as_leader(batch, 0, NOW, from_client=False).base_offset


def test_aborted_records_go_and_markers_wait(house: Any) -> None:
    log = house.log(**COMPACT)
    put(log, ("a", "0"))
    first = transaction(log, 1, 0, "a", "aborted")
    transaction(log, 2, 0, "b", "committed")
    aborted = end_transaction(log, 1, commit=False)
    committed = end_transaction(log, 2, commit=True)
    transaction(log, 1, 1, "c", "committed")
    end_transaction(log, 1, commit=True)
    put(log, ("b", "later"))
    log.roll(NOW)
    index = f"/data/t-0/{0:020d}.txnindex"
    house.disk.write(index, encode_aborted([AbortedTransaction(1, first, aborted, aborted)]), sync=True)
    put(log, ("x", "1"))

    def clean_all(now: int) -> list[tuple[int, int, bool]]:
        cleanable = cleaner_of(house).pick({("t", 0): log.log_end_offset}, now)
        assert cleanable is not None
        work(cleaner_of(house), cleanable._replace(first_dirty_offset=0), now)
        return [(h.base_offset, h.record_count, h.has_delete_horizon) for h in batches(log)][:-1]

    # The aborted record is gone at once; its marker stays while the index names the transaction that it ends. The
    # committed one is compacted away, but its producer is known by that batch.
    assert clean_all(NOW) == [
        (0, 1, False),
        (2, 0, False),
        (aborted, 1, False),
        (committed, 1, False),
        (5, 1, False),
        (6, 1, False),
        (7, 1, False),
    ]
    assert read_aborted(house.disk, index) == [AbortedTransaction(1, first, aborted, aborted)]
    log.roll(NOW)
    put(log, ("x", "1"))
    assert clean_all(NOW)[1:4] == [(2, 0, False), (aborted, 1, True), (committed, 1, False)]
    assert read_aborted(house.disk, index) == []
    log.roll(NOW)
    put(log, ("x", "1"))
    assert clean_all(NOW + HOUR)[1:3] == [(2, 0, False), (committed, 1, False)]
    house.restart()
    assert [value for _, _, key, value in contents(house.log()) if key == b"a"] == [b"0"]


def test_a_damaged_checkpoint_and_one_beyond_the_log_are_passed_over(house: Any, caplog: Any) -> None:
    log = house.log(**COMPACT)
    for i in range(40):
        put(log, ("k", f"value {i}"))
    for text in (b"garbage", b"0\n1\nt 0 4000\n"):
        house.disk.write(f"/data/{CLEANER_OFFSET_FILE}", text, sync=True)
        picked = cleaner_of(house).pick({("t", 0): log.log_end_offset}, NOW)
        assert picked is not None
        assert picked.first_dirty_offset == 0
    assert "passed over" in caplog.text
    assert "does not hold offset 4000" in caplog.text
