"""Kafka's primitive types as constructs: what the schemas of `message` are built from.

Each construct here is the readable truth of one type of the protocol guide, checks hostile lengths against the bytes
that are really there, and is one that `emit` knows how to turn into straight-line code. Fixed-size numbers are
construct's own. Nothing here knows a message.
"""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from construct import (
    Adapter,
    Bytes,
    Construct,
    ConstructError,
    Flag,
    Float64b,
    Int8sb,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Int64sb,
    Subconstruct,
    stream_read,
    stream_write,
)

__all__ = [
    "COMPACT",
    "INT16",
    "INT32",
    "ZERO_UUID",
    "Boolean",
    "Counted",
    "Fields",
    "Float64b",
    "Int8sb",
    "Int16sb",
    "Int16ub",
    "Int32sb",
    "Int32ub",
    "Int64sb",
    "OptionalFields",
    "Sized",
    "TaggedFields",
    "UnsignedVarint",
    "Uuid",
    "WireError",
    "remaining",
]

ZERO_UUID = UUID(int=0)
MAX_UNSIGNED_VARINT = 2**32 - 1
MAX_INT16 = 2**15 - 1
MAX_INT32 = 2**31 - 1


class WireError(ConstructError):  # type: ignore[misc]  # construct ships no types
    """The bytes are not a value of the type, or the value has no bytes in it."""


def remaining(stream: io.BytesIO) -> int:
    """How many bytes are left to parse."""
    return len(stream.getbuffer()) - stream.tell()


class _UnsignedVarint(Construct):  # type: ignore[misc]
    """Base-128 number of at most 32 bits, low groups first (KIP-482)."""

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = int(stream_read(stream, 1, path)[0])
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > MAX_UNSIGNED_VARINT:
                    raise WireError(f"unsigned varint {value} has more than 32 bits", path=path)
                return value
        raise WireError("unsigned varint of more than five bytes", path=path)

    def _build(self, value: int, stream: io.BytesIO, context: Any, path: str) -> int:
        if not 0 <= value <= MAX_UNSIGNED_VARINT:
            raise WireError(f"{value} is no unsigned 32-bit number", path=path)
        rest = value
        while rest > 0x7F:
            stream_write(stream, bytes((rest & 0x7F | 0x80,)), 1, path)
            rest >>= 7
        stream_write(stream, bytes((rest,)), 1, path)
        return value


UnsignedVarint = _UnsignedVarint()


class _Boolean(Adapter):  # type: ignore[misc]
    """One byte; anything but 0 is true, and true is written as 1."""

    def _decode(self, value: bool, context: Any, path: str) -> bool:
        return bool(value)

    def _encode(self, value: bool, context: Any, path: str) -> bool:
        return value


Boolean = _Boolean(Flag)


class _Uuid(Adapter):  # type: ignore[misc]
    """Sixteen bytes, most significant first; all zero where there is none."""

    def _decode(self, value: bytes, context: Any, path: str) -> UUID:
        return UUID(bytes=bytes(value))

    def _encode(self, value: UUID, context: Any, path: str) -> bytes:
        return value.bytes


Uuid = _Uuid(Bytes(16))


