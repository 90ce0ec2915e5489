"""The command line of the broker: its options, what it prints, and its exit code.

Whatever keeps the broker from running is one line on standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import resource
import signal
import sys

import trio

from kafkapy.config.define import ConfigError
from kafkapy.config.listener import Listener
from kafkapy.config.properties import load
from kafkapy.run import Process, StartError, StopError

OK, FAILED = 0, 1
_OLDEST = 2  # the generation of a collection of everything


def run(argv: list[str] | None = None) -> int:
    """Run the broker until a signal; the result is the process's exit code. A signal at the start interrupts it."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    _allow_many_files()
    try:
        config = load(arguments.config, _overrides(arguments))
        for notice in config.ignored:
            print(f"kafkapy: {notice}", file=sys.stderr)
        process = Process(config)
        trio.run(process.serve, _say_ready, (signal.SIGINT, signal.SIGTERM))
    except (ConfigError, StartError, StopError) as error:
        print(f"kafkapy: {error}", file=sys.stderr)
        return FAILED
    return OK


def _allow_many_files() -> None:
    """Take all the descriptors that the process may have: each connection and each log being written holds one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems say "unlimited" and mean less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say_ready(advertised: tuple[Listener, ...]) -> None:
    # What the start made, the data's state too, mostly lives as long as the broker: the collector need not look at it.
    gc.freeze()
    gc.callbacks.append(_leave_out_what_stays)
    first = advertised[0]
    print(f"kafkapy ready on {first.host}:{first.port}", flush=True)


def _leave_out_what_stays(phase: str, collected: dict[str, int]) -> None:
    """Nor at what has come since and outlived a collection of everything: topics, groups, connections.

    Each next one would look at all of it again, and everybody would wait: 110 ms with 5,000 topics. What is dropped is
    freed all the same, for the broker makes no cycles.
    """
    if phase == "stop" and collected["generation"] == _OLDEST:
        gc.freeze()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kafkapy", description="A Kafka broker.")
    parser.add_argument("--port", type=int, help="listen on this port of localhost; 0 picks a free one (9092)")
    parser.add_argument("--data", metavar="DIR", help="keep the data here (./kafkapy-data)")
    parser.add_argument("--config", metavar="FILE", help="a server.properties file")
    parser.add_argument(
        "--override", metavar="KEY=VALUE", action="append", default=[], help="set one property; may be repeated"
    )
    return parser


def _overrides(arguments: argparse.Namespace) -> list[str]:
    overrides: list[str] = []
    if arguments.port is not None:
        overrides.append(f"listeners=PLAINTEXT://localhost:{arguments.port}")
    if arguments.data is not None:
        overrides.append(f"log.dirs={arguments.data}")
    return [*overrides, *arguments.override]
