"""Requests and values for a person to read: what a field says that is not its default, and of long values the front."""

from __future__ import annotations

import dataclasses
from typing import Any

from kafkapy.protocol.message import default_of

_SHOWN_BYTES = 24
_SHOWN_CHARACTERS = 60
_SHOWN_ITEMS = 12


def shortened(value: Any) -> str:
    """The value, short enough for a line."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return repr(data) if len(data) <= _SHOWN_BYTES else f"{len(data)} bytes {data[:_SHOWN_BYTES]!r}..."
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}...")
    if isinstance(value, list):
        more = [f"and {len(value) - _SHOWN_ITEMS} more"] if len(value) > _SHOWN_ITEMS else []
        return f"[{', '.join([*map(shortened, value[:_SHOWN_ITEMS]), *more])}]"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        told = [f"{name}={shortened(one)}" for name, one in fields if one != default_of(kind, name)]
        return f"{kind.__name__}({', '.join(told)})"
    return repr(value)
