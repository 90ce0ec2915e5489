"""Which topics a regular expression of a member's matches (KIP-848). A topic matches if all of its name does."""

from __future__ import annotations

from collections.abc import Iterable

from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.coordinator.regular_expressions import RegexError, compile_regex
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.groups import ConsumerGroupRegularExpressionValue

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
        compile_regex(regex)
    except RegexError as error:
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
            pattern = compile_regex(regex)
        except RegexError:
            matching = []  # it was checked when it came; a log may hold another
        else:
            matching = [name for name in names if pattern.fullmatch(name)]
        found[regex] = ConsumerGroupRegularExpressionValue(matching, topics.version, now_ms)
    return found
