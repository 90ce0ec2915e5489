"""Regular expressions that clients give, in RE2's language, which takes no more time than the text is long.

Clients and Apache Kafka speak RE2J (KIP-848): what Python's own `re` knows besides would be refused there, and could
hold up the broker here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_KEPT_PATTERNS = 256
RegexError = re2.error


@lru_cache(_KEPT_PATTERNS)
def compile_regex(regex: str) -> Any:
    """The pattern; it matches a name if it matches all of it (`fullmatch`). Raises RegexError."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(regex, options)
