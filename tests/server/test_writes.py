"""How often a connection writes: replies to requests that came together leave together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trio

from kafkapy.protocol.frame import FrameReader
from kafkapy.server import Connection


class Wire:
    """A transport that hands over what was prepared, one segment for each read, and notes each write."""

    peer = "192.0.2.1"

    def __init__(self, *segments: bytes) -> None:
        self._segments = list(segments)
        self.writes: list[bytes] = []

    async def receive(self, buffer_of: Callable[[], memoryview]) -> int:
        await trio.lowlevel.checkpoint()
        segment = self._segments.pop(0) if self._segments else b""
        buffer_of()[: len(segment)] = segment
        return len(segment)

    async def wait_closed(self) -> bool:
        await trio.sleep_forever()
        raise AssertionError

    async def send(self, chunks: Sequence[bytes]) -> None:
        await trio.lowlevel.checkpoint()
        if chunks:
            self.writes.append(b"".join(chunks))


def written(house: Any, wire: Wire) -> list[bytes]:
    connection = Connection(house.commands, wire, "PLAINTEXT", FrameReader(1000))  # type: ignore[arg-type]
    trio.run(connection.run)
    return wire.writes


def test_pipelined_requests_are_answered_in_one_write(house: Any, frame: Callable[[bytes], bytes]) -> None:
    requests = b"".join(frame(b"echo %d" % number) for number in range(3))
    assert written(house, Wire(requests)) == [b"".join(frame(b"%d" % number) for number in range(3))]


def test_a_small_slice_of_a_file_leaves_with_its_neighbours(
    house: Any, frame: Callable[[bytes], bytes], data_file: Path
) -> None:
    requests = frame(b"echo a") + frame(b"file 4 100") + frame(b"echo b")
    content = b"<" + data_file.read_bytes()[4:104] + b">"
    assert written(house, Wire(requests)) == [frame(b"a") + frame(content) + frame(b"b")]


def test_each_segment_is_answered_before_the_next_is_read(house: Any, frame: Callable[[bytes], bytes]) -> None:
    assert written(house, Wire(frame(b"echo a"), frame(b"echo b"))) == [frame(b"a"), frame(b"b")]


def test_what_is_answered_leaves_before_a_wait(house: Any, frame: Callable[[bytes], bytes]) -> None:
    house.commands.event("x").set()
    requests = frame(b"echo a") + frame(b"wait x") + frame(b"echo b")
    assert written(house, Wire(requests)) == [frame(b"a"), frame(b"waited for x") + frame(b"b")]
