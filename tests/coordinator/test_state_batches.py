"""Runs of records of one state are put together without overlap, and the later state of a record counts."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from kafkapy.coordinator.share.state_batches import StateBatch, combine

AVAILABLE, ACKNOWLEDGED, ARCHIVED = 0, 2, 4


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([(0, 4, AVAILABLE, 1), (5, 9, AVAILABLE, 1)], [(0, 9, AVAILABLE, 1)]),
        ([(0, 4, AVAILABLE, 1), (6, 9, AVAILABLE, 1)], [(0, 4, AVAILABLE, 1), (6, 9, AVAILABLE, 1)]),
        ([(0, 9, AVAILABLE, 1), (0, 9, ACKNOWLEDGED, 1)], [(0, 9, ACKNOWLEDGED, 1)]),
        (
            [(0, 9, AVAILABLE, 1), (3, 5, AVAILABLE, 2)],
            [(0, 2, AVAILABLE, 1), (3, 5, AVAILABLE, 2), (6, 9, AVAILABLE, 1)],
        ),
        ([(3, 5, AVAILABLE, 1), (0, 9, ARCHIVED, 1)], [(0, 9, ARCHIVED, 1)]),
        ([(0, 9, AVAILABLE, 2), (5, 12, ARCHIVED, 1)], [(0, 9, AVAILABLE, 2), (10, 12, ARCHIVED, 1)]),
    ],
)
def test_the_later_delivery_counts(batches: list[tuple[int, ...]], expected: list[tuple[int, ...]]) -> None:
    assert combine([StateBatch(*batch) for batch in batches]) == expected


def test_what_is_before_the_start_is_left_out() -> None:
    batches = [StateBatch(0, 4, AVAILABLE, 1), StateBatch(5, 9, ARCHIVED, 1)]

    assert combine(batches, 7) == [(7, 9, ARCHIVED, 1)]
    assert combine(batches, 10) == []


def test_any_runs_say_of_each_record_what_its_latest_run_says() -> None:
    dice = random.Random(7)
    for _ in range(300):
        batches = []
        for _ in range(dice.randrange(9)):
            first = dice.randrange(30)
            state = dice.choice([AVAILABLE, ACKNOWLEDGED, ARCHIVED])
            batches.append(StateBatch(first, first + dice.randrange(8), state, dice.randrange(1, 4)))
        start = dice.choice([-1, dice.randrange(35)])
        expected = {
            offset: max(
                (b.delivery_count, b.delivery_state) for b in batches if b.first_offset <= offset <= b.last_offset
            )
            for offset in range(40)
            if offset >= start and any(b.first_offset <= offset <= b.last_offset for b in batches)
        }

        combined = combine(batches, start)

        found = {o: (b[3], b[2]) for b in combined for o in range(b.first_offset, b.last_offset + 1)}
        assert found == expected
        assert all(a.last_offset < b.first_offset for a, b in pairwise(combined))
