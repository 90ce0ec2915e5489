"""The raw driver against a peer that answers as the test says, over a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks.driver import Connection, Stream, WrongAnswerError, drive, encoded
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest

Answer = Callable[[bytes], bytes]  # of a correlation id, the reply with it
Serve = Callable[[Answer], str]

REQUEST = HeartbeatRequest("g", 1, "m")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a peer that answers each request's correlation id with what a function makes of it; its address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: Answer) -> str:
        listener = socket.create_server(("localhost", 0))
        listener.settimeout(20)
        listeners.append(listener)

        def run() -> None:
            peer, _ = listener.accept()
            with peer, peer.makefile("rb") as requests:
                while size := requests.read(4):
                    correlation_id = requests.read(int.from_bytes(size))[4:8]
                    body = answer(correlation_id)
                    peer.sendall(len(body).to_bytes(4) + body)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"localhost:{listener.getsockname()[1]}"

    yield start
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def run(address: str, count: int, in_flight: int = 5) -> tuple[list[tuple[bytes, int]], int]:
    seen: list[tuple[bytes, int]] = []
    connection = Connection(address)
    try:
        request = encoded(HEARTBEAT, REQUEST)
        drive(
            [Stream(connection, [request] * count, lambda head, size: seen.append((bytes(head[4:8]), size)))], in_flight
        )
    finally:
        connection.close()
    return seen, connection.received_bytes


def test_every_request_is_answered_once(serve: Serve) -> None:
    seen, received = run(serve(lambda correlation_id: correlation_id + b"fine"), 100)

    assert seen == [(b"fine", 8)] * 100
    assert received == 100 * 12


def test_of_a_long_reply_the_head_is_seen_and_the_rest_counted(serve: Serve) -> None:
    size = 3_000_000

    seen, received = run(serve(lambda correlation_id: correlation_id + b"long" + bytes(size - 8)), 4, in_flight=2)

    assert seen == [(b"long", size)] * 4
    assert received == 4 * (size + 4)


def test_a_reply_out_of_turn_is_no_answer(serve: Serve) -> None:
    with pytest.raises(WrongAnswerError, match="where 0 was due"):
        run(serve(lambda _: b"\0\0\0\7none"), 1)
