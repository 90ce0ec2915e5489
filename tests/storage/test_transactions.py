"""Transactions in a log: where they are open, which were aborted, and that no stop and no crash changes either."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker, build_marker
from kafkapy.storage.aborted import AbortedTransaction, TransactionIndex, read_aborted

NOW = 1_700_000_000_000


class Log:
    """A log as a leader writes to it, and what must be true of it."""

    def __init__(self, house: Any, batch: Any, **config: Any) -> None:
        self.house, self.batch = house, batch
        self.sequences: dict[tuple[int, int], int] = {}
        self.log = house.log(**config)

    def send(self, producer_id: int, *values: str, epoch: int = 0, transactional: bool = True) -> int:
        sequence = self.sequences.get((producer_id, epoch), 0)
        data = self.batch(
            *(values or ("v",)),
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
            transactional=transactional,
        )
        appended = self.log.append_as_leader(data, 0, NOW)
        self.sequences[producer_id, epoch] = sequence + len(values or ("v",))
        return appended.base_offset

    def end(self, producer_id: int, *, commit: bool, epoch: int = 0) -> int:
        data = build_marker(producer_id, epoch, Marker(commit, 7), NOW)
        return self.log.append_as_leader(data, 0, NOW, from_client=False).base_offset

    def aborted(self) -> list[AbortedTransaction]:
        return [entry for segment in self.log.segments for entry in segment.transaction_index.entries]

    def aborted_for(self, offset: int, max_bytes: int = 1 << 20) -> list[int]:
        found = self.log.read(offset, max_bytes, self.log.log_end_offset)
        return [
            one.producer_id for one in self.log.segments.aborted_transactions(offset, found, self.log.log_end_offset)
        ]

    def state(self) -> Any:
        return self.aborted(), self.log.producers.open


@pytest.fixture
def make(house: Any, batch: Any) -> Any:
    return lambda **config: Log(house, batch, **config)


def test_a_transaction_is_open_until_its_marker(make: Any) -> None:
    log = make()
    first = log.send(1)
    log.send(2, transactional=False)
    second = log.send(3)
    producers = log.log.producers

    assert producers.open == {1: first, 3: second}
    assert producers.first_unstable_offset() == first
    log.end(1, commit=True)
    producers.committed_to(log.log.log_end_offset)
    assert producers.first_unstable_offset() == second
    log.end(3, commit=False)
    assert producers.first_unstable_offset() == second, "its marker is not committed yet"
    producers.committed_to(log.log.log_end_offset)
    assert producers.first_unstable_offset() is None


def test_the_index_names_what_was_aborted(make: Any, house: Any) -> None:
    log = make()
    first, other = log.send(1), log.send(2)
    marker = log.end(1, commit=False)
    assert log.aborted() == [AbortedTransaction(1, first, marker, other)], "the other transaction is still open"
    log.end(2, commit=True)
    third = log.send(1)
    last = log.end(1, commit=False)
    expected = [AbortedTransaction(1, first, marker, other), AbortedTransaction(1, third, last, last + 1)]
    assert log.aborted() == expected
    assert read_aborted(house.disk, f"/data/t-0/{0:020d}.txnindex") == expected


def test_a_marker_without_records_aborts_nothing(make: Any) -> None:
    log = make()
    log.end(1, commit=False)
    assert log.aborted() == []
    assert log.log.producers.first_unstable_offset() is None


def test_a_reader_learns_of_the_transactions_in_its_slice(make: Any) -> None:
    log = make(segment_bytes=300, index_interval_bytes=1)
    log.send(1)
    end_of_first = log.end(1, commit=False)
    plain = log.send(9, "x" * 120, transactional=False)
    log.send(2)
    log.end(2, commit=False)

    assert log.aborted_for(0, max_bytes=1) == [1]
    assert log.aborted_for(end_of_first)[:1] == [1]
    assert log.aborted_for(plain, max_bytes=1) == []
    assert log.aborted_for(plain + 1) == [2]


def test_a_transaction_that_ends_segments_later_is_found(make: Any) -> None:
    log = make(segment_bytes=300)
    log.send(1)
    for _ in range(10):
        log.send(9, "x" * 100, transactional=False)
    assert len(log.log.segments) > 4
    log.end(1, commit=False)
    assert log.aborted_for(0) == [1]


@pytest.mark.parametrize("how", ["restart", "kill", "power"])
def test_nothing_is_forgotten(make: Any, house: Any, how: str) -> None:
    log = make(segment_bytes=400)
    for number in range(12):
        log.send(1, epoch=number)
        log.send(2)
        log.end(1, commit=bool(number % 3), epoch=number)
    log.log.flush()
    before = log.state()
    log.log = {"restart": house.restart, "kill": house.kill, "power": lambda: house.kill(power=True)}[how]()
    assert log.state() == before
    assert log.aborted_for(0)


def test_what_is_cut_off_is_open_again(make: Any) -> None:
    log = make()
    log.send(1)
    log.end(1, commit=False)
    second = log.send(1)
    marker = log.end(1, commit=False)
    log.log.truncate_to(marker)
    assert len(log.aborted()) == 1
    assert log.log.producers.open == {1: second}


def test_a_batch_outside_of_the_open_transaction_is_refused(make: Any) -> None:
    log = make()
    log.send(1)
    with pytest.raises(KafkaError, match="INVALID_TXN_STATE"):
        log.send(1, transactional=False)


@pytest.mark.parametrize(
    ("epoch", "coordinator_epoch", "version", "code"),
    [
        (4, 7, 0, ErrorCode.INVALID_PRODUCER_EPOCH),
        (5, 7, 0, None),
        (5, 7, 2, ErrorCode.INVALID_PRODUCER_EPOCH),
        (6, 7, 2, None),
        (5, 6, 0, ErrorCode.TRANSACTION_COORDINATOR_FENCED),
    ],
)
def test_markers_are_judged(make: Any, epoch: int, coordinator_epoch: int, version: int, code: Any) -> None:
    log = make()
    log.send(1, epoch=5)
    log.end(1, commit=True, epoch=5)
    log.send(1, epoch=5)
    check = log.log.producers.check_marker
    if code is None:
        check(1, epoch, coordinator_epoch, version)
    else:
        with pytest.raises(KafkaError, match=code.name):
            check(1, epoch, coordinator_epoch, version)


def test_a_marker_that_comes_again_is_written_again(make: Any) -> None:
    log = make()
    log.send(1, epoch=5)
    log.end(1, commit=True, epoch=6)
    log.log.producers.check_marker(1, 6, 7, 2)


def test_what_a_full_disk_keeps_out_of_the_index_is_written_later(disk: Any) -> None:
    class FullDisk:
        is_full = True

        def open(self, path: str, *, create: bool = False) -> Any:
            if self.is_full:
                raise OSError(28, "No space left on device")
            return disk.open(path, create=create)

        def read(self, path: str) -> bytes:
            return disk.read(path)  # type: ignore[no-any-return]

    disk.mkdir("/d")
    full: Any = FullDisk()
    index = TransactionIndex(full, "/d/0.txnindex")
    entry = AbortedTransaction(1, 0, 1, 2)
    index.append(entry)
    assert index.entries == [entry]
    with pytest.raises(OSError, match="No space"):
        index.flush(sync=True)
    full.is_full = False
    index.flush(sync=True)
    assert read_aborted(disk, "/d/0.txnindex") == [entry]


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_the_log_says_the_same(make: Any, house: Any, seed: int) -> None:
    rng = random.Random(seed)
    log = make(segment_bytes=500, index_interval_bytes=100)
    began: dict[int, int] = {}
    epochs = dict.fromkeys(range(5), 0)
    aborted: list[tuple[int, int, int]] = []
    for _ in range(400):
        producer_id = rng.randrange(5)
        luck = rng.random()
        if luck < 0.6:
            offset = log.send(producer_id, epoch=epochs[producer_id])
            began.setdefault(producer_id, offset)
        elif luck < 0.9:
            commit = rng.random() < 0.5
            epochs[producer_id] += 1
            marker = log.end(producer_id, commit=commit, epoch=epochs[producer_id])
            if (first := began.pop(producer_id, None)) is not None and not commit:
                aborted.append((producer_id, first, marker))
        elif luck < 0.95:
            house.checkpoint({})
        else:
            log.log = house.kill() if rng.random() < 0.7 else house.restart()
        assert log.log.producers.open == dict(sorted(began.items(), key=lambda item: item[1]))
        assert [entry[:3] for entry in log.aborted()] == aborted
    assert len(aborted) > 10


def lose(house: Any, path: str) -> None:
    house.disk.unlink(path)


def cut(house: Any, path: str) -> None:
    del house.disk.files[path].data[-5:]


def forget_some(house: Any, path: str) -> None:
    del house.disk.files[path].data[-34:]


def spoil_the_version(house: Any, path: str) -> None:
    house.disk.files[path].data[1] = 9


def spoil_the_offsets(house: Any, path: str) -> None:
    house.disk.files[path].data[18:26] = bytes(8)


def fill_with_zeros(house: Any, path: str) -> None:
    data = house.disk.files[path].data
    data[:] = bytes(len(data))


@pytest.mark.parametrize("harm", [fill_with_zeros, lose, cut, forget_some, spoil_the_version, spoil_the_offsets])
@pytest.mark.parametrize("stop", ["clean", "killed", "power"])
@pytest.mark.parametrize("snapshots", ["all", "none"])
def test_an_index_that_is_lost_or_damaged_is_made_anew(
    make: Any, house: Any, harm: Any, stop: str, snapshots: str
) -> None:
    log = make(segment_bytes=700)
    for number in range(8):
        log.send(1)
        log.send(2)
        log.end(1, commit=number % 3 == 0)
        log.send(9, "x" * 100, transactional=False)
        log.end(2, commit=number % 2 == 0)
    log.log.flush()
    house.checkpoint({})
    before = log.state()
    indexes = [segment.path(".txnindex") for segment in log.log.segments if segment.transaction_index.entries]
    assert len(indexes) > 3
    assert log.log.active.path(".txnindex") in indexes
    if stop == "clean":
        house.log_dir.close({})
    else:
        house.log_dir.release()
        house.disk.crash(power=stop == "power")
    house.log_dir = None
    if snapshots == "none":
        for path in [path for path in house.disk.files if path.endswith(".snapshot")]:
            house.disk.unlink(path)
    for path in indexes:
        harm(house, path)
    log.log = house.log()
    assert log.state() == before


def test_an_index_that_is_said_to_be_there_and_need_not_be_costs_a_look(make: Any, house: Any) -> None:
    log = make(segment_bytes=700)
    log.send(1)
    log.end(1, commit=True)
    log.log.flush()
    path = "/data/t-0/aborted-transactions-checkpoint"
    house.disk.write(path, b"0\n2\n0 3\n77 1\n", sync=True)
    log.log = house.restart()
    assert log.aborted() == []
    log.log = house.restart()
    assert log.log.segments.noted_counts == {}
    house.disk.write(path, b"nobody can read this", sync=True)
    log.log = house.restart()
    assert log.aborted() == []


@pytest.mark.parametrize("stop", ["restart", "kill"])
def test_what_is_open_when_the_log_is_opened_is_not_decided_by_a_marker_that_is_not_durable(
    make: Any, house: Any, stop: str
) -> None:
    log = make()
    log.send(9, transactional=False)
    first = log.send(1)
    log.log.flush()
    house.checkpoint({})
    log.log = getattr(house, stop)()
    assert log.log.decided.offset <= first
    log.end(1, commit=True)
    assert log.log.decided.offset <= first
    log.log.flush()
    assert log.log.decided.offset == log.log.log_end_offset
