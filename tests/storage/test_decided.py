"""How far the cleaner may go where transactions are: their markers must be durable."""

from __future__ import annotations

from typing import Any

import pytest
from memory_disk import MemoryDisk

from kafkapy.protocol.batch import Record, build_batch, read_header
from kafkapy.storage.decided import Decided
from kafkapy.storage.producers import Producers


class Model:
    """A log without records: producers, and what is told of its end."""

    def __init__(self, disk: Any) -> None:
        self.producers = Producers(disk, "t-0", "t-0")
        self.decided = Decided(self.producers, 0, 0, 0)
        self.end = 0

    def write(self, producer_id: int = -1, *, transactional: bool = True, control: bool = False) -> int:
        batch = build_batch(
            [Record(self.end, 0, None, b"v")],
            producer_id=producer_id,
            producer_epoch=0 if producer_id >= 0 else -1,
            base_sequence=0 if producer_id >= 0 and not control else -1,
            transactional=transactional and producer_id >= 0,
            control=control,
        )
        if producer_id >= 0:
            self.producers.update(read_header(batch))
        self.end += 1
        return self.end - 1

    def end_transaction(self, producer_id: int) -> int:
        return self.write(producer_id, control=True)

    def note(self) -> int:
        self.decided.note(self.end)
        return self.end


@pytest.fixture
def log(memory_disk: MemoryDisk) -> Model:
    return Model(memory_disk)


def test_without_transactions_what_is_durable_is_decided(log: Model) -> None:
    log.write()
    log.write(7, transactional=False)
    log.decided.became_durable(1)
    assert log.decided.offset == 1


def test_a_transaction_that_is_open_in_a_log_that_is_durable_counts_once_its_marker_is(log: Model) -> None:
    log.write()
    first = log.write(7)
    log.decided = Decided(log.producers, 0, log.end, log.end)
    assert log.decided.offset == first
    log.end_transaction(7)
    assert log.decided.offset == first
    log.decided.became_durable(log.note())
    assert log.decided.offset == log.end


def test_a_transaction_counts_once_its_marker_is_durable(log: Model) -> None:
    log.write()
    first = log.write(7)
    rolled = log.note()
    log.end_transaction(7)
    log.decided.became_durable(rolled)
    assert log.decided.offset == first, "a loss of power would open the transaction again"
    log.decided.became_durable(log.note())
    assert log.decided.offset == log.end


def test_where_nothing_was_noted_the_first_transaction_is_the_limit(log: Model) -> None:
    log.write()
    first = log.write(7)
    log.end_transaction(7)
    log.write()
    log.decided.became_durable(log.end)
    assert log.decided.offset == first


def test_what_is_cut_off_opens_transactions_again(log: Model) -> None:
    first = log.write(7)
    log.end_transaction(7)
    log.decided.became_durable(log.note())
    assert log.decided.offset == 2
    log.producers.open[7] = first  # as the replay up to there finds it
    log.decided.truncated(1)
    assert log.decided.offset == first


@pytest.mark.parametrize(
    ("recovery_point", "expected"),
    [(3, 3), (2, 1), (1, 1), (0, 0)],
    ids=["closed cleanly", "killed, behind a transaction", "where it began", "before it"],
)
def test_an_opened_log_knows_what_was_replayed(log: Model, recovery_point: int, expected: int) -> None:
    log.write()
    log.write(7)
    log.end_transaction(7)
    assert Decided(log.producers, 0, 3, recovery_point).offset == expected


def test_behind_a_snapshot_nothing_tells_what_ended(log: Model) -> None:
    log.write(7)
    log.end_transaction(7)
    log.producers.snapshot_offset = 2
    assert Decided(log.producers, 0, 3, 1).offset == 0
