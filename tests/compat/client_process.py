"""A client in a process of its own, and the pool that lends such processes to tests.

Commands go in and events come out as the driver folder's command loop has it. Waiting is for events, never for time:
the time limit only ends a test that would otherwise hang.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environments import Environment

LIMIT_S = 60.0
SESSION_TIMEOUT_MS = 6000

Event = dict[str, Any]


class ClientProcess:
    """One running client. Its errors go to `log`, a file, and into the message of what fails here."""

    def __init__(self, environment: Environment, bootstrap: str, log: Path) -> None:
        self.environment = environment
        self._log = log
        self._events: queue.Queue[Event | None] = queue.Queue()
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                environment.command(bootstrap),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            )
        self._consuming = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_for("ready")
        except AssertionError:
            self.kill()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._events.put(json.loads(line))
        self._events.put(None)

    # Commands

    def produce(
        self, topic: str, records: list[Event], *, compression: str | None = None, flush_each: bool = False
    ) -> list[tuple[int, int]]:
        """Send records and wait for all of them; the partition and offset of each."""
        self._tell(do="produce", topic=topic, records=records, compression=compression, flush_each=flush_each)
        return [(ack["partition"], ack["offset"]) for ack in self.wait_for("produce")["acks"]]

    def create_topic(self, topic: str, partitions: int) -> None:
        self._tell(do="create_topic", topic=topic, partitions=partitions)
        self.wait_for("create_topic")

    def consume(
        self,
        topic: str,
        *,
        group: str | None = None,
        assign: list[int] | None = None,
        offset_reset: str = "latest",
        auto_commit: bool = True,
        commit: bool = False,
        until: int | None = None,
    ) -> None:
        """Open a consumer, which from here on polls without pause.

        `commit` makes it commit after every record; at offset `until` it stops and neither reads nor commits on.
        """
        self._consuming = True
        self._tell(
            do="consume",
            topic=topic,
            group=group,
            assign=assign,
            offset_reset=offset_reset,
            auto_commit=auto_commit,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            commit=commit,
            until=until,
        )
        self.wait_for("consume")

    def close_consumer(self) -> None:
        self._tell(do="close")
        self.wait_for("close")
        self._consuming = False

    def do(self, what: str, **fields: Any) -> Any:
        """One of the commands about transactions, and its result; AssertionError if it fails."""
        self._tell(do=what, **fields)
        return self.wait_for(what)["result"]

    def _tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    # Events

    def wait_for(self, event: str, accept: Callable[[Event], bool] = lambda _: True) -> Event:
        """The next event of that name that `accept` agrees to; those before it are dropped."""
        seen = []
        while True:
            try:
                got = self._events.get(timeout=LIMIT_S)
            except queue.Empty:
                raise AssertionError(self._told(f"no {event!r} within {LIMIT_S} s, but {seen}")) from None
            if got is None:
                raise AssertionError(self._told(f"ended before {event!r}, after {seen}"))
            if got["event"] == "failed":
                raise AssertionError(self._told(f"failed before {event!r}: {got['why']}"))
            if got["event"] == event and accept(got):
                return got
            seen.append(got)

    def wait_for_partitions(self, *partitions: int) -> dict[int, int]:
        """Wait until exactly these partitions are assigned; the position in each."""
        wanted = sorted(str(partition) for partition in partitions)
        positions = self.wait_for("assigned", lambda event: sorted(event["positions"]) == wanted)["positions"]
        return {int(partition): offset for partition, offset in positions.items()}

    def wait_for_records(self, count: int) -> list[Event]:
        return [self.wait_for("record") for _ in range(count)]

    def _told(self, what: str) -> str:
        errors = self._log.read_text(errors="replace")[-4000:]
        return f"{self.environment.name} {what}\nits standard error ends:\n{errors}"

    # Life

    def kill(self) -> None:
        """End it as a crash would: no last word to the broker."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # it may have died with a command unread
                pipe.close()

    def reusable(self) -> bool:
        """Close what the test left open; whether the process can serve another test."""
        if self._process.poll() is not None:
            self.kill()
            return False
        if self._consuming:
            try:
                self.close_consumer()
            except AssertionError:
                self.kill()
                return False
        return True


class ClientPool:
    """Lends client processes, and keeps them for the next test: a JVM takes seconds to start."""

    def __init__(self, bootstrap: str, logs: Path) -> None:
        self._bootstrap = bootstrap
        self._logs = logs
        self._idle: list[ClientProcess] = []
        self._lent: list[ClientProcess] = []
        self._started = 0

    def lend(self, environment: Environment) -> ClientProcess:
        for client in self._idle:
            if client.environment is environment:
                self._idle.remove(client)
                break
        else:
            self._started += 1
            client = ClientProcess(environment, self._bootstrap, self._logs / f"{environment.name}-{self._started}.log")
        self._lent.append(client)
        return client

    def take_back(self) -> None:
        """At a test's end: everything lent is idle again, or gone."""
        self._idle += [client for client in self._lent if client.reusable()]
        self._lent.clear()

    def close(self) -> None:
        for client in self._idle:
            client.kill()
        self._idle.clear()
