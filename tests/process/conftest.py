"""The real broker as a process of its own, and a client that speaks the protocol over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kafkapy.protocol.api import Api
from kafkapy.protocol.batch import Record, build_batch, read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.frame import FrameReader
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.request import decode_response, encode_request

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent / "torture"))  # what the tests of a broker under torture share
LIMIT_S = 20.0


GROUP = 0  # a type of key of FindCoordinator


class Client:
    """One connection to a broker. `ask` raises EOFError or ConnectionError if the broker closes it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = FrameReader(1 << 30)
        self._frames: list[bytearray] = []
        self._correlation_id = 0

    def send(self, api: Api, version: int, request: Any) -> None:
        self._correlation_id += 1
        self.send_frame(encode_request(api, version, self._correlation_id, "me", request))

    def send_frame(self, frame: bytes) -> None:
        self.socket.sendall(len(frame).to_bytes(4) + frame)

    def receive(self, api: Api, version: int) -> Any:
        return decode_response(api, version, self.receive_frame())[1]

    def receive_frame(self) -> bytearray:
        while not self._frames:
            count = self.socket.recv_into(self._reader.buffer())
            if not count:
                raise EOFError("the broker closed the connection")
            self._frames = self._reader.received(count)
        return self._frames.pop(0)

    def ask(self, api: Api, version: int, request: Any) -> Any:
        self.send(api, version, request)
        return self.receive(api, version)

    def is_closed(self, within_s: float = 5.0) -> bool:
        """Whether the broker closes the connection and has said nothing before."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def is_served(self) -> bool:
        return self.ask(API_VERSIONS, 0, ApiVersionsRequest()).error_code == ErrorCode.NONE  # type: ignore[no-any-return]

    def close(self) -> None:
        self.socket.close()

    # What most tests need before they come to their point:

    def create(self, name: str, partitions: int = 1) -> None:
        result = self.ask(CREATE_TOPICS, 7, CreateTopicsRequest(topics=[CreatableTopic(name, partitions, 1)])).topics[0]
        assert result.error_code == ErrorCode.NONE, result.error_message

    def find_coordinator(self) -> None:
        """Look for a group's coordinator, as clients do first."""
        assert self.ask(FIND_COORDINATOR, 2, FindCoordinatorRequest("any", GROUP)).error_code == ErrorCode.NONE

    def topics(self) -> dict[str, int]:
        """Every topic's count of partitions."""
        return {topic.name: len(topic.partitions) for topic in self.ask(METADATA, 4, MetadataRequest(None)).topics}

    def produce(self, records: bytes, topic: str = "t", partition: int = 0, *, acks: int = -1) -> Any:
        """The partition's part of the response."""
        data = [TopicProduceData(topic, partition_data=[PartitionProduceData(partition, records)])]
        return self.ask(PRODUCE, 9, ProduceRequest(None, acks, 5000, data)).responses[0].partition_responses[0]

    def read(self, topic: str = "t", partition: int = 0, offset: int = 0) -> list[tuple[int, str]]:
        """Offset and value of every record from there to the end."""
        found: list[tuple[int, str]] = []
        while True:
            wanted = FetchPartition(partition, fetch_offset=offset, partition_max_bytes=1 << 28)
            request = FetchRequest(
                max_wait_ms=0, min_bytes=0, max_bytes=1 << 28, topics=[FetchTopic(topic, partitions=[wanted])]
            )
            data = self.ask(FETCH, 12, request).responses[0].partitions[0]
            assert data.error_code == ErrorCode.NONE, ErrorCode(data.error_code)
            records = [
                record for at, _ in split_batches(data.records or b"") for record in read_records(data.records, at)
            ]
            found += [(one.offset, bytes(one.value or b"").decode()) for one in records if one.offset >= offset]
            if not records:
                return found
            offset = records[-1].offset + 1


class Broker:
    """A broker process; `start` and the end of it may come again and again, on one port and one directory."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.errors = folder / "broker.err"
        self.port = 0
        self.options: list[str] = []
        self.within: list[str] = []  # a command that runs it, as in another namespace
        self.environment: dict[str, str] = {}
        self.started_in_s = 0.0
        self.ready = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._clients: list[Client] = []

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def start(self, *options: str) -> Broker:
        """Start it and wait until it serves."""
        begun = time.monotonic()
        self.launch(*options)
        watchdog = threading.Timer(LIMIT_S, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        watchdog.cancel()
        assert line.startswith("kafkapy ready on localhost:"), self.log()
        self.started_in_s = time.monotonic() - begun
        self.port = int(line.rpartition(":")[2])
        self.ready.set()
        return self

    def launch(self, *options: str) -> None:
        """Start it, and do not wait for what becomes of it."""
        command = [*self.within, sys.executable, "-m", "kafkapy", "--port", str(self.port), "--data", str(self.data)]
        with self.errors.open("a") as errors:
            self._process = subprocess.Popen(
                [*command, *self.options, *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=os.environ | self.environment,
            )

    def client(self, host: str = "localhost") -> Client:
        client = Client(host, self.port)
        self._clients.append(client)
        return client

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait, and tell the exit code."""
        process = self.process
        self.ready.clear()
        process.send_signal(how)
        code = process.wait(LIMIT_S)
        process.stdout.close()  # type: ignore[union-attr]
        self._process = None
        for client in self._clients:
            client.close()
        self._clients.clear()
        return code

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def log(self) -> str:
        return self.errors.read_text(errors="replace")

    def resident_bytes(self) -> int:
        return int(self._told_by_kernel("status", "VmRSS")) * 1024

    def writes(self) -> int:
        """How often it has asked the kernel to write to a file or send one, since it was started."""
        return int(self._told_by_kernel("io", "syscw"))

    def _told_by_kernel(self, file: str, what: str) -> str:
        for line in Path(f"/proc/{self.process.pid}/{file}").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return line.split()[1]
        raise AssertionError(f"the kernel does not tell the {what} of a process")

    def close(self) -> None:
        if self._process is not None:
            self.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A broker that is expected not to start."""
    command = [sys.executable, "-m", "kafkapy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT)


def make_batch(*values: str, **options: Any) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    records = [Record(at, now_ms, None, value.encode()) for at, value in enumerate(values)]
    return build_batch(records, **options)


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Whoever runs the tests in the background has SIGINT ignored, and every child would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that is not started yet."""
    broker = Broker(tmp_path)
    yield broker
    broker.close()


@pytest.fixture
def load(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Puts the broker, which it starts, under load: see torture/load.py."""
    from load import Load

    made: list[Any] = []

    def make(library: str, *settings: str, **options: Any) -> Any:
        made.append(Load(broker, library, tmp_path, *settings, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def kafkapy() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run


@pytest.fixture
def batch() -> Callable[..., bytes]:
    return make_batch


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests of a module: what one of them does to it must not harm the next."""
    broker = Broker(tmp_path_factory.mktemp("broker")).start()
    yield broker
    broker.close()
