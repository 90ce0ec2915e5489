"""How the console consumer writes a record: which of its parts, and what stands between them.

The properties, their order in a line and their separators are those of Apache's DefaultMessageFormatter. Bytes go out
as they came in, unless a deserializer is named; then as the text of what it reads.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kafkapy.cli.options import CommandError

Deserializer = Callable[[bytes], str]

# By the last part of the Java class's name.
DESERIALIZERS: dict[str, Deserializer] = {
    "StringDeserializer": lambda data: data.decode("utf-8", "replace"),
    "ByteArrayDeserializer": lambda data: data.decode("utf-8", "surrogateescape"),
    "BytesDeserializer": lambda data: data.decode("utf-8", "surrogateescape"),
    "ShortDeserializer": lambda data: str(_unpacked(">h", data)),
    "IntegerDeserializer": lambda data: str(_unpacked(">i", data)),
    "LongDeserializer": lambda data: str(_unpacked(">q", data)),
    "FloatDeserializer": lambda data: str(_unpacked(">f", data)),
    "DoubleDeserializer": lambda data: str(_unpacked(">d", data)),
    "BooleanDeserializer": lambda data: str(_unpacked(">?", data)).lower(),
    "UUIDDeserializer": lambda data: str(uuid.UUID(data.decode())),
}

TIMESTAMP_TYPES = {0: "CreateTime", 1: "LogAppendTime"}


class ConsumedRecord(Protocol):
    """What is looked at in a ConsumerRecord of kafka-python's."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Any


@dataclass(frozen=True)
class RecordFormatter:
    """A record as bytes to print; the parts that are printed stand in the order of the fields here."""

    print_timestamp: bool = False
    print_partition: bool = False
    print_offset: bool = False
    print_epoch: bool = False
    print_headers: bool = False
    print_key: bool = False
    print_value: bool = True
    key_separator: bytes = b"\t"
    line_separator: bytes = b"\n"
    headers_separator: bytes = b","
    null_literal: bytes = b"null"
    deserializers: Mapping[str, Deserializer] = field(default_factory=dict)

    def formatted(self, record: ConsumedRecord) -> bytes:
        """The record's chosen parts with separators; a deserializer that cannot read a part raises CommandError."""
        parts: list[bytes] = []
        if self.print_timestamp:
            parts.append(self._timestamp(record))
        if self.print_partition:
            parts.append(b"Partition:%d" % record.partition)
        if self.print_offset:
            parts.append(b"Offset:%d" % record.offset)
        if self.print_epoch:
            parts.append(b"Epoch:NOT_PRESENT")  # Apache's command drops the epoch before it formats, too
        if self.print_headers:
            parts.append(self._headers(record))
        if self.print_key:
            parts.append(self._part("key", record.key))
        if self.print_value:
            parts.append(self._part("value", record.value))
        return self.key_separator.join(parts) + self.line_separator if parts else b""

    def _timestamp(self, record: ConsumedRecord) -> bytes:
        kind = TIMESTAMP_TYPES.get(record.timestamp_type)
        return f"{kind}:{record.timestamp}".encode() if kind and record.timestamp >= 0 else b"NO_TIMESTAMP"

    def _headers(self, record: ConsumedRecord) -> bytes:
        pairs = [key.encode() + b":" + self._part("headers", value) for key, value in record.headers]
        return self.headers_separator.join(pairs) or b"NO_HEADERS"

    def _part(self, part: str, data: bytes | None) -> bytes:
        if data is None:
            return self.null_literal
        read = self.deserializers.get(part)
        if read is None:
            return data
        try:
            return read(data).encode("utf-8", "surrogateescape")
        except (struct.error, ValueError):
            raise CommandError(f"The {part} {data!r} is not what the {part} deserializer reads") from None


NOTHING = RecordFormatter(print_value=False)


def record_formatter(name: str, properties: Mapping[str, str]) -> RecordFormatter:
    """The formatter that Java's class `name` stands for, with its `properties`; ValueError for an unknown class."""
    match name.rpartition(".")[2]:
        case "NoOpMessageFormatter":
            return NOTHING
        # The logging one writes to a log that the command does not show.
        case "DefaultMessageFormatter" | "LoggingMessageFormatter":
            pass
        case _:
            raise ValueError(name)
    chosen: dict[str, Any] = {}
    for part in ("timestamp", "partition", "offset", "epoch", "headers", "key", "value"):
        if f"print.{part}" in properties:
            chosen[f"print_{part}"] = properties[f"print.{part}"].strip().lower() == "true"
    for text in ("key.separator", "line.separator", "headers.separator", "null.literal"):
        if text in properties:
            chosen[text.replace(".", "_")] = properties[text].encode()
    chosen["deserializers"] = {
        part: deserializer(properties[f"{part}.deserializer"])
        for part in ("key", "value", "headers")
        if properties.get(f"{part}.deserializer")
    }
    return RecordFormatter(**chosen)


def deserializer(name: str) -> Deserializer:
    """What Java's deserializer class `name` makes of bytes, as text."""
    known = DESERIALIZERS.get(name.rpartition(".")[2])
    if known is None:
        raise CommandError(f"There is no deserializer {name} here; there are: {', '.join(sorted(DESERIALIZERS))}")
    return known


def _unpacked(form: str, data: bytes) -> Any:
    return struct.unpack(form, data)[0]
