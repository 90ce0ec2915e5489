"""What values a property allows: ranges, choices, forms.

A rule never converts a value; it only says what is wrong with it, in the words people know from Apache's `ConfigDef`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What values a key allows: a text for people, and a function that says what is wrong with a value, or None."""

    text: str
    complaint: Callable[[Any], str | None]


def at_least(low: float) -> Rule:
    """A number that is `low` or more."""
    return Rule(f"at least {low}", lambda value: None if value >= low else f"Value must be at least {low}")


def between(low: float, high: float) -> Rule:
    """A number from `low` to `high`, both included."""

    def complaint(value: float) -> str | None:
        if value < low:
            return f"Value must be at least {low}"
        # Written so that a double that is not a number is refused too.
        return None if value <= high else f"Value must be no more than {high}"

    return Rule(f"{low} to {high}", complaint)


def between_or(low: int, high: int, other: int) -> Rule:
    """A number from `low` to `high`, or exactly `other`."""
    return Rule(
        f"{low} to {high}, or {other}",
        lambda value: (
            None
            if low <= value <= high or value == other
            else f"Value must be between {low} and {high} or equal to {other}"
        ),
    )


def one_of(*words: str) -> Rule:
    """Exactly one of these words."""
    text = ", ".join(words)
    return Rule(text, lambda value: None if value in words else f"String must be one of: {text}")


def one_of_any_case(*words: str) -> Rule:
    """One of these words, in capitals or not."""
    text = ", ".join(words)
    known = {word.upper() for word in words}
    return Rule(
        text, lambda value: None if value.upper() in known else f"String must be one of (case insensitive): {text}"
    )


def not_blank() -> Rule:
    """Anything but the empty string."""
    return Rule("not empty", lambda value: None if value is None or value else "String must be non-empty")


def items(*words: str, empty: bool = True) -> Rule:
    """A list without blanks; of these words only, if any are given; not empty unless `empty`."""

    def complaint(value: tuple[str, ...]) -> str | None:
        if not value and not empty:
            return "Configuration must not be empty. Valid values include: " + (", ".join(words) or "anything")
        if "" in value:
            return "Configuration values must not be empty"
        unknown = next((item for item in value if words and item not in words), None)
        return None if unknown is None else f"String must be one of: {', '.join(words)}"

    return Rule(f"list of {', '.join(words) or 'names'}" + ("" if empty else ", not empty"), complaint)


def throttled_replicas() -> Rule:
    """`*`, or a list of partition:broker."""
    form = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."

    def complaint(value: tuple[str, ...]) -> str | None:
        pairs = [item.split(":") for item in value]
        if value in {(), ("*",)} or all(len(pair) == 2 and "".join(pair).isdecimal() and all(pair) for pair in pairs):
            return None
        return f"Value must be the literal '*' or a list of replicas in the following format: {form}"

    return Rule(f"* or {form}", complaint)


def offset_reset() -> Rule:
    """latest, earliest, or by_duration: and an ISO 8601 duration that is not negative."""
    text = "latest, earliest, by_duration:PnDTnHnMn.nS"
    duration = r"by_duration:P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?"

    def complaint(value: str) -> str | None:
        if value in {"latest", "earliest"} or re.fullmatch(duration, value, re.IGNORECASE):
            return None
        return f"String must be one of: {text}"

    return Rule(text, complaint)
