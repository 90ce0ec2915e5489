"""How many connections a broker serves: the limits, and what happens when they change."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.config.broker import BrokerConfig
from kafkapy.connection_limits import ConnectionLimits


class Limits(ConnectionLimits):
    """Limits that a test changes, by property names with _ for the dots."""

    def __init__(self, **properties: object) -> None:
        super().__init__(lambda: self.current)
        self.set(**properties)

    def set(self, **properties: object) -> None:
        self.current = BrokerConfig({name.replace("_", "."): str(value) for name, value in properties.items()})
        self.look_again()


async def test_an_address_has_as_many_as_it_may(house: Any) -> None:
    house.served = Limits(max_connections_per_ip=2).served
    first, second = await house.connect(), await house.connect()
    assert [await peer.ask("echo a") for peer in (first, second)] == [b"a", b"a"]
    assert await (await house.connect()).is_closed()
    assert await first.ask("echo b") == b"b"
    await second.close()
    await trio.testing.wait_all_tasks_blocked()
    assert await (await house.connect()).ask("echo c") == b"c"


@pytest.mark.parametrize(
    ("address", "most"), [("10.0.0.1", 5), ("127.0.0.1", 7), ("::1", 7), ("10.0.0.2", 3), ("fe80::1", 9)]
)
def test_overrides(address: str, most: int) -> None:
    overrides = "10.0.0.1:5, localhost:7,fe80::1:9"
    given = {"max.connections.per.ip": "3", "max.connections.per.ip.overrides": overrides}
    assert BrokerConfig(given).max_connections_of(address) == most


async def test_one_too_many_waits_for_another_to_go(house: Any) -> None:
    limits = Limits(max_connections=1)
    house.served = limits.served
    first = await house.connect()
    assert await first.ask("echo a") == b"a"
    second, third = await house.connect(), await house.connect()
    await second.send("echo b")
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert house.commands.asked == ["echo a"]
    await first.close()
    assert await second.receive() == b"b"
    await third.send("echo c")
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert house.commands.asked == ["echo a", "echo b"]
    limits.set(max_connections=2)
    assert await third.receive() == b"c"
