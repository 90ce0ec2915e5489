"""Connections that come together are let in together."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from kafkapy.listening import ListeningSocket, open_listeners

MANY = 100


@pytest.fixture
def clients() -> Iterator[list[socket.socket]]:
    """Sockets that connect when they are asked to."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.socket()) for _ in range(MANY)]


async def listen() -> ListeningSocket:
    (listener,) = await open_listeners("127.0.0.1", 0)
    return listener


async def test_all_that_wait_are_let_in_before_anything_else_has_its_turn(clients: list[socket.socket]) -> None:
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with await listen() as listener, trio.open_nursery() as nursery:
        for client in clients:
            client.connect((listener.host, listener.port))
        nursery.start_soon(work)
        streams = [await listener.accept()]
        before = turns
        streams += [await listener.accept() for _ in range(MANY - 1)]
        assert turns == before
        assert [stream.socket.getpeername() for stream in streams] == [client.getsockname() for client in clients]
        nursery.cancel_scope.cancel()
        for stream in streams:
            stream.socket.close()


async def test_closing_turns_away_those_that_were_not_given_out(clients: list[socket.socket]) -> None:
    async with await listen() as listener:
        for client in clients[:2]:
            client.connect((listener.host, listener.port))
        first = await listener.accept()
    assert clients[1].recv(1) == b""
    await first.send_all(b"still open")
    assert clients[0].recv(10) == b"still open"
    await first.aclose()


async def test_closing_ends_a_wait() -> None:
    listener = await listen()

    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await listener.accept()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await listener.aclose()
