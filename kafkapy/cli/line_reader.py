"""How the console producer reads a line: as a value, or as headers, key and value with separators between them.

The properties and their defaults are those of Apache's LineMessageReader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kafkapy.cli.options import CommandError


@dataclass(frozen=True)
class TypedRecord:
    """A record as somebody typed it; a part that was left out, or was the null marker, is None."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


@dataclass(frozen=True)
class LineReader:
    """Lines into records. A line that lacks a separator raises CommandError; with `ignore_error` it is all value."""

    parse_key: bool = False
    key_separator: str = "\t"
    parse_headers: bool = False
    headers_delimiter: str = "\t"
    headers_separator: str = ","
    headers_key_separator: str = ":"
    ignore_error: bool = False
    null_marker: str | None = None

    def records(self, lines: Iterable[str]) -> Iterator[TypedRecord]:
        """One record for each line, as soon as it was read; `lines` come without their ends."""
        for line_number, line in enumerate(lines, start=1):
            headers, rest = self._cut(
                self.parse_headers, line, self.headers_delimiter, "headers delimiter", line_number
            )
            key, value = self._cut(self.parse_key, rest, self.key_separator, "key separator", line_number, whole=line)
            yield TypedRecord(self._part(key), self._part(value), self._headers(headers, line_number))

    def _cut(
        self, wanted: bool, line: str, separator: str, name: str, line_number: int, whole: str | None = None
    ) -> tuple[str | None, str]:
        if not wanted:
            return None, line
        front, found, rest = line.partition(separator)
        if found:
            return front, rest
        if self.ignore_error:
            return None, line
        raise CommandError(f"No {name} found on line number {line_number}: '{whole or line}'")

    def _part(self, text: str | None) -> bytes | None:
        return None if text is None or text == self.null_marker else text.encode()

    def _headers(self, text: str | None, line_number: int) -> list[tuple[str, bytes | None]]:
        if text is None or text == self.null_marker:
            return []
        return [self._header(pair, line_number) for pair in _split(self.headers_separator, text)]

    def _header(self, pair: str, line_number: int) -> tuple[str, bytes | None]:
        name, found, value = pair.partition(self.headers_key_separator)
        if not found:
            if self.ignore_error:
                return pair, None
            raise CommandError(f"No header key separator found in pair '{pair}' on line number {line_number}")
        if name == self.null_marker:
            marker = self.null_marker
            raise CommandError(f"Header keys should not be equal to the null marker '{marker}' as they can't be null")
        return name, self._part(value)


def line_reader(properties: Mapping[str, str]) -> LineReader:
    """The reader that `properties` ask for; CommandError where two separators are the same."""
    texts = ("key.separator", "headers.delimiter", "headers.separator", "headers.key.separator", "null.marker")
    flags = ("parse.key", "parse.headers", "ignore.error")
    chosen: dict[str, str] = {name.replace(".", "_"): properties[name] for name in texts if name in properties}
    truths = {name.replace(".", "_"): properties.get(name, "").strip().lower() == "true" for name in flags}
    reader = LineReader(**chosen, **truths)  # type: ignore[arg-type]  # the names are those of the fields above
    separators = {
        "headers.delimiter": reader.headers_delimiter,
        "headers.separator": reader.headers_separator,
        "headers.key.separator": reader.headers_key_separator,
    }
    for one, other in (
        ("headers.delimiter", "headers.separator"),
        ("headers.delimiter", "headers.key.separator"),
        ("headers.separator", "headers.key.separator"),
    ):
        if separators[one] == separators[other]:
            raise CommandError(f"{one} and {other} may not be equal")
    for name, separator in {"key.separator": reader.key_separator, **separators}.items():
        if separator == reader.null_marker:
            raise CommandError(f"null.marker and {name} may not be equal")
    return reader


def _split(separator: str, text: str) -> list[str]:
    """Split as Java does with a regular expression: empty parts at the end do not count."""
    parts = re.split(separator, text)
    while len(parts) > 1 and parts[-1] == "":
        parts.pop()
    return parts
