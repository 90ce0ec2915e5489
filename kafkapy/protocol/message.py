"""One declaration per message; from it the construct schema of every version.

    @message(versions="0-4", flexible="4+")
    class HeartbeatRequest:
        group_id: str = wire(String)
        group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)

A declaration becomes one slotted dataclass that serves all versions. A field that a version lacks takes its default
when that version is decoded, and is not written when it is encoded. Version ranges are in Kafka's notation: "3+",
"1-4", "2", "none". A structure inside a message is declared the same way, without versions, and follows the message
it stands in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar, dataclass_transform

from construct import Construct

from kafkapy.protocol import wire as w

T = TypeVar("T")

_LAST = 32767


class Versions(NamedTuple):
    """A range of versions, both ends included; empty if `first` is above `last`."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Versions:
        if text in ("", "none"):
            return cls(0, -1)
        if text.endswith("+"):
            return cls(int(text[:-1]), _LAST)
        first, _, last = text.partition("-")
        return cls(int(first), int(last or first))

    def __contains__(self, version: object) -> bool:
        first, last = self
        return first <= version <= last  # type: ignore[operator]  # a tuple's own test takes any object


@dataclass(frozen=True)
class Primitive:
    """A type of the protocol guide. `zero` is the default of a field that declares none."""

    name: str
    zero: Any
    fixed: Construct | None = None


Boolean = Primitive("bool", False, w.Boolean)
Int8 = Primitive("int8", 0, w.Int8sb)
Int16 = Primitive("int16", 0, w.Int16sb)
UInt16 = Primitive("uint16", 0, w.Int16ub)
Int32 = Primitive("int32", 0, w.Int32sb)
UInt32 = Primitive("uint32", 0, w.Int32ub)
Int64 = Primitive("int64", 0, w.Int64sb)
Float64 = Primitive("float64", 0.0, w.Float64b)
Uuid = Primitive("uuid", w.ZERO_UUID, w.Uuid)
String = Primitive("string", "")
Bytes = Primitive("bytes", b"")
Records = Primitive("records", None)


@dataclass(frozen=True)
class Array:
    """A list of a primitive or of a declared structure.

    With `kept` an element may also be the bytes that `codec.encode_element` made of it before.
    """

    of: Primitive | type
    kept: bool = False


WireType = Primitive | Array | type
_UNSET: Any = object()


@dataclass(frozen=True)
class Wire:
    """What one field's declaration says."""

    type: WireType
    versions: Versions
    nullable: Versions
    tag: int | None
    tagged: Versions
    flexible: bool


def wire(
    wire_type: WireType,
    versions: str = "0+",
    *,
    nullable: str = "none",
    default: Any = _UNSET,
    tag: int | None = None,
    tagged: str | None = None,
    flexible: bool = True,
) -> Any:
    """Declare a field: its type, the versions that have it, those in which it may be null, and its default.

    With `tag` the field stands in the tagged section, in the versions `tagged` (all of its own if not given).
    `flexible=False` keeps the old encoding in flexible versions (only the request header's client id does).
    """
    has = Versions.parse(versions)
    in_tags = Versions.parse("none") if tag is None else has if tagged is None else Versions.parse(tagged)
    declared = Wire(wire_type, has, Versions.parse(nullable), tag, in_tags, flexible)
    metadata = {"wire": declared}
    if default is not _UNSET:
        return dataclasses.field(default=default, metadata=metadata)
    if isinstance(wire_type, Array):
        return dataclasses.field(default_factory=list, metadata=metadata)
    if isinstance(wire_type, type):
        return dataclasses.field(default_factory=wire_type, metadata=metadata)
    return dataclasses.field(default=wire_type.zero, metadata=metadata)


@dataclass_transform()
def message(*, versions: str = "0+", flexible: str = "none") -> Any:
    """Make a declaration a slotted dataclass whose schemas `schema` builds."""

    def declare(cls: type[T]) -> type[T]:
        # There are hundreds: what a dataclass writes and compiles for each takes a sixth of the broker's start.
        cls.__doc__ = cls.__doc__ or cls.__name__
        made = dataclass(slots=True, repr=False, eq=False)(cls)
        made.__repr__, made.__eq__, made.__hash__ = _told, _is_equal, None  # type: ignore[method-assign,assignment]
        made.__versions__ = Versions.parse(versions)  # type: ignore[attr-defined]
        made.__flexible__ = Versions.parse(flexible)  # type: ignore[attr-defined]
        return made

    return declare


def _told(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{type(self).__qualname__}({fields})"


def _is_equal(self: Any, other: Any) -> bool:
    return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)


def versions_of(cls: type) -> Versions:
    """The versions that a message is declared for."""
    found: Versions = cls.__versions__  # type: ignore[attr-defined]
    return found


def is_flexible(cls: type, version: int) -> bool:
    """Whether this version of the message has compact types and tagged fields (KIP-482)."""
    found: Versions = cls.__flexible__  # type: ignore[attr-defined]
    return version in found


def wires(cls: type) -> dict[str, Wire]:
    """Every field's declaration by name, in wire order."""
    return {field.name: field.metadata["wire"] for field in dataclasses.fields(cls)}


def default_of(cls: type, name: str) -> Any:
    """A fresh default of the field."""
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


@cache
def schema(cls: type, version: int) -> w.Fields:
    """The construct schema of one version of a message. Raises ValueError for a version it is not declared for."""
    if version not in versions_of(cls):
        raise ValueError(f"{cls.__name__} has no version {version}")
    return _structure(cls, version, is_flexible(cls, version))


def _structure(cls: type, version: int, flexible: bool) -> w.Fields:
    fields: list[tuple[str, Construct]] = []
    tagged: dict[int, tuple[str, Construct, Any]] = {}
    for name, declared in wires(cls).items():
        if version not in declared.versions:
            continue
        construct = _construct(declared.type, version, flexible and declared.flexible, version in declared.nullable)
        if flexible and declared.tag is not None and version in declared.tagged:
            if isinstance(construct, w.OptionalFields):
                construct = w.OptionalFields(construct.subcon, w.NULL_AMONG_TAGGED_FIELDS)
            tagged[declared.tag] = (name, construct, default_of(cls, name))
        else:
            fields.append((name, construct))
    return w.Fields(cls, fields, w.TaggedFields(tagged) if flexible else None)


def _construct(wire_type: WireType, version: int, flexible: bool, nullable: bool) -> Construct:
    if isinstance(wire_type, Array):
        element = _construct(wire_type.of, version, flexible, nullable=False)
        return w.Counted(element, w.COMPACT if flexible else w.INT32, nullable, kept=wire_type.kept)
    if isinstance(wire_type, type):
        structure = _structure(wire_type, version, flexible)
        return w.OptionalFields(structure) if nullable else structure
    if wire_type.fixed is not None:
        return wire_type.fixed
    if wire_type is String:
        return w.Sized("text", w.COMPACT if flexible else w.INT16, nullable)
    kind = "records" if wire_type is Records else "bytes"
    return w.Sized(kind, w.COMPACT if flexible else w.INT32, nullable)
