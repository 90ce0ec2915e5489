"""A replacement of segments that was interrupted, by kafkapy or by Apache, is finished or dropped at the start."""

from __future__ import annotations

from typing import Any

import pytest

NOW = 1_700_000_000_000


@pytest.fixture
def old(house: Any, batch: Any) -> Any:
    """Segments from 0, 2, 4 and 6, two batches in each."""
    log = house.log()
    for value in "abcdefgh":
        if log.log_end_offset in (2, 4, 6):
            log.roll(NOW)
        log.append_as_leader(batch(value, timestamp=NOW), 0, NOW)
    house.log_dir.close({})
    house.log_dir = None
    return house


def name(offset: int, ending: str) -> str:
    return f"/data/t-0/{offset:020d}{ending}"


def values(log: Any) -> list[bytes]:
    return [record.value for _, records in log.replay(0) for record in records]


def put(disk: Any, path: str, data: bytes) -> None:
    disk.write(path, data, sync=True)


def last_of_two(disk: Any, offset: int) -> bytes:
    """A segment's bytes without its first batch, as compaction may leave it."""
    data = bytes(disk.files[name(offset, ".log")].data)
    return data[len(data) // 2 :]


def test_a_whole_swap_takes_the_place_of_what_it_stands_for(old: Any) -> None:
    disk = old.disk
    merged = last_of_two(disk, 0) + last_of_two(disk, 2)
    put(disk, name(0, ".log.swap"), merged)
    put(disk, name(0, ".index.swap"), b"")
    put(disk, name(0, ".timeindex.swap"), b"")
    assert values(old.log()) == [b"b", b"d", b"e", b"f", b"g", b"h"]
    assert [segment.base_offset for segment in old.log().segments] == [0, 4, 6]
    assert not [path for path in disk.files if path.endswith(".swap")]


def test_a_swap_that_is_in_part_cleaned_is_dropped(old: Any) -> None:
    disk = old.disk
    put(disk, name(2, ".log.swap"), last_of_two(disk, 2))
    put(disk, name(2, ".index.cleaned"), b"")
    put(disk, name(4, ".log.swap"), last_of_two(disk, 4))
    assert len(values(old.log())) == 8
    assert not [path for path in disk.files if path.endswith((".swap", ".cleaned"))]


def test_the_indexes_of_a_swap_follow_their_log(old: Any) -> None:
    disk = old.disk
    disk.rename(name(2, ".index"), name(2, ".index.swap"))
    disk.rename(name(2, ".timeindex"), name(2, ".timeindex.swap"))
    put(disk, name(4, ".log.deleted"), b"old")
    assert len(values(old.log())) == 8
    assert {name(2, ".index"), name(2, ".timeindex")} <= set(disk.files)
    assert name(4, ".log.deleted") not in disk.files


def test_names_of_others_are_not_taken_for_segments(old: Any) -> None:
    disk = old.disk
    put(disk, "/data/t-0/notes.swap", b"mine")
    put(disk, name(0, ".log.swap"), last_of_two(disk, 0))
    assert len(values(old.log())) == 7
    assert disk.read("/data/t-0/notes.swap") == b"mine"
