"""How long a broker of many partitions takes to be ready: after a clean stop, and killed in the midst of its work.

It makes such a directory with real batches, so it needs the space (20 GB unless told otherwise) and some minutes. Of
each kind of start it prints the best of several: time to the line that says ready, bytes the process read of its files
(cached or not), memory and open files when idle, and how long the stop took. With --cold the file system's caches are
dropped before each start, which takes root. Nothing fails here.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.storage.disk import RealDisk
from kafkapy.storage.ids import METADATA_TOPIC
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

ROOT = Path(__file__).parents[1]
NODE_ID = 1
PARTITIONS_PER_TOPIC = 100
BATCH_BYTES = 16_000  # a Java producer's, by default
PRODUCERS = 5
CLEAN_LIMIT_S = 2.0


class Start(NamedTuple):
    """What one start and the stop after it took."""

    ready_s: float
    read_mb: float
    resident_mb: float
    open_files: int
    stopped_s: float


class Broker:
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
        self.ready_s = time.perf_counter() - begun

    def end(self, how: signal.Signals) -> Start:
        proc = Path(f"/proc/{self._process.pid}")
        read = int((proc / "io").read_text().split()[1])
        resident = int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        files = len(list((proc / "fd").iterdir()))
        begun = time.perf_counter()
        self._process.send_signal(how)
        self._process.communicate()
        return Start(self.ready_s, read / 1e6, resident / 1e6, files, time.perf_counter() - begun)


def make_topics(data: Path, partitions: int) -> None:
    """Topics, and a group, whose first member makes the fifty partitions of the offsets topic."""
    broker = Broker(data)
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    for number in range(partitions // PARTITIONS_PER_TOPIC):
        admin.create_topics([NewTopic(f"topic-{number}", PARTITIONS_PER_TOPIC, 1)])
    admin.close()
    consumer = KafkaConsumer("topic-0", bootstrap_servers=broker.address, group_id="g", auto_offset_reset="earliest")
    consumer.poll(2000)
    consumer.close()
    broker.end(signal.SIGTERM)


def fill(data: Path, count: int, segment_bytes: int, *, clean: bool) -> None:
    """Append so many batches to each log, of idempotent producers; stop cleanly, or leave all as a killed process."""
    config = LogConfig(segment_bytes=segment_bytes)
    log_dir = LogDir.open(
        data,
        disk=RealDisk(),
        node_id=NODE_ID,
        clock=lambda: time.time_ns() // 1_000_000,
        config_of=lambda topic: config,
    )
    log_dir.begin()
    logs = [log for log in log_dir.logs.values() if log.topic.startswith("topic-")]
    bodies = [random.Random(n).randbytes(BATCH_BYTES) for n in range(PRODUCERS)]
    for log in logs:
        for batch in batches(log, bodies, count):
            log.append_as_leader(batch, log.latest_epoch if log.latest_epoch >= 0 else 0, time.time_ns() // 1_000_000)
    ends = {key: log.log_end_offset for key, log in log_dir.logs.items() if log.topic != METADATA_TOPIC}
    if clean:
        log_dir.close(ends, threads=16)
    else:
        for log in logs:
            log.flush_rolled()
        log_dir.checkpoint(ends)()
        log_dir.release()


def batches(log: Log, bodies: list[bytes], count: int) -> Iterator[bytes]:
    """The next batches of the log's producers, each of one record."""
    for number in range(count):
        producer_id = number % len(bodies) + 1
        known = log.producers.by_id.get(producer_id)
        yield build_batch(
            [Record(0, time.time_ns() // 1_000_000, None, bodies[producer_id - 1])],
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=0 if known is None else known.last_sequence + 1,
        )


def report(what: str, starts: list[Start]) -> None:
    best = min(starts)
    print(
        f"{what:<52}{best.ready_s:>8.2f} s{best.read_mb:>10.1f} MB{best.resident_mb:>8.1f} MB"
        f"{best.open_files:>8}{best.stopped_s:>8.2f} s",
        flush=True,
    )


def drop_caches() -> None:
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--partitions", type=int, default=2000, help="a multiple of 100 (2000)")
    options.add_argument("--megabytes", type=float, default=10, help="of each partition (10)")
    options.add_argument("--segments", type=int, default=1, help="of each partition (1)")
    options.add_argument("--starts", type=int, default=3, help="of which the best counts (3)")
    options.add_argument("--cold", action="store_true", help="drop the caches of the file system before each start")
    options.add_argument("--data", type=Path, help="where to make the directory, or find one made before")
    chosen = options.parse_args()
    count = max(int(chosen.megabytes * 1e6 / BATCH_BYTES), 1)
    segment_bytes = max(count // chosen.segments, 1) * (BATCH_BYTES + 100)
    with tempfile.TemporaryDirectory() as folder:
        data = chosen.data or Path(folder) / "data"
        if not data.exists():
            make_topics(data, chosen.partitions)
            fill(data, count, segment_bytes, clean=True)

        def starts(how: signal.Signals, number: int) -> list[Start]:
            found = []
            for _ in range(number):
                if chosen.cold:
                    drop_caches()
                found.append(Broker(data).end(how))
            return found

        print(f"{'':<52}{'ready':>10}{'read':>13}{'resident':>11}{'files':>8}{'stop':>10}")
        size = f"{chosen.partitions} partitions, {chosen.partitions * chosen.megabytes / 1000:g} GB"
        report(f"{size}; stopped (limit {CLEAN_LIMIT_S:g} s)", starts(signal.SIGTERM, chosen.starts))
        starts(signal.SIGKILL, 1)
        report(f"{size}; killed when idle", starts(signal.SIGKILL, chosen.starts))
        starts(signal.SIGTERM, 1)
        fill(data, max(count // 100, 1), 1 << 30, clean=False)
        report(f"{size}; killed, 1 % behind the recovery point", starts(signal.SIGKILL, chosen.starts))
        starts(signal.SIGTERM, 1)


if __name__ == "__main__":
    main()