class Length(Construct):  # type: ignore[misc]
    """How many bytes or elements follow; -1 stands for null."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__()
        self.name = name
        self.limit = limit

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> int:
        if self is COMPACT:
            return int(UnsignedVarint._parse(stream, context, path)) - 1
        number = Int16sb if self is INT16 else Int32sb
        return max(-1, int(number._parse(stream, context, path)))

    def _build(self, value: int, stream: io.BytesIO, context: Any, path: str) -> int:
        if value > self.limit:
            raise WireError(f"length {value} is above the field's limit of {self.limit}", path=path)
        if self is COMPACT:
            UnsignedVarint._build(value + 1, stream, context, path)
        else:
            (Int16sb if self is INT16 else Int32sb)._build(value, stream, context, path)
        return value

    def read_within(self, stream: io.BytesIO, nullable: bool, context: Any, path: str) -> int:
        """The length, checked: -1 only where null is allowed, and never more than there are bytes left."""
        length = int(self._parse(stream, context, path))
        if length < 0 and not nullable:
            raise WireError("null where the field must have a value", path=path)
        if length > remaining(stream):
            raise WireError(f"length {length} where {remaining(stream)} bytes are left", path=path)
        return length


INT16 = Length("int16", MAX_INT16)
INT32 = Length("int32", MAX_INT32)
COMPACT = Length("compact", MAX_INT32)


class Sized(Construct):  # type: ignore[misc]
    """A string, bytes or records behind their length.

    `kind` is "text" (malformed UTF-8 is replaced, as Java does), "bytes", or "records", which parse to a view of the
    input without a copy.
    """

    def __init__(self, kind: str, length: Length, nullable: bool) -> None:
        super().__init__()
        self.kind = kind
        self.length = length
        self.nullable = nullable

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> Any:
        size = self.length.read_within(stream, self.nullable, context, path)
        if size < 0:
            return None
        data = stream_read(stream, size, path)
        return str(data, "utf-8", "replace") if self.kind == "text" else data

    def _build(self, value: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
        if value is None:
            if not self.nullable:
                raise WireError("null where the field must have a value", path=path)
            self.length._build(-1, stream, context, path)
            return value
        data = value.encode() if self.kind == "text" else bytes(value)
        self.length._build(len(data), stream, context, path)
        stream_write(stream, data, len(data), path)
        return value


class Counted(Construct):  # type: ignore[misc]
    """An array behind its count. Every element takes at least one byte, so a count above the bytes left is a lie.

    With `kept` an element to write may be its own bytes, made before.
    """

    def __init__(self, element: Construct, length: Length, nullable: bool, *, kept: bool = False) -> None:
        super().__init__()
        self.kept = kept
        self.element = element
        self.length = length
        self.nullable = nullable

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> list[Any] | None:
        count = self.length.read_within(stream, self.nullable, context, path)
        if count < 0:
            return None
        return [self.element._parsereport(stream, context, f"{path}[{index}]") for index in range(count)]

    def _build(self, value: list[Any] | None, stream: io.BytesIO, context: Any, path: str) -> list[Any] | None:
        if value is None:
            if not self.nullable:
                raise WireError("null where the field must have a value", path=path)
            self.length._build(-1, stream, context, path)
            return value
        self.length._build(len(value), stream, context, path)
        for index, element in enumerate(value):
            if self.kept and isinstance(element, bytes):
                stream_write(stream, element, len(element), path)
            else:
                self.element._build(element, stream, context, f"{path}[{index}]")
        return value


class TaggedFields(Construct):  # type: ignore[misc]
    """The tagged section that ends a flexible structure (KIP-482): known tags by number, unknown ones skipped.

    `known` maps a tag to (field name, construct, default). A field that has its default is not written.
    """

    def __init__(self, known: dict[int, tuple[str, Construct, Any]]) -> None:
        super().__init__()
        self.known = dict(sorted(known.items()))

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for _ in range(UnsignedVarint._parse(stream, context, path)):
            tag = UnsignedVarint._parse(stream, context, path)
            size = UnsignedVarint._parse(stream, context, path)
            if size > remaining(stream):
                raise WireError(f"tag {tag} of {size} bytes where {remaining(stream)} are left", path=path)
            if tag not in self.known:
                stream_read(stream, size, path)
                continue
            name, construct, _ = self.known[tag]
            end = stream.tell() + size
            values[name] = construct._parse(stream, context, f"{path} -> {name}")
            if stream.tell() != end:
                raise WireError(f"tag {tag} says {size} bytes, its value takes another number", path=path)
        return values

    def _build(self, value: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
        present = [
            (tag, name, construct)
            for tag, (name, construct, default) in self.known.items()
            if getattr(value, name) != default
        ]
        UnsignedVarint._build(len(present), stream, context, path)
        for tag, name, construct in present:
            body = io.BytesIO()
            construct._build(getattr(value, name), body, context, f"{path} -> {name}")
            UnsignedVarint._build(tag, stream, context, path)
            UnsignedVarint._build(len(body.getvalue()), stream, context, path)
            stream_write(stream, body.getvalue(), len(body.getvalue()), path)
        return value


class Fields(Construct):  # type: ignore[misc]
    """A structure: its fields in order, then its tagged section if the version is flexible; parses to a `cls`."""

    def __init__(self, cls: type, fields: list[tuple[str, Construct]], tagged: TaggedFields | None) -> None:
        super().__init__()
        self.cls = cls
        self.fields = fields
        self.tagged = tagged

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> Any:
        values = {name: item._parsereport(stream, context, f"{path} -> {name}") for name, item in self.fields}
        if self.tagged is not None:
            values |= self.tagged._parse(stream, context, f"{path} -> tagged fields")
        return self.cls(**values)

    def _build(self, value: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
        for name, item in self.fields:
            item._build(getattr(value, name), stream, context, f"{path} -> {name}")
        if self.tagged is not None:
            self.tagged._build(value, stream, context, f"{path} -> tagged fields")
        return value


NULL_AMONG_TAGGED_FIELDS = 0


class OptionalFields(Subconstruct):  # type: ignore[misc]
    """A structure that may be null: `null` alone, or 1 and the structure. Null is -1, and among tagged fields 0."""

    def __init__(self, subcon: Construct, null: int = -1) -> None:
        super().__init__(subcon)
        self.null = null

    def _parse(self, stream: io.BytesIO, context: Any, path: str) -> Any:
        if Int8sb._parse(stream, context, path) <= self.null:
            return None
        return self.subcon._parse(stream, context, path)

    def _build(self, value: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
        Int8sb._build(self.null if value is None else 1, stream, context, path)
        if value is not None:
            self.subcon._build(value, stream, context, path)
        return value
