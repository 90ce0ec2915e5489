"""Lookups in an index: the same place whatever was looked up before, in the file and in what still waits for it."""

from __future__ import annotations

import random
from bisect import bisect_right
from pathlib import Path

import pytest

from kafkapy.storage.disk import RealDisk
from kafkapy.storage.index import OffsetIndex, TimeIndex

BASE = 1000


def make_index(tmp_path: Path, entries: int) -> tuple[OffsetIndex, list[int]]:
    index = OffsetIndex(RealDisk(), f"{tmp_path}/index", BASE)
    index.start_empty()
    offsets = [BASE + 10 * at for at in range(1, entries + 1)]
    for offset in offsets:
        index.append(offset, offset * 100)
    return index, offsets


@pytest.mark.parametrize("entries", [0, 1, 511, 512, 513, 1024, 5000])
@pytest.mark.parametrize("flushed", [True, False])
def test_an_offset_is_found_whatever_was_looked_up_before(tmp_path: Path, entries: int, flushed: bool) -> None:
    index, offsets = make_index(tmp_path, entries)
    if flushed:
        index.flush(sync=False)
    chooser = random.Random(entries)
    near = BASE
    for _ in range(2000):
        near = chooser.choice([near + chooser.randrange(40), chooser.randrange(BASE, BASE + 10 * entries + 30)])
        at = bisect_right(offsets, near)
        expected = (offsets[at - 1], offsets[at - 1] * 100) if at else (BASE, 0)
        assert index.lookup(near) == expected


def test_a_lookup_sees_what_was_added_and_cut_since(tmp_path: Path) -> None:
    index, offsets = make_index(tmp_path, 1000)
    index.flush(sync=False)
    assert index.lookup(offsets[-1]).offset == offsets[-1]

    index.append(offsets[-1] + 10, 1)
    index.flush(sync=False)
    assert index.lookup(offsets[-1] + 15).offset == offsets[-1] + 10

    index.truncate_to(offsets[600])
    assert index.lookup(offsets[-1]).offset == offsets[599]
    index.append(offsets[700], 2)
    assert index.lookup(offsets[699]).offset == offsets[599]
    assert index.lookup(offsets[-1]) == (offsets[700], 2)


def test_a_timestamp_is_found_whatever_was_looked_up_before(tmp_path: Path) -> None:
    index = TimeIndex(RealDisk(), f"{tmp_path}/timeindex", BASE)
    index.start_empty()
    times = [1_700_000_000_000 + 7 * at for at in range(3000)]
    for at, time in enumerate(times):
        index.maybe_append(time, BASE + at)
    chooser = random.Random(1)
    for _ in range(2000):
        wanted = chooser.randrange(times[0] - 10, times[-1] + 10)
        at = bisect_right(times, wanted)
        assert index.lookup(wanted) == ((times[at - 1], BASE + at - 1) if at else (-1, BASE))
