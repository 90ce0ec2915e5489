"""A byte stream cut into frames: a 4-byte size, then as many bytes (the protocol guide's RequestOrResponse).

    reader = FrameReader(max_size=104_857_600)
    view = reader.buffer()
    for frame in reader.received(await receive_into(view)):
        ...

Nothing here does I/O: the caller fills the buffer it is handed. Each frame is a bytearray of its own, so record batches
in it can be patched in place and outlive the next read. The rest of a frame that began in the read buffer is received
straight into its own bytes, which grow with what has arrived, never ahead of it to what a peer merely claims to send.
A negative size, or one above the limit, is refused before anything is allocated, and the stream is over with it.

Between `received` and the next `buffer` a reader keeps nothing in the read buffer, so all readers whose caller waits
before it asks for the buffer, not while it has it, may share one.
"""

from __future__ import annotations

import struct
from typing import Any

from kafkapy.protocol.octets import Bytes

_SIZE = struct.Struct(">i")
BUFFER_BYTES = 128 * 1024


class FrameError(Exception):
    """The stream does not continue with a frame that may be read; close the connection."""


class FrameReader:
    """Cuts what one connection receives into frames of at most `max_size` bytes (`socket.request.max.bytes`)."""

    def __init__(self, max_size: int, buffer: bytearray | None = None) -> None:
        self._max_size = max_size
        self._buffer = bytearray(BUFFER_BYTES) if buffer is None else buffer
        self._begun = b""  # a size of which less than 4 bytes have come
        self._frame: bytearray | None = None  # the frame being received, once its size is known
        self._frame_size = 0
        self._frame_filled = 0
        self._view: memoryview | None = None  # the view handed out; a bytearray cannot grow under one
        self._error: FrameError | None = None

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame, its size included: above 0 when the stream ends in the middle of one."""
        return len(self._begun) if self._frame is None else _SIZE.size + self._frame_filled

    def buffer(self) -> memoryview:
        """Where the next bytes of the stream belong; never empty. Raises FrameError if no frame can follow."""
        if self._error is not None:
            raise self._error
        if self._view is None:
            if self._frame is None:
                self._view = memoryview(self._buffer)[len(self._begun) :]
            else:
                self._grow(self._frame)
                self._view = memoryview(self._frame)[self._frame_filled :]
        return self._view

    def received(self, count: int) -> list[bytearray]:
        """Take `count` bytes that were put at the start of `buffer()`; the frames that they complete, in order.

        Raises FrameError for a size that is negative or too large. Frames that came whole before it are still
        returned; the error is then raised by the next call of `buffer`.
        """
        if self._view is None or not 0 <= count <= len(self._view):
            raise ValueError(f"{count} bytes cannot have been received into the buffer handed out")
        self._view.release()
        self._view = None
        if self._frame is not None:
            self._frame_filled += count
            return self._finish(self._frame)
        begun = len(self._begun)
        if begun:
            self._buffer[:begun] = self._begun
        frames = self._cut(begun + count)
        if self._error is not None and not frames:
            raise self._error
        return frames

    def feed(self, data: Bytes) -> list[bytearray]:
        """Take bytes that lie elsewhere, copying them; the frames that they complete, in order."""
        frames: list[bytearray] = []
        rest = memoryview(data)
        while rest:
            view = self.buffer()
            count = min(len(view), len(rest))
            view[:count] = rest[:count]
            frames += self.received(count)
            rest = rest[count:]
        return frames

    def _grow(self, frame: bytearray) -> None:
        # Doubling keeps the copying linear, and holds a peer that claims 100 MB and sends nothing to one buffer.
        if self._frame_filled == len(frame):
            room = max(BUFFER_BYTES, 2 * self._frame_filled)
            frame.extend(bytes(min(self._frame_size, room) - self._frame_filled))

    def _finish(self, frame: bytearray) -> list[bytearray]:
        if self._frame_filled < self._frame_size:
            return []
        self._frame = None
        return [frame]

    def _cut(self, end: int) -> list[bytearray]:
        """The whole frames in the buffer; the start of one that is not whole moves to bytes of its own."""
        buffer = self._buffer
        frames: list[bytearray] = []
        position = 0
        while end - position >= _SIZE.size:
            (size,) = _SIZE.unpack_from(buffer, position)
            if not 0 <= size <= self._max_size:
                self._error = self._refusal(size)
                return frames
            position += _SIZE.size
            if size > end - position:
                self._frame = buffer[position:end]
                self._frame_size = size
                self._frame_filled = end - position
                position = end
            else:
                frames.append(buffer[position : position + size])
                position += size
        self._begun = bytes(buffer[position:end])
        return frames

    def _refusal(self, size: int) -> FrameError:
        if size < 0:
            return FrameError(f"a frame of {size} bytes was announced: a size cannot be negative")
        return FrameError(
            f"a frame of {size} bytes was announced, and at most {self._max_size} are taken (socket.request.max.bytes)"
        )


def framed(chunks: list[Any]) -> list[Any]:
    """The chunks of one message behind their size. A chunk is anything with a length: bytes, or a range of a file."""
    return [_SIZE.pack(sum(map(len, chunks))), *chunks]
