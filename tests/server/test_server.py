"""A connection as its client sees it: replies in order and whole, whatever it or its neighbours do."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from kafkapy.server import SENDFILE_FROM


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await trio.lowlevel.checkpoint()


async def test_replies_come_in_the_order_of_requests(house: Any) -> None:
    peer = await house.connect()
    await peer.send(*(f"echo {number}" for number in range(500)))
    assert [await peer.receive() for _ in range(500)] == [b"%d" % number for number in range(500)]
    await peer.close()


async def test_a_request_that_trickles_in_is_answered(house: Any, frame: Callable[[bytes], bytes]) -> None:
    peer = await house.connect()
    for byte in frame(b"echo slowly"):
        await peer.stream.send_all(bytes([byte]))
    assert await peer.receive() == b"slowly"
    await peer.close()


async def test_a_waiting_reply_holds_back_what_is_behind_it_and_nothing_before(house: Any) -> None:
    peer = await house.connect()
    await peer.send("echo first", "wait x", "echo last")
    assert await peer.receive() == b"first"
    await until(lambda: house.commands.waiting == ["x"])
    assert house.commands.asked == ["echo first", "wait x"]
    house.commands.event("x").set()
    assert await peer.receive() == b"waited for x"
    assert await peer.receive() == b"last"
    await peer.close()


async def test_a_request_without_a_reply_is_followed_by_the_next_reply(house: Any) -> None:
    peer = await house.connect()
    await peer.send("echo a", "silent", "echo b")
    assert [await peer.receive(), await peer.receive()] == [b"a", b"b"]


@pytest.mark.parametrize("size", [1, SENDFILE_FROM - 1, SENDFILE_FROM, 5_000_001], ids=str)
async def test_slices_of_files_arrive_byte_for_byte(house: Any, data_file: Path, size: int) -> None:
    peer = await house.connect()
    await peer.send("echo before", f"file 13 {size}", f"file 17 {size}", "echo after")
    content = data_file.read_bytes()
    assert await peer.receive() == b"before"
    assert await peer.receive() == b"<" + content[13 : 13 + size] + b">"
    assert await peer.receive() == b"<" + content[17 : 17 + size] + b">"
    assert await peer.receive() == b"after"
    await peer.close()


async def test_a_client_that_does_not_read_is_not_read_from(house: Any, data_file: Path) -> None:
    slow, other = await house.connect(), await house.connect()
    await slow.send(*["file 0 6000000"] * 5)
    await until(lambda: len(house.commands.asked) == 5)
    await slow.send("echo later")
    for number in range(20):
        assert await other.ask(f"echo {number}") == b"%d" % number
    assert "echo later" not in house.commands.asked
    content = data_file.read_bytes()
    for _ in range(5):
        assert await slow.receive() == b"<" + content + b">"
    assert await slow.receive() == b"later"


@pytest.mark.parametrize("size", [20_000, 100_000])
async def test_a_slice_past_the_end_of_its_file_closes_the_connection(house: Any, size: int) -> None:
    peer = await house.connect()
    await peer.send(f"file 5990000 {size}")
    with pytest.raises(EOFError):
        await peer.receive()
    assert await (await house.connect()).ask("echo fine") == b"fine"


@pytest.mark.parametrize("size", [-1, -(2**31), 100_001, 2**31 - 1], ids=str)
async def test_a_frame_of_impossible_size_closes_its_connection_alone(
    house: Any, size: int, frame: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    neighbour = await house.connect()
    waiting = await house.connect()
    await waiting.send("wait x")
    peer = await house.connect()
    await peer.stream.send_all(frame(b"echo whole") + struct.pack(">i", size) + b"garbage")
    assert await peer.receive() == b"whole"
    assert await peer.is_closed()
    assert await neighbour.ask("echo unharmed") == b"unharmed"
    house.commands.event("x").set()
    assert await waiting.receive() == b"waited for x"
    [record] = caplog.records
    assert f"a frame of {size} bytes was announced" in record.getMessage()
    assert record.exc_info is None


async def test_a_broker_that_hangs_up_first_answers_what_came_before(
    house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour, peer = await house.connect(), await house.connect()
    await peer.send("echo before", "hang up", "echo never")
    assert await peer.receive() == b"before"
    assert await peer.is_closed()
    assert await neighbour.ask("echo unharmed") == b"unharmed"
    assert "echo never" not in house.commands.asked
    assert "closing the connection from 127.0.0.1: it asked for that" in caplog.messages


@pytest.mark.parametrize("request_text", ["fail", "wait failure"])
async def test_a_bug_closes_its_own_connection_and_is_logged(
    house: Any, request_text: str, caplog: pytest.LogCaptureFixture
) -> None:
    house.commands.event("failure").set()
    neighbour, peer = await house.connect(), await house.connect()
    await peer.send(request_text)
    assert await peer.is_closed()
    assert await neighbour.ask("echo unharmed") == b"unharmed"
    [record] = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x10half"])
async def test_a_client_that_closes_early_harms_nobody(
    house: Any, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour, peer = await house.connect(), await house.connect()
    await peer.stream.send_all(sent)
    await peer.close()
    assert await neighbour.ask("echo unharmed") == b"unharmed"
    assert not caplog.records


@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_a_client_that_leaves_while_its_request_waits_ends_the_wait(
    house: Any, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kafkapy")
    peer = await house.connect()
    await peer.send("wait x")
    await until(lambda: house.commands.waiting == ["x"])
    if how == "reset":
        peer.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await peer.close()
    await until(lambda: house.commands.abandoned == ["x"])
    neighbour = await house.connect()
    assert await neighbour.ask("echo unharmed") == b"unharmed"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_requests_that_follow_a_waiting_one_do_not_end_its_wait(house: Any) -> None:
    peer = await house.connect()
    await peer.send("wait x")
    await until(lambda: house.commands.waiting == ["x"])
    await peer.send("echo next")
    neighbour = await house.connect()
    await neighbour.ask("echo a round trip")
    house.commands.event("x").set()
    assert [await peer.receive(), await peer.receive()] == [b"waited for x", b"next"]


async def test_every_address_of_localhost_answers_on_one_port(house: Any) -> None:
    for host in house.hosts:
        assert await (await house.connect(host)).ask("who") == f"{host} PLAINTEXT".encode()


async def test_what_a_request_leaves_is_settled_when_its_connection_ends(house: Any) -> None:
    peer, other = await house.connect(), await house.connect()
    await peer.send("remember me", "remember you")
    assert [await peer.receive(), await peer.receive()] == [b"I will"] * 2
    await other.send("remember nobody")
    assert await other.receive() == b"I will"
    await peer.close()
    await until(lambda: house.commands.ended == ["me", "you"])
    await other.close()
