"""Construct tree to straight-line Python: what the emitted decoders and encoders are made with and run on.

The schema of one message version is walked once and a function written for it: runs of fixed-size fields become one
`struct` call, everything else is inlined, arrays are loops in place. `emit_decoder` and `emit_encoder` do the walking.
Both functions accept and produce exactly what the interpreted schema does; a parity test holds the two together. To
read what was written, `inspect.getsource` the function; tracebacks show it too.
"""

from __future__ import annotations

import linecache
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from construct import Construct, FormatField

from kafkapy.protocol import wire as w

_KEPT_COUNTS = 64
_KEPT_LENGTHS = 512
_KEPT_UUIDS = 4096


class TruncatedError(Exception):
    """The bytes end before the message, or a length, count or tag in it cannot be true."""


def read_unsigned_varint(data: Any, p: int, first: int) -> tuple[int, int]:
    """The rest of a varint whose first byte, already read, has its high bit set."""
    value = first & 0x7F
    for shift in range(7, 35, 7):
        byte = data[p]
        p += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > w.MAX_UNSIGNED_VARINT:
                break
            return value, p
    raise TruncatedError


def read_varint(data: Any, p: int) -> tuple[int, int]:
    """An unsigned varint, and the position behind it."""
    first = data[p]
    return (first, p + 1) if first < 0x80 else read_unsigned_varint(data, p + 1, first)


def skip_tags(data: Any, p: int, count: int, end: int) -> int:
    """The position behind `count` tagged fields that nobody knows."""
    for _ in range(count):
        _, p = read_varint(data, p)
        size, p = read_varint(data, p)
        p += size
        if p > end:
            raise TruncatedError
    return p


@lru_cache(_KEPT_UUIDS)
def read_uuid(data: bytes) -> UUID:
    """The UUID of sixteen bytes. Kept, since topic ids come again and again and making a UUID takes a microsecond."""
    return UUID(bytes=data) if any(data) else w.ZERO_UUID


def unsigned_varint(value: int) -> bytes:
    """The base-128 bytes of a number of at most 32 bits."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class CompactLengths(dict[int, bytes]):
    """Length + 1 as a varint, by the length; 0 is null. Short ones are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.update({length: self[length] for length in range(_KEPT_LENGTHS)})

    def __missing__(self, length: int) -> bytes:
        if length > w.MAX_INT32:
            raise ValueError(f"length {length} is above the protocol's limit")
        return unsigned_varint(length + 1)


compact_lengths = CompactLengths()


class NumberLists(dict[int, struct.Struct]):
    """The layouts of lists of one kind of number, by their count. Short ones are kept, a stranger's long ones not."""

    def __init__(self, character: str) -> None:
        super().__init__()
        self.character = character
        self.update({count: self[count] for count in range(_KEPT_COUNTS)})

    def __missing__(self, count: int) -> struct.Struct:
        return struct.Struct(f">{count}{self.character}")


number_lists = cache(NumberLists)


def format_of(item: Construct) -> str | None:
    """The struct character of a fixed-size construct, None for all others."""
    if isinstance(item, FormatField):
        return str(item.fmtstr).lstrip(">")
    if item is w.Boolean:
        return "B"
    return "16s" if item is w.Uuid else None


def is_number(character: str | None) -> bool:
    """Whether what `struct` knows by this character is the value itself, which booleans and UUIDs are not."""
    return character not in (None, "B", "16s")


class Emitter:
    """Lines of a function under way, its indentation, fresh names and the objects that it refers to."""

    def __init__(self, tools: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.scope = dict(tools)
        self.referred = {id(value): name for name, value in tools.items()}

    def put(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Indent what is put meanwhile, under `head`."""
        self.put(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.put("pass")
        self.depth -= 1

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def refer(self, stem: str, value: Any) -> str:
        """A name for an object; the same object has one name."""
        if id(value) not in self.referred:
            name = self.name(stem)
            self.referred[id(value)] = name
            self.scope[name] = value  # which also keeps its id its own
        return self.referred[id(value)]

    def constant(self, value: Any) -> str:
        """An expression for a default that is never changed."""
        if value is None or isinstance(value, (int, str, bytes, float)):
            return repr(value)
        return self.refer("constant", value)

    def compile(self, head: str, file_name: str) -> Any:
        text = "\n".join([head, *self.lines, ""])
        linecache.cache[file_name] = (len(text), None, text.splitlines(keepends=True), file_name)
        exec(compile(text, file_name, "exec"), self.scope)  # noqa: S102  # our own text, no input in it
        return self.scope["emitted"]
