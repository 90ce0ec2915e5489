"""A command line as Kafka's own commands read theirs.

Complaints are worded as the tools of Apache word them, because scripts and people look for these words; a complaint
about the options is followed by the usage, both on standard error, and ends with status 1. Long options may be
shortened to any unambiguous beginning. It never ends the process by itself: everything leaves as `UsageError` or
`CommandError`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

import javaproperties


class CommandError(Exception):
    """What went wrong, in the one line that the user is shown."""


class UsageError(Exception):
    """The options make no sense: a line that says why, then the usage.

    `status` 0 is for --help and --version, whose text goes to standard output.
    """

    def __init__(self, complaint: str, usage: str = "", status: int = 1) -> None:
        super().__init__(complaint)
        self.complaint = complaint
        self.usage = usage
        self.status = status


class Options(argparse.ArgumentParser):
    """The options of one command: `argparse`, with Kafka's complaints."""

    def __init__(self, command: str, purpose: str) -> None:
        super().__init__(prog=command, description=purpose, add_help=False, exit_on_error=False)
        self.add_argument("--help", action="store_true", help="show these options")
        self.add_argument("--version", action="store_true", help="show the version")

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values given; an option that is not given has None, False or its default."""
        if not arguments:
            self.refuse(self.description or "")
        try:
            values, unknown = self.parse_known_args(arguments)
        except argparse.ArgumentError as complaint:
            self.refuse(self._reworded(complaint))
        if values.help:
            raise UsageError(self.format_help().rstrip(), status=0)
        if values.version:
            raise UsageError(f"kafkapy {kafkapy_version()} (the command of Apache Kafka 4.3)", status=0)
        if unknown:
            self.refuse(f"{unknown[0].lstrip('-')} is not a recognized option")
        return values

    def refuse(self, complaint: str) -> NoReturn:
        """Say why these options cannot be, and which there are."""
        raise UsageError(complaint, self.format_help().rstrip())

    def require(self, values: argparse.Namespace, name: str) -> None:
        """Refuse a command line without the option `name`."""
        if not given(values, name):
            self.refuse(f'Missing required argument "[{name}]"')

    def forbid_together(self, values: argparse.Namespace, name: str, others: Iterable[str]) -> None:
        """Refuse a command line that has the option `name` and one of `others`."""
        for other in others:
            if given(values, name) and given(values, other):
                self.refuse(f'Option "[{name}]" can\'t be used with option "[{other}]"')

    def error(self, message: str) -> NoReturn:
        """What argparse calls for a mistake that it does not raise."""
        self.refuse(message)

    @staticmethod
    def _reworded(complaint: argparse.ArgumentError) -> str:
        name = (complaint.argument_name or "").lstrip("-").split("/")[0]
        if complaint.message == "expected one argument":
            return f"Option {name} requires an argument"
        return complaint.message


def given(values: argparse.Namespace, name: str) -> bool:
    """Whether the user has typed the option `name` (as typed, with hyphens)."""
    return getattr(values, name.replace("-", "_").replace(".", "_")) not in (None, False, [])


def number(option: str) -> Callable[[str], int]:
    """The type of an option that takes a whole number."""

    def parse(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise CommandError(f"Cannot parse argument '{text}' of option {option}") from None

    return parse


def key_values(arguments: Iterable[str]) -> dict[str, str]:
    """`key=value` arguments as a dict; a value may hold `=`, and a key alone stands for the empty value."""
    split = (argument.partition("=") for argument in arguments)
    return {key: value for key, _, value in split}


def property_file(path: str | None) -> dict[str, str]:
    """The properties in a file in Java's format; none where there is no file to read."""
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            return javaproperties.load(file)
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else failure
        raise CommandError(f"Cannot read the properties in {path}: {reason}") from None


def kafkapy_version() -> str:
    """The version of the kafkapy that this command belongs to."""
    try:
        return version("kafkapy")
    except PackageNotFoundError:
        return "from a checkout"
