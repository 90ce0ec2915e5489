"""How long a broker takes to be ready, and how much memory it has when idle: new, stopped, and killed.

A table for a reader: the best of several starts, beside the limit that kafkapy sets itself. Nothing fails here, since
a machine that is busy or slow says nothing about the code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

ROOT = Path(__file__).parents[1]
STARTS = 5
READY_LIMIT_MS = 500
RESIDENT_LIMIT_MB = 60
TOPICS, RECORDS = 20, 20_000


class Started:
    """A broker that has said that it is ready."""

    def __init__(self, data: Path) -> None:
        begun = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603  # our own words
            [sys.executable, "-m", "kafkapy", "--port", "0", "--data", str(data)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().split()[-1]
        self.ready_ms = (time.perf_counter() - begun) * 1000

    def resident_mb(self) -> float:
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.communicate()


def fill(address: str) -> None:
    """Topics, records, and a group, whose first member makes the fifty partitions of the offsets topic."""
    producer = KafkaProducer(bootstrap_servers=address)
    for number in range(RECORDS):
        producer.send(f"topic-{number % TOPICS}", b"x" * 200)
    producer.close()
    consumer = KafkaConsumer("topic-0", bootstrap_servers=address, group_id="g", auto_offset_reset="earliest")
    consumer.poll(2000)
    consumer.close()


def report(what: str, data: Path | None, how: signal.Signals) -> None:
    """Start on the directory, or each time on a new one, and print the best."""
    found: list[tuple[float, float]] = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as new:
            broker = Started(data or Path(new) / "data")
            time.sleep(0.2)
            found.append((broker.ready_ms, broker.resident_mb()))
            broker.end(how)
    ready_ms, resident_mb = min(one[0] for one in found), max(one[1] for one in found)
    print(f"{what:<46}{ready_ms:>8.0f} ms (limit {READY_LIMIT_MS}){resident_mb:>8.1f} MB (limit {RESIDENT_LIMIT_MB})")


def main() -> None:
    report("a new directory", None, signal.SIGTERM)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        broker = Started(data)
        fill(broker.address)
        broker.end(signal.SIGTERM)
        report(f"{TOPICS} topics, {RECORDS} records, a group; stopped", data, signal.SIGTERM)
        report("the same, killed", data, signal.SIGKILL)


if __name__ == "__main__":
    main()
