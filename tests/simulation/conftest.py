"""A machine: a disk in memory, and a broker on it that lives, dies and comes again, under trio's mock clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from memory_disk import CrashError, MemoryDisk

from kafkapy.broker import Broker
from kafkapy.config.properties import load
from kafkapy.protocol.api import Api
from kafkapy.protocol.batch import Record, build_batch, read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.request import decode_response, encode_request
from kafkapy.run import Process
from kafkapy.storage.segment import FileSlice

GROUP = 0  # a type of key of FindCoordinator
EPOCH_MS = 1_700_000_000_000


class BrokerDownError(Exception):
    """There is no broker, or it died before it answered: what was asked may or may not have been done."""


class Machine:
    """One broker's computer. `ask` is what a client sees of it."""

    def __init__(self, nursery: trio.Nursery, *properties: str) -> None:
        self.disk: Any = MemoryDisk()
        self.config = load(None, ["log.dirs=/data", "listeners=PLAINTEXT://localhost:9092", *properties])
        self.process: Process | None = None
        self.starts = 0
        self._nursery = nursery
        self._life = trio.CancelScope()
        self._ended = trio.Event()
        self._broker: Broker | None = None
        self._correlation_id = 0

    async def run_aside(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """Do it here, in a turn of its own: what comes before and behind it may be another task's, as with a thread."""
        await trio.lowlevel.checkpoint()
        result = action(*arguments)
        await trio.lowlevel.checkpoint()
        return result

    def start(self) -> None:
        """Boot; a CrashError of the disk leaves the machine as it then is."""
        self.starts += 1
        process = None
        try:
            self.process = process = Process(self.config, disk=self.disk, clock=now_ms, aside=self.run_aside)
            process.load()
            process.cluster.register(self.config.advertised("localhost", {"PLAINTEXT": 9092}))
        except CrashError:
            self.crash(power=False)
            raise
        self._broker = Broker(process.node)
        self._life, self._ended = trio.CancelScope(), trio.Event()
        self._nursery.start_soon(self._keep_time, process, self._life)

    async def _keep_time(self, process: Process, life: trio.CancelScope) -> None:
        try:
            with life:
                await process.keep_time()
        except BaseExceptionGroup as group:
            if group.split(CrashError)[1] is not None:
                raise
            self.crash(power=False)

    def crash(self, *, power: bool) -> None:
        """The process dies, or with `power` the whole machine; nothing is written any more."""
        process, self.process, self._broker = self.process, None, None
        self._end()
        if process is not None:
            process.release()
        self.disk.crash(power=power)

    def stop(self) -> None:
        """A clean stop."""
        assert self.process is not None
        process, self.process, self._broker = self.process, None, None
        self._end()
        process.close()

    def _end(self) -> None:
        self._life.cancel()
        self._ended.set()

    async def ask(self, api: Api, version: int, request: Any) -> Any:
        """The response, however long it takes. Raises BrokerDownError."""
        if self._broker is None:
            raise BrokerDownError
        self._correlation_id += 1
        frame = bytearray(encode_request(api, version, self._correlation_id, "me", request))
        ended = self._ended
        reply: Any = None
        try:
            reply = self._broker.answer(frame, "127.0.0.1", "PLAINTEXT", {})
            if isinstance(reply, Awaitable):
                reply = await self._until(ended, reply)
        except CrashError:
            self.crash(power=False)
        if reply is None or ended.is_set():
            raise BrokerDownError
        data = b"".join(chunk.read() if isinstance(chunk, FileSlice) else bytes(chunk) for chunk in reply)
        return decode_response(api, version, data)[1]

    @staticmethod
    async def _until(ended: trio.Event, pending: Awaitable[Any]) -> Any:
        """What `pending` comes to; None once the process that it waits in is dead."""
        result: list[Any] = []
        crash: list[BaseException] = []
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                try:
                    result.append(await pending)
                except CrashError as error:
                    crash.append(error)
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait)
            await ended.wait()
            nursery.cancel_scope.cancel()
        if crash:
            raise crash[0]
        return result[0] if result else None

    async def find_coordinator(self) -> int:
        """Look for a group's coordinator, as a client does first; the result is the error code."""
        found = await self.ask(FIND_COORDINATOR, 2, FindCoordinatorRequest("g", GROUP))
        return found.error_code  # type: ignore[no-any-return]

    async def read(self, topic: str, partition: int = 0) -> list[str]:
        """All values of a partition; its offsets must ascend by one from 0."""
        found: list[str] = []
        while True:
            wanted = FetchPartition(partition, fetch_offset=len(found), partition_max_bytes=1 << 20)
            request = FetchRequest(
                max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=[FetchTopic(topic, partitions=[wanted])]
            )
            data = (await self.ask(FETCH, 12, request)).responses[0].partitions[0]
            assert data.error_code == ErrorCode.NONE, ErrorCode(data.error_code)
            records = [
                record for at, _ in split_batches(data.records or b"") for record in read_records(data.records, at)
            ]
            records = [record for record in records if record.offset >= len(found)]
            if not records:
                return found
            assert [record.offset for record in records] == list(range(len(found), len(found) + len(records)))
            found += [bytes(record.value or b"").decode() for record in records]


def now_ms() -> int:
    return EPOCH_MS + round(trio.current_time() * 1000)


def make_batch(*values: str, **options: Any) -> bytes:
    return build_batch([Record(at, now_ms(), b"k", value.encode()) for at, value in enumerate(values)], **options)


@pytest.fixture
def machine_type() -> type[Machine]:
    return Machine


@pytest.fixture
def broker_down() -> type[Exception]:
    return BrokerDownError


@pytest.fixture
def crash_error() -> type[BaseException]:
    return CrashError


@pytest.fixture
def batch() -> Any:
    return make_batch


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that wants a `seed` runs once for each; how many is its `runs` mark, unless an option says so."""
    if "seed" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("runs")
        assert marked is not None
        first, count = (metafunc.config.getoption(f"--simulation-{what}") for what in ("seed", "runs"))
        metafunc.parametrize("seed", range(first, first + (marked.args[0] if count is None else count)))
