"""What all commands share: how one starts, and how whatever goes wrong in it ends as a line and a status.

A user never sees a traceback. The status is 0 for success, 1 for any failure, and 128 plus the signal's number for a
command that was stopped by one, as for Apache's commands.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from kafkapy.cli.connection import say_warnings
from kafkapy.cli.options import CommandError, UsageError


class Interrupted(BaseException):
    """The command was asked to stop; not an Exception, so that no library takes it for a failure of its own."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def run(command: Callable[[Sequence[str]], int], complain: Callable[[str], None] | None = None) -> NoReturn:
    """Run `command` on this process's arguments, and exit with its status; `complain` says what went wrong."""
    say_warnings()
    sys.exit(status_of(command, sys.argv[1:], complain or say))


def status_of(
    command: Callable[[Sequence[str]], int], arguments: Sequence[str], complain: Callable[[str], None]
) -> int:
    """The status that `command` ends with, after everything that had to be said was said."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command(arguments)
    except UsageError as refused:
        print(refused.complaint, file=sys.stderr if refused.status else sys.stdout)
        if refused.usage:
            print(refused.usage, file=sys.stderr)
        return refused.status
    except CommandError as failure:
        complain(str(failure))
        return 1
    except Interrupted as stopped:
        return stopped.status
    except BrokenPipeError:
        # Nobody reads our output any more; and Python must not stumble over that once again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as failure:  # whatever a library raises: a line about it helps a user more than its traceback
        complain(str(failure) or type(failure).__name__)
        return 1


def say(complaint: str) -> None:
    """Tell on standard error what went wrong."""
    print(complaint, file=sys.stderr)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not cut off the goodbye to the broker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Interrupted(128 + number)
