"""How many connections a broker serves: the limits, and what happens when they change."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import trio
import trio.testing

from kafkapy.config.properties import load
from kafkapy.connection_limits import ConnectionLimits, TooManyConnectionsError


class Limits(ConnectionLimits):
    """Limits that a test changes, by property names with _ for the dots."""

    def __init__(self, *, rate_of: dict[str, float] | None = None, **properties: object) -> None:
        super().__init__(lambda: self.current, (rate_of or {}).get)
        self.set(**properties)

    def set(self, **properties: object) -> None:
        self.current = load(None, [f"{name.replace('_', '.')}={value}" for name, value in properties.items()])
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
    given = ["max.connections.per.ip=3", f"max.connections.per.ip.overrides={overrides}"]
    assert load(None, given).max_connections_of(address) == most


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


class Comings(NamedTuple):
    """When connections came in, in seconds, by who they are; and who was closed instead."""

    let_in: dict[str, float]
    closed: dict[str, float]


def comings(limits: ConnectionLimits, *arrivals: tuple[float, str, str, str]) -> Comings:
    """What becomes of connections that come then: each has a name, a listener and an address. None goes."""
    found = Comings({}, {})

    async def connect(name: str, listener: str, address: str) -> None:
        try:
            async with limits.served(listener, address):
                found.let_in[name] = round(trio.current_time(), 3)
                await trio.sleep_forever()
        except TooManyConnectionsError:
            found.closed[name] = round(trio.current_time(), 3)

    async def run() -> None:
        with trio.move_on_after(1000):
            async with trio.open_nursery() as nursery:
                for at_s, *arrival in arrivals:
                    await trio.sleep_until(at_s)
                    nursery.start_soon(connect, *arrival)
                    await trio.lowlevel.checkpoint()  # trio begins tasks in any order

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return found


def burst(count: int, at_s: float = 1.0, listener: str = "PLAINTEXT", address: str = "10.0.0.1") -> list[Any]:
    return [(at_s, f"{listener} {address} {number}", listener, address) for number in range(count)]


# With 11 windows of a second each, ten seconds' worth may come at once.


def test_as_many_as_a_rate_allows_come_in_at_once() -> None:
    found = comings(Limits(max_connection_creation_rate=2), *burst(20))
    assert set(found.let_in.values()) == {1.0}


def test_those_that_come_too_soon_wait_one_behind_the_other() -> None:
    found = comings(Limits(max_connection_creation_rate=2), *burst(22))
    # One too many at 1.0: 0.1 a second too much, and half a second later the rate over 10.5 s is 2 again.
    assert list(found.let_in.values()) == [1.0] * 20 + [1.5, 2.0]


def test_nobody_waits_longer_than_a_window() -> None:
    found = comings(Limits(max_connection_creation_rate=1, quota_window_num=2), *burst(5))
    assert list(found.let_in.values()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_rate_is_forgotten_with_time() -> None:
    found = comings(Limits(max_connection_creation_rate=2), *burst(20), *burst(20, at_s=13.0, address="b"))
    assert set(found.let_in.values()) == {1.0, 13.0}


def test_a_listener_has_a_rate_of_its_own() -> None:
    limits = Limits(
        listeners="A://:9091,B://:9092",
        listener_security_protocol_map="A:PLAINTEXT,B:PLAINTEXT",
        listener_name_a_max_connection_creation_rate=1,
    )
    found = comings(limits, *burst(11, listener="A"), *burst(11, listener="B"))
    assert [name for name, at_s in found.let_in.items() if at_s > 1] == ["A 10.0.0.1 10"]
    assert found.let_in["A 10.0.0.1 10"] == 2.0


def test_where_brokers_connect_the_rate_of_all_does_not_hold() -> None:
    limits = Limits(
        listeners="A://:9091,B://:9092",
        listener_security_protocol_map="A:PLAINTEXT,B:PLAINTEXT",
        inter_broker_listener_name="A",
        max_connection_creation_rate=1,
        listener_name_a_max_connection_creation_rate=100,
    )
    found = comings(limits, *burst(30, listener="A"), *burst(11, listener="B"))
    assert [name for name, at_s in found.let_in.items() if at_s > 1] == ["B 10.0.0.1 10"]


def test_a_listener_takes_so_many_at_once() -> None:
    limits = Limits(
        listeners="A://:9091,B://:9092",
        listener_security_protocol_map="A:PLAINTEXT,B:PLAINTEXT",
        listener_name_a_max_connections=2,
        max_connections=4,
    )
    found = comings(limits, *burst(3, listener="A"), *burst(3, listener="B"))
    assert list(found.let_in) == ["A 10.0.0.1 0", "A 10.0.0.1 1", "B 10.0.0.1 0", "B 10.0.0.1 1"]


def test_an_address_that_is_too_quick_is_closed_later_and_counts_nowhere() -> None:
    limits = Limits(max_connection_creation_rate=2, rate_of={"10.0.0.1": 1.0})
    found = comings(limits, *burst(12), *burst(10, address="10.0.0.2"))
    assert set(found.let_in.values()) == {1.0}
    assert found.closed == {"PLAINTEXT 10.0.0.1 10": 2.0, "PLAINTEXT 10.0.0.1 11": 2.0}
