"""`python -m kafkapy`: run a broker until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the broker; the result is the process's exit code, 0 if a signal ended it, at whatever moment."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # Late, since it takes the most of a start: a signal meanwhile is no reason for a traceback.
        from kafkapy.command_line import run  # noqa: PLC0415

        return run(argv)
    except KeyboardInterrupt:
        # CPython remembers an interrupt that it caught inside `exec`, and would still end as killed by it.
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
