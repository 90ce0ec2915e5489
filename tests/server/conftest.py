"""A server on loopback sockets with a broker behind it that does what each request's text says."""

from __future__ import annotations

import inspect
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import trio

from kafkapy.broker import Reply
from kafkapy.handlers.call import HangUpError
from kafkapy.listening import open_listeners
from kafkapy.server import Server
from kafkapy.storage.disk import RealDisk
from kafkapy.storage.segment import FileSlice

TEST_LIMIT_S = 20
MAX_REQUEST_BYTES = 100_000


class Commands:
    """A broker whose requests are texts: `echo x`, `wait x`, `file position size`, `silent`, `hang up`, `fail`."""

    def __init__(self, file: Path) -> None:
        self.file: Any = RealDisk().open(str(file), create=True)
        self.disk_errors: list[OSError] = []
        self.events: dict[str, trio.Event] = {}
        self.waiting: list[str] = []
        self.abandoned: list[str] = []
        self.asked: list[str] = []
        self.ended: list[str] = []

    def event(self, name: str) -> trio.Event:
        return self.events.setdefault(name, trio.Event())

    def answer(
        self, frame: bytearray, client_host: str, listener: str, endings: dict[object, Callable[[], None]]
    ) -> Reply | Awaitable[Reply]:
        command, _, rest = frame.decode().partition(" ")
        self.asked.append(frame.decode()[:100])
        match command:
            case "echo":
                return [rest.encode()]
            case "who":
                return [f"{client_host} {listener}".encode()]
            case "wait":
                return self._wait(rest)
            case "file":
                position, size = map(int, rest.split())
                found = FileSlice(self.file, position, size)
                found.on_disk_error = self.disk_errors.append
                return [b"<", found, b">"]
            case "silent":
                return None
            case "remember":
                endings[rest] = lambda: self.ended.append(rest)
                return [b"I will"]
            case "hang":
                raise HangUpError("it asked for that")
            case _:
                raise RuntimeError("a bug in the broker")

    async def _wait(self, name: str) -> Reply:
        self.waiting.append(name)
        try:
            await self.event(name).wait()
        except trio.Cancelled:
            self.abandoned.append(name)
            raise
        if name == "failure":
            raise RuntimeError("a bug in the broker, later")
        return [f"waited for {name}".encode()]


class House:
    """The server, and connections to it."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self.port = 0
        self.hosts: set[str] = set()
        self.served: Callable[[str, str], Any] = lambda _, address: (
            nullcontext()
        )  # what connections are served inside of
        self._peers: list[Peer] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listeners = await open_listeners("localhost", 0)
        self.port = listeners[0].port
        self.hosts = {listener.host for listener in listeners}
        async with trio.open_nursery() as nursery:
            server = Server(self.commands, MAX_REQUEST_BYTES, self._served)
            nursery.start_soon(server.run, [("PLAINTEXT", listener) for listener in listeners])
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()
                for peer in self._peers:
                    peer.stream.socket.close()

    def _served(self, listener: str, address: str) -> Any:
        return self.served(listener, address)  # asked each time: a test may say otherwise while it runs

    async def connect(self, host: str = "127.0.0.1") -> Peer:
        peer = Peer(await trio.open_tcp_stream(host, self.port))
        self._peers.append(peer)
        return peer


class Peer:
    """The client's end of a connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = bytearray()

    async def send(self, *requests: str) -> None:
        """All in one segment."""
        await self.stream.send_all(b"".join(frame_of(request.encode()) for request in requests))

    async def receive(self) -> bytes:
        """The next reply. Raises EOFError if the server has closed."""
        (size,) = struct.unpack(">i", await self._take(4))
        return await self._take(size)

    async def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            data = await self.stream.receive_some(65536)
            if not data:
                raise EOFError
            self._received += data
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    async def ask(self, request: str) -> bytes:
        await self.send(request)
        return await self.receive()

    async def is_closed(self) -> bool:
        """Waits for the server to close, and sends nothing before."""
        try:
            return await self.stream.receive_some(1) == b""
        except trio.BrokenResourceError:
            return True

    async def close(self) -> None:
        await self.stream.aclose()


def frame_of(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


@pytest.fixture
def frame() -> Callable[[bytes], bytes]:
    return frame_of


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several megabytes, no two places alike."""
    path = tmp_path_factory.mktemp("data") / "00000000000000000000.log"
    path.write_bytes(b"".join(struct.pack(">I", number) for number in range(1_500_000)))
    return path


@pytest.fixture
def house(data_file: Path) -> House:
    return House(Commands(data_file))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function in trio, with the server if it asks for one, within a limit of time."""
    test: Callable[..., Any] = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        with trio.fail_after(TEST_LIMIT_S):
            async with arguments["house"].running() if "house" in arguments else nullcontext():
                try:
                    await test(**arguments)
                except Exception as error:  # raised once the server has stopped: alone, not in a group of trio's
                    failed.append(error)

    failed: list[Exception] = []
    trio.run(run)
    for error in failed:
        raise error
    return True
