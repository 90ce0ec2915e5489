"""Listeners and connections: bytes in, frames out, replies in request order.

A connection's requests are answered one after the other, as Kafka does: the replies' order is then the requests', and a
client that does not read its replies is not read from either. Requests that arrived together are answered together,
in one write, unless one of them has to wait. Records of a fetch go from file to socket by `sendfile`. A client that
closes while its request waits is noticed, and the wait ends; one that has sent more meanwhile is noticed after it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from types import CoroutineType
from typing import Any, Protocol

import trio

from kafkapy.broker import Reply
from kafkapy.connection_limits import TooManyConnectionsError
from kafkapy.handlers.call import HangUpError
from kafkapy.listening import ListeningSocket
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.frame import BUFFER_BYTES, FrameError, FrameReader, framed
from kafkapy.protocol.octets import Bytes
from kafkapy.storage.segment import FileSlice
from kafkapy.transport import PlainTransport

logger = logging.getLogger(__name__)

SENDFILE_FROM = 32 * 1024  # below this, reading the bytes and sending them with their neighbours costs less


class Answers(Protocol):
    """What the server asks of the broker behind it."""

    def answer(
        self, frame: bytearray, client_host: str, listener: str, endings: dict[object, Callable[[], None]]
    ) -> Reply | CoroutineType[Any, Any, Reply]:
        """The reply to one request, or what to await for it. Raises HangUpError.

        What it puts into `endings` is called when the connection has ended.
        """


class Transport(Protocol):
    """What a connection needs of the bytes' way to its client. Every method may raise OSError."""

    peer: str

    async def receive(self, buffer_of: Callable[[], memoryview]) -> int:
        """Put what is there into the buffer and return its size; 0 at the stream's end."""

    async def wait_closed(self) -> bool:
        """Wait until the peer has closed, or has sent more: whether it has closed."""

    async def send(self, chunks: Sequence[Bytes]) -> None:
        """Send all of the chunks, in order."""

    async def send_file(self, chunk: FileSlice) -> None:
        """Send a slice of a file."""


def _unlimited(listener: str, address: str) -> AbstractAsyncContextManager[None]:
    """Any number of connections from any address."""
    return nullcontext()


class Server:
    """Accepts connections on its listeners and serves them until it is cancelled."""

    def __init__(
        self,
        answers: Answers,
        max_request_bytes: int,
        served: Callable[[str, str], AbstractAsyncContextManager[None]] = _unlimited,
    ) -> None:
        """`served` is what is around a connection to a listener from an address; see `ConnectionLimits.served`."""
        self._served = served
        self._answers = answers
        self._max_request_bytes = max_request_bytes
        self._buffer = bytearray(BUFFER_BYTES)  # shared: between two reads no connection has anything in it

    async def run(self, listeners: Iterable[tuple[str, ListeningSocket]]) -> None:
        """Serve connections of named listeners."""
        logging.getLogger("trio.serve_listeners").addFilter(_without_traceback)
        async with trio.open_nursery() as nursery:
            for name, listener in listeners:
                nursery.start_soon(trio.serve_listeners, self._handler(name), [listener])

    def _handler(self, listener: str) -> Callable[[trio.SocketStream], Awaitable[None]]:
        async def handle(stream: trio.SocketStream) -> None:
            async with stream:
                try:
                    transport = PlainTransport(stream.socket)
                except OSError as error:
                    logger.debug("a connection broke before its first request: %s", error)
                    return
                reader = FrameReader(self._max_request_bytes, self._buffer)
                try:
                    async with self._served(listener, transport.peer):
                        await Connection(self._answers, transport, listener, reader).run()
                except TooManyConnectionsError as error:
                    logger.info("%s", error)

        return handle


def _without_traceback(record: logging.LogRecord) -> bool:
    """Trio tells why no more connections fit, which its text says, and where in trio that was, which helps nobody."""
    record.exc_info = None
    return True


class Connection:
    """One client's connection."""

    def __init__(self, answers: Answers, transport: Transport, listener: str, reader: FrameReader) -> None:
        self._answers = answers
        self._transport = transport
        self._listener = listener
        self._reader = reader
        self._out: list[Any] = []
        self._host = transport.peer
        self._is_gone = False
        self._endings: dict[object, Callable[[], None]] = {}

    async def run(self) -> None:
        """Serve requests until the client closes, or sends what no client should."""
        receive, buffer = self._transport.receive, self._reader.buffer
        answer, host, listener, endings = self._answers.answer, self._host, self._listener, self._endings
        try:
            while received := await receive(buffer):
                for frame in self._reader.received(received):
                    reply = answer(frame, host, listener, endings)
                    if isinstance(reply, CoroutineType):
                        reply = await self._wait_for(reply)
                    if reply is not None:
                        self._out += framed(reply)
                await self._flush()
        except (FrameError, HangUpError) as error:
            logger.warning("closing the connection from %s: %s", self._host, error)
            await self._flush_what_is_answered()
        except OSError as error:
            logger.debug("the connection from %s broke: %s", self._host, error)
        except KafkaError as error:  # records that were promised cannot be read any more
            logger.error("closing the connection from %s: %s", self._host, error)
        except Exception:
            logger.exception("closing the connection from %s after a failure", self._host)
        finally:
            self._end()

    def _end(self) -> None:
        for ending in self._endings.values():
            try:
                ending()
            except Exception:
                logger.exception("what was left of the connection from %s could not be settled", self._host)

    async def _wait_for(self, pending: CoroutineType[Any, Any, Reply]) -> Reply:
        """The reply, when it comes. Raises HangUpError, and ConnectionResetError if the client goes before."""
        try:
            await self._flush()
        except BaseException:
            pending.close()  # nobody will ever await it
            raise
        reply: Reply = None
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope)
            try:
                reply = await pending
            except Exception as error:  # raised below: out of the nursery it would come in a group
                failure = error
            nursery.cancel_scope.cancel()
        if self._is_gone:
            raise ConnectionResetError("the client closed while its request waited")
        if failure is not None:
            raise failure
        return reply

    async def _watch(self, waiting: trio.CancelScope) -> None:
        """End the wait if the client closes; what it sent has its turn later."""
        if await self._transport.wait_closed():
            self._is_gone = True
            waiting.cancel()

    async def _flush_what_is_answered(self) -> None:
        try:
            await self._flush()
        except OSError as error:
            logger.debug("the connection from %s broke: %s", self._host, error)

    async def _flush(self) -> None:
        """Send all that is answered. What is in memory is gathered; a large slice of a file goes by sendfile."""
        chunks, self._out = self._out, []
        if FileSlice not in map(type, chunks):
            await self._transport.send(chunks)
            return
        gathered: list[Any] = []
        for chunk in chunks:
            if not isinstance(chunk, FileSlice):
                gathered.append(chunk)
            elif len(chunk) < SENDFILE_FROM:
                data = chunk.read_cached()
                gathered.append(await trio.to_thread.run_sync(chunk.read) if data is None else data)
            else:
                # Not with MSG_MORE: a sendfile that fills the socket's buffer then leaves the rest corked for 200 ms.
                await self._transport.send(gathered)
                gathered = []
                await self._transport.send_file(chunk)
        await self._transport.send(gathered)
