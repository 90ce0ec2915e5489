"""Runs of records of one state, as a share partition's state keeps them beyond its start.

Where two say something of one record, the later delivery is right, and of two states the one nearer to the end: a
record goes from available to acknowledged or archived, and never back in the same delivery. Apache:
PersisterStateBatchCombiner.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Protocol


class StateBatchLike(Protocol):
    """What every message and record has that carries such a run."""

    first_offset: int
    last_offset: int
    delivery_state: int
    delivery_count: int


class StateBatch(NamedTuple):
    """Records from `first_offset` to `last_offset`, all in one state."""

    first_offset: int
    last_offset: int
    delivery_state: int
    delivery_count: int

    @classmethod
    def of(cls, batch: StateBatchLike) -> StateBatch:
        return cls(batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count)


def combine(batches: Iterable[StateBatch], start_offset: int = -1) -> list[StateBatch]:
    """The same without overlap, in order, from `start_offset` on (-1: all); neighbours of one state are one run."""
    pending = sorted(batch for batch in batches if batch.first_offset <= batch.last_offset >= start_offset)
    points = sorted({point for batch in pending for point in (batch.first_offset, batch.last_offset + 1)})
    combined: list[StateBatch] = []
    open_batches: list[tuple[int, int, int]] = []  # what reaches over the point: the one that counts comes first
    taken = 0
    for point, next_point in pairwise(points):
        while taken < len(pending) and pending[taken].first_offset <= point:
            batch = pending[taken]
            heapq.heappush(open_batches, (-batch.delivery_count, -batch.delivery_state, batch.last_offset))
            taken += 1
        while open_batches and open_batches[0][2] < point:
            heapq.heappop(open_batches)
        first, last = max(point, start_offset), next_point - 1
        if not open_batches or last < first:
            continue
        count, state = -open_batches[0][0], -open_batches[0][1]
        before = combined[-1] if combined else None
        if before is not None and before[1:] == (first - 1, state, count):
            combined[-1] = before._replace(last_offset=last)
        else:
            combined.append(StateBatch(first, last, state, count))
    return combined
