"""The table of keys is a dictionary that forgets nothing and takes no more than it has room for."""

from __future__ import annotations

import random

import pytest

from kafkapy.storage.offset_map import ENTRY_SIZE, NOT_FOUND, OffsetMap


@pytest.mark.parametrize("load_factor", [0.1, 0.9, 1.0])
@pytest.mark.parametrize("slots", [3, 7, 100, 1000])
def test_it_is_a_dictionary_until_it_is_full(slots: int, load_factor: float) -> None:
    choice = random.Random(slots)
    table = OffsetMap(slots * ENTRY_SIZE, load_factor, 10**9)
    model: dict[bytes, int] = {}
    for offset in range(5 * slots):
        key = b"%d" % choice.randrange(2 * slots)
        if not table.put([(key, offset)]):
            break
        model[key] = offset
        assert table.latest_offset == offset
    assert table.size == len(model)
    assert len(model) <= table.capacity
    assert table.capacity <= max(slots * load_factor, 1)
    keys = [b"%d" % number for number in range(2 * slots)]
    assert table.newest(keys) == [model.get(key, NOT_FOUND) for key in keys]


def test_a_full_table_stops_in_the_middle_and_says_where() -> None:
    table = OffsetMap(10 * ENTRY_SIZE, 0.5, 10**9)
    assert table.capacity == 3
    assert not table.put((b"%d" % offset, offset) for offset in range(10))
    assert (table.size, table.latest_offset) == (3, 2)
    assert not table.put([(b"0", 7)])  # not even a key that it has, as in Apache


def test_a_table_for_few_keys_is_small_and_holds_them_all() -> None:
    for most in (1, 2, 10, 997, 5000):
        table = OffsetMap(1 << 40, 0.9, most)
        assert table.capacity >= most
        assert table.put((b"%d" % offset, offset) for offset in range(most))
        assert table.capacity < 2 * most + 5


def test_a_null_like_key_is_a_key() -> None:
    table = OffsetMap(1 << 20, 0.9, 10)
    assert table.put([(b"", 0), (b"\0", 1)])
    assert table.newest([b"", b"\0", b"\0\0"]) == [0, 1, NOT_FOUND]
