"""Kafka's ids as text: 22 characters of URL-safe base64 without padding; inside they are `uuid.UUID`.

Apache's class: `Uuid`.
"""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

_TEXT_LENGTH = 22


class IdError(ValueError):
    """Text that does not say which id it is."""


def id_text(value: UUID) -> str:
    """The id as Kafka writes it."""
    return base64.urlsafe_b64encode(value.bytes)[:_TEXT_LENGTH].decode()


def parse_id(text: str) -> UUID:
    """The id that Kafka writes as `text`. Raises IdError."""
    try:
        return UUID(bytes=base64.b64decode(text + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise IdError(f"{text!r} is not an id: 22 characters of URL-safe base64 are") from None
