"""Which topics a regular expression matches, in RE2's language, which takes no more time than the text is long.

Clients and Apache Kafka speak RE2J (KIP-848): what Python's own `re` knows besides would be refused there, and could
hold up the broker here. A topic matches if all of its name does.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import re2

from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.groups import ConsumerGroupRegularExpressionValue

_KEPT_PATTERNS = 256

# How RE2J says what RE2 says, which is what people search for.
_COMPLAINTS = {
    "missing )": "missing closing )",
    "unexpected )": "regexp/syntax: internal error",
    "missing ]": "missing closing ]",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}


def check_regex(regex: str) -> None:
    """Raise KafkaError(INVALID_REGULAR_EXPRESSION) unless `regex` is one."""
    try:
        _compile(regex)
    except re2.error as error:
        text = error.args[0] if error.args else b""
        found = (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).partition(": ")[0]
        complaint = _COMPLAINTS.get(found, found)
        why = f"SubscribedTopicRegex `{regex}` is not a valid regular expression: {complaint}."
        raise KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, why) from error


def resolve(regexes: Iterable[str], topics: KnownTopics, now_ms: int) -> dict[str, ConsumerGroupRegularExpressionValue]:
    """For each regular expression the topics that there are now; one that is none matches nothing."""
    names = sorted(topics.names())
    found = {}
    for regex in regexes:
        try:
            pattern = _compile(regex)
        except re2.error:
            matching = []  # it was checked when it came; a log may hold another
        else:
            matching = [name for name in names if pattern.fullmatch(name)]
        found[regex] = ConsumerGroupRegularExpressionValue(matching, topics.version, now_ms)
    return found


@lru_cache(_KEPT_PATTERNS)
def _compile(regex: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(regex, options)
