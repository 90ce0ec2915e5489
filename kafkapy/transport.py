"""The bytes of one connection, over plain TCP: received, sent, and sent from a file.

Each call tries the socket first and waits only for what it cannot do at once. Trio's own socket lets other tasks have a
turn at every call; here `receive` does so once for whatever it returned, and a reply is sent without.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence

import trio

from kafkapy.protocol.octets import Bytes
from kafkapy.storage.segment import FileSlice

_MOST_CHUNKS = 1024  # Linux refuses more in one writev


class PlainTransport:
    """A connected socket without encryption. Every method may raise OSError."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        self._has_turn = True  # whether others had theirs since the last receive
        self.peer = str(sock.getpeername()[0])
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def receive(self, buffer_of: Callable[[], memoryview]) -> int:
        """Put what is there into the buffer, asked for anew at each try, and return its size; 0 at the stream's end.

        Nothing runs between the buffer's filling and the return, so the buffer may be one that all connections share.
        """
        if not self._has_turn:
            await trio.lowlevel.checkpoint()
        while True:
            try:
                count = os.readv(self._fd, [buffer_of()])
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                self._has_turn = True
            else:
                self._has_turn = False
                return count

    async def wait_closed(self) -> bool:
        """Wait until the peer has closed, or has sent more, which stays to be received: whether it has closed."""
        with contextlib.suppress(OSError):
            return not await self._socket.recv(1, socket.MSG_PEEK)
        return True

    async def send(self, chunks: Sequence[Bytes]) -> None:
        """Send all of the chunks, in order."""
        left = list(chunks)
        while left:
            try:
                sent = os.writev(self._fd, left[:_MOST_CHUNKS])
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                continue
            left = _behind(left, sent)

    async def send_file(self, chunk: FileSlice) -> None:
        """Send a slice of a file by `sendfile`. Raises KafkaError if the file cannot be opened any more."""
        position, end = chunk.position, chunk.position + len(chunk)
        while position < end:
            try:
                sent = os.sendfile(self._fd, chunk.fileno(), position, end - position)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                continue
            if sent == 0:
                raise OSError(f"the log ended {end - position} bytes before the records that were promised")
            position += sent


def _behind(chunks: list[Bytes], sent: int) -> list[Bytes]:
    """What is left of the chunks once their first `sent` bytes are gone."""
    for index, chunk in enumerate(chunks):
        if sent < len(chunk):
            return [memoryview(chunk)[sent:], *chunks[index + 1 :]]
        sent -= len(chunk)
    return []
