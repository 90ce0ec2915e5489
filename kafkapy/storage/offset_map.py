"""The newest offset of each key, in a fixed amount of memory: what the log cleaner knows while it cleans.

A key is held as its 128-bit hash, so an entry takes 24 bytes whatever the key's size; two keys of one hash would be
taken for one, which is as improbable as Apache's MD5 makes it. The table does not grow: once `capacity` keys are in it,
`put` takes no more, and the log is cleaned up to there. Nothing is ever removed. Apache's class: `SkimpyOffsetMap`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from mmap import mmap

from xxhash import xxh3_128_digest

ENTRY_SIZE = 24
NOT_FOUND = -1
_FEWEST_SLOTS = 3
_HASH = struct.Struct("=QQ")


class OffsetMap:
    """`memory_bytes` bound the table, which is filled to `load_factor`; a smaller one does if `most_keys` fit it."""

    __slots__ = ("_first", "_offsets", "_second", "_slots", "capacity", "latest_offset", "size")

    def __init__(self, memory_bytes: int, load_factor: float, most_keys: int) -> None:
        wanted = int(most_keys / load_factor) + _FEWEST_SLOTS
        # With a prime number of slots every step between probes visits all of them.
        self._slots = slots = _prime_up_to(max(min(memory_bytes // ENTRY_SIZE, wanted + wanted // 50), _FEWEST_SLOTS))
        self._first, self._second = _zeros(slots), _zeros(slots)
        self._offsets = _zeros(slots)  # one more than the offset; 0 where the slot is free
        self.capacity = max(min(int(slots * load_factor), slots - 1), 1)  # a free slot ends a search
        self.size = 0
        self.latest_offset = -1  # the log is known up to here

    def put(self, records: Iterable[tuple[bytes, int]]) -> bool:
        """Note each key's offset, in place of an earlier one; False if the map is full before the last of them.

        `latest_offset` follows.
        """
        first, second, offsets = self._first, self._second, self._offsets
        slots, size, capacity, latest = self._slots, self.size, self.capacity, self.latest_offset
        unpack, digest = _HASH.unpack, xxh3_128_digest
        try:
            for key, offset in records:
                if size >= capacity:
                    return False
                one, two = unpack(digest(key))
                slot = one % slots
                while offsets[slot]:
                    if first[slot] == one and second[slot] == two:
                        break
                    slot = (slot + two % (slots - 1) + 1) % slots
                else:
                    first[slot] = one
                    second[slot] = two
                    size += 1
                offsets[slot] = offset + 1
                latest = offset
        finally:
            self.size = size
            self.latest_offset = latest
        return True

    def newest(self, keys: Iterable[bytes]) -> list[int]:
        """The newest offset of each of the keys, NOT_FOUND for one that was not put."""
        first, second, offsets, slots = self._first, self._second, self._offsets, self._slots
        unpack, digest = _HASH.unpack, xxh3_128_digest
        found = []
        for key in keys:
            one, two = unpack(digest(key))
            slot = one % slots
            while (offset := offsets[slot]) and (first[slot] != one or second[slot] != two):
                slot = (slot + two % (slots - 1) + 1) % slots
            found.append(offset - 1)
        return found


def _zeros(count: int) -> memoryview:
    """Numbers of 64 bits in pages of their own: taken as they are used, and given back to the system with the last."""
    return memoryview(mmap(-1, count * 8)).cast("Q")


def _prime_up_to(number: int) -> int:
    """The largest prime not above `number`, which is at least 2."""
    while any(number % divisor == 0 for divisor in range(2, int(number**0.5) + 1)):
        number -= 1
    return number
