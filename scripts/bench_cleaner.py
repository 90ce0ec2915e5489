"""What it takes to compact a topic of many keys: time, memory, and how late the event loop is meanwhile.

A table for a reader. Nothing fails here, since a machine that is busy or slow says nothing about the code.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import trio

sys.path.insert(0, str(Path(__file__).parents[1]))

from kafkapy.cleaning import CleanerSettings, Cleaning
from kafkapy.protocol.batch import Record, build_batch, encode_varint, read_header
from kafkapy.protocol.record_scan import rebuild_batch, scan_records
from kafkapy.storage.cleaner import Cleaner
from kafkapy.storage.compaction import CompactionLimits
from kafkapy.storage.disk import RealDisk
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

RECORDS = 1000  # in a batch
TICK_S = 0.002
QUIET_S = 3.0


def wall_clock() -> int:
    return time.time_ns() // 1_000_000


def write(log: Log, keys: int, value: bytes, updates: float) -> int:
    """Every key once, in random order, and some of them again; how many records that makes."""
    numbers = list(range(keys))
    random.Random(1).shuffle(numbers)
    numbers += numbers[: int(keys * updates)]
    now_ms = wall_clock()
    header = read_header(build_batch([Record(i, now_ms, b"", b"") for i in range(RECORDS)]))
    prefixes = [b"\0\0" + encode_varint(i) + encode_varint(12) for i in range(RECORDS)]
    suffix = encode_varint(len(value)) + value + b"\0"
    lengths = [encode_varint(len(prefix) + 12 + len(suffix)) for prefix in prefixes]
    heads = [length + prefix for length, prefix in zip(lengths, prefixes, strict=True)]
    for at in range(0, len(numbers) - RECORDS + 1, RECORDS):
        body = b"".join(
            [head + b"%012d" % number + suffix for head, number in zip(heads, numbers[at : at + RECORDS], strict=True)]
        )
        batch = rebuild_batch(header, body, scan_records(body, header), None)[1]
        log.append_as_leader(batch, 0, now_ms, from_client=False)
    log.roll(now_ms)
    return log.log_end_offset


def resident() -> int:
    """Bytes of memory that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    shown = (f"{share:.1%} {ordered[int(len(ordered) * share) - 1] * 1000:.1f} ms" for share in (0.5, 0.99, 0.999))
    return f"{', '.join(shown)}, at worst {ordered[-1] * 1000:.1f} ms"


async def run(log_dir: LogDir, log: Log, limits: CompactionLimits) -> None:
    cleaner = Cleaner(log_dir.path, RealDisk(), log_dir.logs)
    begun = 0.0
    rounds = 0
    late: list[float] = []
    before = most = resident()

    async def tick() -> None:
        nonlocal most
        while True:
            due = trio.current_time() + TICK_S
            await trio.sleep_until(due)
            late.append(trio.current_time() - due)
            most = max(most, resident())

    async with trio.open_nursery() as nursery:

        def clock() -> int:
            nonlocal rounds
            if rounds:
                print(f"round {rounds}: {log.size / 1e6:10,.0f} MB left after {time.monotonic() - begun:6.1f} s")
            rounds += 1
            if cleaner.pick({("t", 0): log.log_end_offset}, wall_clock()) is None:
                nursery.cancel_scope.cancel()
            return wall_clock()

        nursery.start_soon(tick)
        await trio.sleep(QUIET_S)
        print(f"event loop late by, at rest: {quantiles(late)}")
        late.clear()
        begun = time.monotonic()
        settings = CleanerSettings(limits=limits, backoff_ms=0)
        await Cleaning([cleaner], lambda: {("t", 0): log.log_end_offset}, clock, lambda: settings).run()
    print(f"event loop late by, compacting: {quantiles(late)}")
    print(f"memory: {before / 1e6:,.0f} MB before, {(most - before) / 1e6:,.0f} MB more at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--updates", type=float, default=0.2, help="share of the keys that are written twice")
    parser.add_argument("--value", type=int, default=20, help="bytes of a value")
    parser.add_argument("--buffer", type=int, default=128, help="log.cleaner.dedupe.buffer.size in MiB")
    parser.add_argument("--segment", type=int, default=256, help="segment.bytes in MiB")
    arguments = parser.parse_args()
    config = LogConfig(
        cleanup_policy=frozenset({"compact"}),
        segment_bytes=arguments.segment << 20,
        min_cleanable_dirty_ratio=0.0,
    )
    limits = CompactionLimits(arguments.buffer << 20)
    with tempfile.TemporaryDirectory() as folder:
        log_dir = LogDir.open(Path(folder), disk=RealDisk(), node_id=1, clock=wall_clock, config_of=lambda _: config)
        log = log_dir.create("t", 0, UUID(int=1), config)
        begun = time.monotonic()
        records = write(log, arguments.keys, bytes(arguments.value), arguments.updates)
        size, written_s = log.size / 1e6, time.monotonic() - begun
        print(f"{records:,} records of {arguments.keys:,} keys, {size:,.0f} MB: {written_s:.1f} s to write")
        trio.run(run, log_dir, log, limits)
        log_dir.release()


if __name__ == "__main__":
    main()
