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
from kafkapy.storage.disk import is_fault
from kafkapy.storage.segment import FileSlice

_MOST_CHUNKS = 1024  # Linux refuses more in one writev
_WARMED_AT_ONCE = 1 << 20  # bytes of a file that are looked for in memory, and read if they are not there


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
        left = chunks
        while left:
            try:
                sent = os.writev(self._fd, left if len(left) <= _MOST_CHUNKS else left[:_MOST_CHUNKS])
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                continue
            left = _behind(left, sent)

    async def send_file(self, chunk: FileSlice) -> None:
        """Send a slice of a file by `sendfile`, once it is in memory. Raises KafkaError if the disk cannot give it."""
        position, end = chunk.position, chunk.position + len(chunk)
        warm_to = end if chunk.is_recent else position
        while position < end:
            if position >= warm_to:
                warm_to = min(position + _WARMED_AT_ONCE, end)
                if not chunk.is_cached(position, warm_to):
                    await trio.to_thread.run_sync(chunk.warm, position, warm_to)
            try:
                sent = os.sendfile(self._fd, chunk.fileno(), position, warm_to - position)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                continue
            except OSError as error:
                if is_fault(error):
                    raise chunk.failed(error) from error
                raise
            if sent == 0:
                raise chunk.cut_short(end - position)
            position += sent


def _behind(chunks: Sequence[Bytes], sent: int) -> list[Bytes]:
    """What is left of the chunks once their first `sent` bytes are gone."""
    if sent == sum(map(len, chunks)):
        return []  # as nearly always
    for index, chunk in enumerate(chunks):
        if sent < len(chunk):
            return [memoryview(chunk)[sent:], *chunks[index + 1 :]]
        sent -= len(chunk)
    return []
