"""How Apache Kafka finds the partition of a coordinator's topic that has a group, or a share partition."""

from __future__ import annotations

from functools import lru_cache

_SIGN = 0x80000000
_KEPT_HASHES = 4096


@lru_cache(_KEPT_HASHES)
def java_hash(text: str) -> int:
    """The magnitude of `String.hashCode`: 31 times the hash so far plus each UTF-16 unit. Apache's: Utils.abs."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    # -2**31 has no magnitude among Java's ints, and counts as 0.
    return value if value < _SIGN else (2 * _SIGN - value) % _SIGN
