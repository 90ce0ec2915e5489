"""Nothing that a connection or a request leaves must be looked for: the collector may leave out what has stayed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import trio


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """Nothing is collected on its own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
async def test_connections_leave_no_cycles(house: Any) -> None:
    async def visit(number: int) -> None:
        peer = await house.connect()
        await peer.send("echo first", f"wait {number}")
        await peer.receive()
        while str(number) not in house.commands.waiting:
            await trio.lowlevel.checkpoint()
        if number % 2:
            house.commands.event(str(number)).set()
            await peer.receive()
        await peer.close()

    async def visits(numbers: range) -> None:
        async with trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(visit, number)

    await visits(range(10))
    gc.collect()
    await visits(range(10, 60))
    assert gc.collect() == 0
