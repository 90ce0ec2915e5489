"""The log cleaner's settings: how many logs at once, with what memory and at what pace, changed while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.cleaning import CleanerSettings, Cleaning, Pace
from kafkapy.config.broker import BrokerConfig
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.storage.cleaner import Cleaner

COMPACTED = {"cleanup_policy": "compact", "min_cleanable_dirty_ratio": 0.01}
BROKER = 4


def write_dirt(client: Any, partitions: int) -> None:
    """A topic of so many partitions that are all dirty."""
    client.create(partitions=partitions, **COMPACTED)
    for partition in range(partitions):
        for i in range(20):
            client.produce(f"{i}", partition=partition)
        client.node.replicas.get("t", partition).log.roll()
    for log in client.node.replicas.log_dirs.logs():
        log.flush_rolled()


class Workers:
    """Stands for the worker threads: each job waits until the test lets it go."""

    def __init__(self) -> None:
        self.waiting: list[trio.Event] = []

    async def aside(self, job: Callable[[], object]) -> None:
        allowed = trio.Event()
        self.waiting.append(allowed)
        await allowed.wait()
        job()

    async def let_go(self, index: int = 0) -> None:
        self.waiting.pop(index).set()
        await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
def client(client: Any) -> Any:
    client.configure(log_cleaner_enable="false")
    return client


async def test_as_many_logs_are_cleaned_at_once_as_there_are_threads(client: Any) -> None:
    write_dirt(client, 5)
    workers, settings = Workers(), CleanerSettings(threads=3)
    cleaner = Cleaner("/data", client.disk, client.node.replicas.log_dirs.online[0].logs)
    offsets = client.node.replicas.last_stable_offsets
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Cleaning([cleaner], offsets, client.now, lambda: settings, workers.aside).run)
        await trio.testing.wait_all_tasks_blocked()
        assert len(workers.waiting) == 3
        settings = settings._replace(threads=1)
        for _ in range(4):  # the index, the records, the old files and the checkpoint of the first log
            assert len(workers.waiting) == 3
            await workers.let_go(2)
        assert len(workers.waiting) == 2, "no other log follows until there are no more than the threads allow"
        settings = settings._replace(threads=4)
        for _ in range(4):
            await workers.let_go(1)
        assert len(workers.waiting) == 3, "the last two logs and the first"
        while workers.waiting:
            await workers.let_go()
        nursery.cancel_scope.cancel()
    assert [client.read(partition=partition) for partition in range(5)] == [["19"]] * 5
    checkpoint = client.disk.read("/data/cleaner-offset-checkpoint").decode()
    assert [f"t {partition} 20\n" in checkpoint for partition in range(5)] == [True] * 5


async def test_a_log_that_fails_waits_for_its_time_and_keeps_no_other_waiting(client: Any, caplog: Any) -> None:
    write_dirt(client, 2)
    failed = 0
    cleaner = Cleaner("/data", client.disk, client.node.replicas.log_dirs.online[0].logs)

    async def aside(job: Callable[[], object]) -> None:
        nonlocal failed
        if failed < 3:
            failed += 1
            raise OSError(28, "No space left on device")
        job()

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        settings = CleanerSettings(backoff_ms=1000)
        offsets = client.node.replicas.last_stable_offsets
        nursery.start_soon(Cleaning([cleaner], offsets, client.now, lambda: settings, aside).run)
        while client.read() != ["19"] or client.read(partition=1) != ["19"]:
            await trio.sleep(0.5)
        nursery.cancel_scope.cancel()
    assert failed == 3
    assert 3 <= trio.current_time() - began <= 4
    assert caplog.text.count("which is tried again") == 3


async def test_settings_are_in_force_while_the_broker_runs(client: Any) -> None:
    client.properties[-1:] = ["log.cleaner.backoff.ms=86400000"]
    await client.restart()
    write_dirt(client, 1)
    await trio.sleep(3600)
    assert len(client.read()) == 20

    def alter(name: str, value: str) -> int:
        change = AlterConfigsResource(BROKER, "", [AlterableConfig(name, 0, value)])
        request = IncrementalAlterConfigsRequest([change], validate_only=False)
        return client.send(INCREMENTAL_ALTER_CONFIGS, 1, request).responses[0].error_code  # type: ignore[no-any-return]

    assert alter("log.cleaner.backoff.ms", "5000") == 0
    await trio.sleep(1)
    assert client.read() == ["19"]
    for i in range(20):
        client.produce(f"{i}")
    client.node.replicas.get("t", 0).log.roll()
    await trio.sleep(6)
    assert client.read() == ["19"]


def test_each_thread_has_its_share_of_the_buffers() -> None:
    config = BrokerConfig(
        {
            "log.cleaner.threads": "4",
            "log.cleaner.dedupe.buffer.size": "40000000",
            "log.cleaner.io.buffer.size": "800000",
            "log.cleaner.io.buffer.load.factor": "0.5",
            "log.cleaner.io.max.bytes.per.second": "1000",
            "log.cleaner.backoff.ms": "7",
        }
    )
    settings = CleanerSettings.of(config)
    assert settings._replace(limits=None) == (4, None, 1000, 7)  # type: ignore[arg-type]
    limits = settings.limits
    assert (limits.dedupe_buffer_bytes, limits.io_buffer_bytes, limits.load_factor) == (10_000_000, 100_000, 0.5)
    huge = BrokerConfig({"log.cleaner.dedupe.buffer.size": str(1 << 40)})
    assert CleanerSettings.of(huge).limits.dedupe_buffer_bytes == (1 << 31) - 1


class Time:
    """A clock that only sleepers move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_pace_is_kept_whoever_reads_and_however_much_at_once() -> None:
    time, rate = Time(), 1000.0
    pace = Pace(lambda: rate, time, time.sleep)
    for size in (10, 990, 5000, 4000):  # larger ones wait longer than one sleep
        pace(size)
    assert time.now == pytest.approx(110, abs=0.02)
    rate = 2000.0
    pace(4000)
    assert time.now == pytest.approx(112, abs=0.02)
    time.now += 1000
    pace(2000)
    assert time.now == pytest.approx(1113, abs=0.02), "what was not used is not caught up with"


def test_a_new_limit_holds_for_who_waits_already() -> None:
    time = Time()
    rates = iter([0.0] * 30)
    Pace(lambda: next(rates, -1.0), time, time.sleep)(1 << 40)
    assert 102 < time.now < 107, "at 0 nothing moves, below it all"


@pytest.mark.parametrize("limit", [float("inf"), 1.7e308, -1.0])
def test_without_a_limit_nobody_sleeps(limit: float) -> None:
    time = Time()
    pace = Pace(lambda: limit, time, time.sleep)
    for _ in range(1000):
        pace(1 << 30)
    assert time.now == 100.0
