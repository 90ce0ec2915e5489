"""A producer that another one took the place of, told so that its client knows the word."""

from __future__ import annotations

from kafkapy.protocol.errors import ErrorCode


def told_fenced(code: ErrorCode, version: int, fenced_since: int) -> ErrorCode:
    """The code as a request of that version knows it: before PRODUCER_FENCED there was INVALID_PRODUCER_EPOCH."""
    is_unknown = code is ErrorCode.PRODUCER_FENCED and version < fenced_since
    return ErrorCode.INVALID_PRODUCER_EPOCH if is_unknown else code
