"""Real clients in processes of their own, and the account of all that the broker told them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "compat"))

from environments import ENVIRONMENTS

LIBRARIES = {"confluent-kafka": "confluent-kafka-2.16.1", "kafka-python": "kafka-python-3.0.12"}  # with environments
LIMIT_S = 90.0

Where = tuple[str, int]  # topic and partition


def python_of(library: str) -> str:
    """The interpreter that has the library."""
    [environment] = [one for one in ENVIRONMENTS if one.name == LIBRARIES[library]]
    return environment.command("")[0]


class Account:
    """What was acknowledged, read and committed, as told by every client. Its `problems` should stay empty."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.acked: dict[Where, dict[int, str]] = defaultdict(dict)
        self.read: dict[Where, set[int]] = defaultdict(set)
        self.committed: dict[Where, int] = {}
        self.assigned: dict[str, set[Where]] = {}
        self._positions: dict[tuple[str, Where], int] = {}  # where a member goes on; what the group had when it began
        self.ended: set[str] = set()
        self.counts: dict[str, int] = defaultdict(int)  # of each event; records, not calls
        self.problems: list[str] = []

    def take(self, event: dict[str, Any]) -> None:
        """One event of a client's."""
        with self.changed:
            getattr(self, f"_{event['event']}")(event)
            self.changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for an event that makes the condition true. AssertionError at the first problem, or after too long."""
        with self.changed:
            in_time = self.changed.wait_for(lambda: self.problems or condition(), LIMIT_S)
        assert not self.problems, "\n".join(self.problems)
        assert in_time, f"{what}: not within {LIMIT_S} s; {dict(self.counts)}, {self.assigned}, {self.committed}"

    def raise_committed(self, where: Where, offset: int) -> None:
        """The broker says that the group has committed there at least so far."""
        with self.changed:
            self.committed[where] = max(offset, self.committed.get(where, 0))

    def note_acked(self, where: Where, offset: int, head: str) -> None:
        """The broker says that the record is there."""
        with self.changed:
            if self.acked[where].setdefault(offset, head) != head:
                self.problems.append(f"{where} has {head} at {offset}, where {self.acked[where][offset]} is")
            self.counts["acked"] += 1

    def _ready(self, event: dict[str, Any]) -> None:
        self.counts["ready"] += 1

    def _acked(self, event: dict[str, Any]) -> None:
        self.note_acked((event["topic"], event["partition"]), event["offset"], event["head"])

    def _assigned(self, event: dict[str, Any]) -> None:
        who = event["who"]
        self.assigned[who] = {(topic, partition) for topic, partition in event["partitions"]}
        for key in [key for key in self._positions if key[0] == who]:
            del self._positions[key]
        for where in self.assigned[who]:
            self._positions[who, where] = self.committed.get(where, 0)

    def _read(self, event: dict[str, Any]) -> None:
        who, where, offsets = event["who"], (event["topic"], event["partition"]), event["offsets"]
        position = self._positions.get((who, where))
        if position is None:
            self.problems.append(f"{who} reads {where}, which it has not")
        elif offsets[0] < position:
            self.problems.append(f"{who} reads {offsets[0]} of {where}, after {position} was committed or read")
        self._positions[who, where] = offsets[-1] + 1
        self.read[where].update(offsets)
        self.counts["read"] += len(offsets)

    def _committed(self, event: dict[str, Any]) -> None:
        for topic, partition, offset in event["offsets"]:
            where = (topic, partition)
            before = self.committed.get(where, 0)
            if offset < before:
                self.problems.append(f"{event['who']} commits {offset} of {where}, where {before} was committed")
            self.committed[where] = max(offset, before)
        self.counts["committed"] += 1

    def _uncommitted(self, event: dict[str, Any]) -> None:
        self.counts["uncommitted"] += 1

    def _failed(self, event: dict[str, Any]) -> None:
        self.problems.append(f"{event['who']}: {event['why']}")

    def _stopped(self, event: dict[str, Any]) -> None:
        self.ended.add(event["who"])
        self.assigned.pop(event["who"], None)


class Hammer:
    """A process of one library's clients."""

    def __init__(self, library: str, port: int, account: Account, log: Path, *, session_timeout_ms: int) -> None:
        self._account = account
        script = str(Path(__file__).with_name("hammer.py"))
        command = [python_of(library), "-u", script, library, f"localhost:{port}", str(session_timeout_ms)]
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._log = log
        self._running: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:  # type: ignore[union-attr]
            self._account.take(json.loads(line))
        if self._running:
            why = f"the process ended: {self._log.read_text(errors='replace')[-2000:]}"
            self._account.take({"event": "failed", "who": ", ".join(self._running), "why": why})

    def produce(self, who: str, targets: list[Where], compression: str = "none") -> None:
        self._begin(do="produce", who=who, targets=targets, compression=compression)

    def consume(self, who: str, group: str, topics: list[str]) -> None:
        self._begin(do="consume", who=who, group=group, topics=topics)

    def _begin(self, *, who: str, **command: Any) -> None:
        self._running.append(who)
        self._tell(who=who, **command)

    def stop(self, *names: str) -> None:
        """End these, or all; producers deliver everything first, members leave the group."""
        ending = list(names) or list(self._running)
        for who in ending:
            self._tell(do="stop", who=who)
        self._account.wait_until(lambda: self._account.ended.issuperset(ending), f"the end of {ending}")
        self._running = [who for who in self._running if who not in ending]

    def _tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process, however far its clients are."""
        self._running.clear()
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()  # type: ignore[union-attr]


def wait_for(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Ask again and again, for what nobody tells."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {limit_s} s"
        time.sleep(0.01)
