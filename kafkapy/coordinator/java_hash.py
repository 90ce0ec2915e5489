"""What Java makes of a text's hash, where Apache Kafka lets it decide: which partition of a coordinator's topic has a
group, and in which order an assignor comes upon members that are equal otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_SIGN = 0x80000000
_KEPT_HASHES = 4096
_DEFAULT_CAPACITY = 16
_FIBONACCI = -7046029254386353131


@lru_cache(_KEPT_HASHES)
def java_hash(text: str) -> int:
    """The magnitude of `String.hashCode`. Apache's: Utils.abs."""
    value = _hash_code(text)
    # -2**31 has no magnitude among Java's ints, and counts as 0.
    return value if value < _SIGN else (2 * _SIGN - value) % _SIGN


def java_order(texts: Iterable[str], capacity: int = _DEFAULT_CAPACITY) -> list[str]:
    """The texts as a `HashMap` of that first capacity goes through them, that they were put into in this order.

    It has a power of two of places, more than a third more than it holds, and doubles them when it must.
    """
    found = list(dict.fromkeys(texts))
    places = 1 << max(capacity - 1, 0).bit_length()
    while len(found) > places * 3 // 4:
        places *= 2
    return sorted(found, key=lambda text: _spread(_hash_code(text)) & (places - 1))


def timeline_order(texts: Iterable[str], most: int) -> list[str]:
    """The texts as Apache's `TimelineHashMap` goes through them, that had this many at most and got them in this order.

    Its places double when there would be more than four texts for three of them; who came to a place last is first.
    """
    places = 2
    while (most + 1) * 3 > places * 4:
        places *= 2
    shift = 65 - places.bit_length()

    def place(text: str) -> int:
        value = _hash_code(text)
        signed = value - 2 * _SIGN if value >= _SIGN else value
        return (signed * _FIBONACCI & 0xFFFFFFFFFFFFFFFF) >> shift

    latest_first = list(texts)
    latest_first.reverse()
    return sorted(latest_first, key=place)


def _hash_code(text: str) -> int:
    """31 times the hash so far plus each UTF-16 unit, as an unsigned int32."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value


def _spread(value: int) -> int:
    return value ^ value >> 16
