"""A load that costs little: requests that were encoded before, over plain sockets, so that the broker is measured.

A request is a list of buffers, which one `sendmsg` gathers; the first begins with the frame's size and the request's
head, and each time it is sent the next correlation id is written into that. Of a reply, the correlation id is compared
and the head is handed to a check; what follows of a long one is thrown away by the kernel (MSG_TRUNC, Linux only).
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kafkapy.protocol.api import Api
from kafkapy.protocol.request import decode_response, encode_request

LIMIT_S = 60.0
CLIENT_ID = "bench"
_INT32 = struct.Struct(">i")
_CORRELATION_ID_AT = 8  # behind the frame's size, the API key and the version
_BUFFER_BYTES = 64 * 1024
_HEAD_BYTES = 256
_SCRATCH = bytearray(1 << 20)  # what is thrown away goes nowhere

Request = list[Any]
Check = Callable[[memoryview, int], None]  # the head of a reply, from its correlation id on, and the whole one's size


class WrongAnswerError(Exception):
    """A broker did not answer as the work needs it: what was measured counts for nothing."""


class Connection:
    """One connection to a broker."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received_bytes = 0
        self._sent = self._answered = 0
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._skipped = 0  # bytes of a long reply that are still to come

    def close(self) -> None:
        self.socket.close()

    def send(self, request: Request) -> None:
        """Send an encoded request."""
        _INT32.pack_into(request[0], _CORRELATION_ID_AT, self._sent)
        self._sent += 1
        sent = self.socket.sendmsg(request)
        if sent < (size := sum(map(len, request))):
            self.socket.sendall(b"".join(request)[sent:size])

    def receive(self, check: Check) -> int:
        """Wait until bytes come; how many replies they complete."""
        if self._skipped:
            got = self.socket.recv_into(_SCRATCH, min(self._skipped, len(_SCRATCH)), socket.MSG_TRUNC)
            self._count(got)
            self._skipped -= got
            return int(not self._skipped)
        got = self.socket.recv_into(self._view[self._filled :])
        self._count(got)
        return self._cut(self._filled + got, check)

    def _count(self, got: int) -> None:
        if not got:
            raise WrongAnswerError("the broker closed the connection")
        self.received_bytes += got

    def _cut(self, end: int, check: Check) -> int:
        position = completed = 0
        while end - position >= _INT32.size:
            (size,) = _INT32.unpack_from(self._buffer, position)
            start, stop = position + _INT32.size, position + _INT32.size + size
            if stop <= end:
                self._take(start, stop, size, check)
                completed += 1
                position = stop
            elif size > _BUFFER_BYTES - _INT32.size and end - start >= _HEAD_BYTES:
                self._take(start, end, size, check)
                self._skipped = stop - end
                position = end
            else:
                break
        self._filled = end - position
        self._buffer[: self._filled] = self._buffer[position:end]
        return completed

    def _take(self, start: int, stop: int, size: int, check: Check) -> None:
        (correlation_id,) = _INT32.unpack_from(self._buffer, start)
        if correlation_id != self._answered:
            raise WrongAnswerError(f"reply {correlation_id} where {self._answered} was due")
        self._answered += 1
        check(self._view[start:stop], size)

    def round_trip(self, request: Request, check: Check) -> float:
        """Send one request and wait for its reply; the seconds that took."""
        begun = time.perf_counter()
        self.send(request)
        while not self.receive(check):
            pass
        return time.perf_counter() - begun

    def ask(self, api: Api, message: Any, version: int | None = None) -> Any:
        """A message's answer, both as messages: for what is made ready before the time counts."""
        version = newest(api) if version is None else version
        self.send(encoded(api, message, version))
        return self.answer(api, version)

    def answer(self, api: Api, version: int | None = None) -> Any:
        """The reply that is due, as a message."""
        head = self._exactly(_INT32.size)
        frame = self._exactly(_INT32.unpack(head)[0])
        self._answered += 1
        return decode_response(api, newest(api) if version is None else version, frame)[1]

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self.socket.recv_into(view)
            self._count(got)
            view = view[got:]
        return data


@dataclass
class Stream:
    """What one connection asks, one request after the other."""

    connection: Connection
    requests: Iterable[Request]
    check: Check


def drive(streams: list[Stream], in_flight: int) -> None:
    """Send all the streams' requests, each connection with so many unanswered at a time, until all are answered."""
    lanes = [_Lane(stream, in_flight) for stream in streams]
    if len(lanes) == 1:
        while lanes[0].step():
            pass
        return
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.socket, selectors.EVENT_READ, lane)
        while selector.get_map():
            ready = selector.select(LIMIT_S)
            if not ready:
                raise WrongAnswerError(f"no reply within {LIMIT_S} s")
            for key, _ in ready:
                if not key.data.step():
                    selector.unregister(key.fileobj)


class _Lane:
    def __init__(self, stream: Stream, in_flight: int) -> None:
        self._connection = stream.connection
        self._check = stream.check
        self._requests: Iterator[Request] = iter(stream.requests)
        self._unanswered = 0
        self.socket = stream.connection.socket
        self._send(in_flight)

    def step(self) -> bool:
        """Receive, and send a request for each reply; whether any is still to come."""
        completed = self._connection.receive(self._check)
        self._unanswered -= completed
        self._send(completed)
        return self._unanswered > 0

    def _send(self, count: int) -> None:
        for _ in range(count):
            request = next(self._requests, None)
            if request is None:
                return
            self._connection.send(request)
            self._unanswered += 1


def newest(api: Api) -> int:
    """The version that both brokers speak: the newest stable one of Apache Kafka 4.3."""
    return api.versions[1]


def encoded(api: Api, message: Any, version: int | None = None) -> Request:
    """A message as a request that can be sent any number of times."""
    frame = encode_request(api, newest(api) if version is None else version, 0, CLIENT_ID, message)
    return [bytearray(_INT32.pack(len(frame)) + frame)]
