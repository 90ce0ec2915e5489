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
from typing import Any, Generic, Protocol, TypeVar

LIMIT_S = 60.0
SESSION_TIMEOUT_MS = 6000

Event = dict[str, Any]


class Startable(Protocol):
    """A client of one version, which knows the command that starts it."""

    @property
    def name(self) -> str: ...

    def command(self, bootstrap: str) -> list[str]: ...


class Looping(Startable, Protocol):
    """A client of the command loop: its codecs, and whether its records show the checksum of their message."""

    @property
    def codecs(self) -> tuple[str, ...]: ...

    @property
    def shows_checksum(self) -> bool: ...


class Conversation:
    """A running client that is told lines and says lines, each a JSON object.

    Its errors go to `log`, a file, and into the message of what fails here.
    """

    def __init__(self, environment: Startable, bootstrap: str, log: Path) -> None:
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

    def _tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    # Events

    def wait_for(self, event: str, accept: Callable[[Event], bool] = lambda _: True) -> Event:
        """The next event of that name that `accept` agrees to; those before it are dropped."""
        seen: list[Event] = []
        while True:
            got = self._take(event, seen)
            if got["event"] == "failed":
                raise AssertionError(self._told(f"failed before {event!r}: {got['why']}"))
            if got["event"] == event and accept(got):
                return got
            seen.append(got)

    def _take(self, wanted: str, seen: list[Event]) -> Event:
        """The next event, whichever it is; if there is none, what was `wanted` and `seen` is in the error."""
        try:
            got = self._events.get(timeout=LIMIT_S)
        except queue.Empty:
            raise AssertionError(self._told(f"no {wanted!r} within {LIMIT_S} s, but {seen}")) from None
        if got is None:
            raise AssertionError(self._told(f"ended before {wanted!r}, after {seen}"))
        return got

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
        """Close what the test left open; whether the process can serve another test. One that cannot is killed."""
        usable = self._process.poll() is None
        if usable:
            try:
                self.close_what_is_open()
            except AssertionError:
                usable = False
        if not usable:
            self.kill()
        return usable

    def close_what_is_open(self) -> None:
        raise NotImplementedError


class ClientProcess(Conversation):
    """One running client of the command loop."""

    environment: Looping

    def __init__(self, environment: Looping, bootstrap: str, log: Path) -> None:
        self._consuming = False
        super().__init__(environment, bootstrap, log)

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

    # Transactions, in the same words as AskedClient has them

    def begin(self, transactional_id: str, *, group: str | None = None, source: str | None = None) -> None:
        """Begin a transaction of a producer with that id, made anew if there is none.

        Of which `group` and `source` there will be offsets, no client of the command loop needs to know before.
        """
        self._do("begin", transactional_id=transactional_id)

    def send(self, topic: str, values: list[str]) -> None:
        """Send values to partition 0 in the transaction, and wait for all of them."""
        self._do("send", topic=topic, values=values)

    def send_offset(self, topic: str, offset: int, group: str) -> None:
        """The offset of the group in partition 0, with the transaction."""
        self._do("send_offset", topic=topic, offset=offset, group=group)

    def end(self, *, commit: bool) -> None:
        self._do("end", commit=commit)

    def values(self, topic: str, count: int, isolation_level: str) -> list[str]:
        """The values of partition 0 from its start: `count`, and what came together with the last of them."""
        values: list[str] = self._do("read", topic=topic, count=count, isolation_level=isolation_level)
        return values

    def committed_offset(self, topic: str, group: str) -> int:
        offset: int = self._do("committed_offset", topic=topic, group=group)
        return offset

    def _do(self, what: str, **fields: Any) -> Any:
        self._tell(do=what, **fields)
        return self.wait_for(what)["result"]

    def wait_for_partitions(self, *partitions: int) -> dict[int, int]:
        """Wait until exactly these partitions are assigned; the position in each."""
        wanted = sorted(str(partition) for partition in partitions)
        positions = self.wait_for("assigned", lambda event: sorted(event["positions"]) == wanted)["positions"]
        return {int(partition): offset for partition, offset in positions.items()}

    def wait_for_records(self, count: int) -> list[Event]:
        return [self.wait_for("record") for _ in range(count)]

    def close_what_is_open(self) -> None:
        if self._consuming:
            self.close_consumer()


Process = TypeVar("Process", bound=Conversation)


class ClientPool(Generic[Process]):
    """Lends client processes of one kind, and keeps them for the next test: a JVM takes seconds to start.

    `kind` makes one from a client, the broker's address and the log.
    """

    def __init__(self, kind: Callable[[Any, str, Path], Process], bootstrap: str, logs: Path) -> None:
        self._kind = kind
        self._bootstrap = bootstrap
        self._logs = logs
        self._idle: list[Process] = []
        self._lent: list[Process] = []
        self._started = 0

    def lend(self, environment: Startable) -> Process:
        for client in self._idle:
            if client.environment is environment:
                self._idle.remove(client)
                break
        else:
            self._started += 1
            client = self._kind(environment, self._bootstrap, self._logs / f"{environment.name}-{self._started}.log")
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
