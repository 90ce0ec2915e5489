"""How many connections a broker serves at once, and how many new ones a second: in all, at a listener, from an address.

One that comes when there are enough (`max.connections`) waits until another goes, as does what it has sent, and those
that come behind it to its listener. So does one that comes too soon (`max.connection.creation.rate`), until the rate is
right again, a window of `quota.window.size.seconds` at most. One too many from its address (`max.connections.per.ip`,
or what `max.connections.per.ip.overrides` says of the address) is closed at once; one too soon from there
(`connection_creation_rate`, a quota) is closed after the time that it should have waited.

Limits are those of the moment: lower ones close nothing, and higher ones let in who waits for another to go. Where
brokers have a listener of their own, limits in all do not hold for it. Apache's class: `ConnectionQuotas`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from kafkapy.config.broker import BrokerConfig
from kafkapy.rate import Rate

_ALL = ""  # of the rates, that of all listeners
_MOST_ADDRESSES = 10_000  # whose rates are remembered


class TooManyConnectionsError(Exception):
    """An address has as many connections as it may, or they come too soon; the text says so."""


def _no_quota(address: str) -> float | None:
    return None


class ConnectionLimits:
    """Counts the connections that are served, under a configuration that may change."""

    def __init__(
        self, config: Callable[[], BrokerConfig], rate_of_address: Callable[[str], float | None] = _no_quota
    ) -> None:
        """`rate_of_address` is the quota for new connections from an address, a second; None where there is none."""
        self._config = config
        self._rate_of_address = rate_of_address
        self._served: Counter[str] = Counter()  # by address
        self._of_listener: Counter[str] = Counter()
        self._doors: dict[str, trio.Lock] = {}  # by listener: one connection at a time comes in, in order
        self._waiting = trio.lowlevel.ParkingLot()  # at their doors, for another connection to go
        self._rates: dict[str, Rate] = {}  # of all listeners, and by listener
        self._rates_of_addresses: dict[str, Rate] = {}

    @asynccontextmanager
    async def served(self, listener: str, address: str) -> AsyncIterator[None]:
        """Inside of it a connection counts; who came first has the next place. Raises TooManyConnectionsError."""
        throttle_ms = await self._let_in(listener, address)
        if throttle_ms:
            await trio.sleep(throttle_ms / 1000)
            raise TooManyConnectionsError(f"connections from {address} come too soon: one is closed")
        try:
            with self._counted(address):
                yield
        finally:
            self._of_listener[listener] -= 1
            self.look_again()

    async def _let_in(self, listener: str, address: str) -> int:
        """Count it, once it may come in. If its address is too quick, it does not: how long it should have waited."""
        door = self._doors.setdefault(listener, trio.Lock())
        if door.locked():
            await door.acquire()
        else:
            door.acquire_nowait()  # of many that come at once, none waits for its turn on the event loop
        try:
            await self._wait_for_rate(listener)
            while not self._has_place(listener):
                await self._waiting.park()
            throttle_ms = self._throttle_of_address(listener, address)
            if not throttle_ms:
                self._of_listener[listener] += 1
            return throttle_ms
        finally:
            door.release()

    @contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        most = self._config().max_connections_of(address)
        if self._served[address] >= most:
            raise TooManyConnectionsError(f"{address} has its {most} connections already: one more is closed")
        self._served[address] += 1
        try:
            yield
        finally:
            self._served[address] -= 1
            if not self._served[address]:
                del self._served[address]

    def _has_place(self, listener: str) -> bool:
        config = self._config()
        if self._of_listener[listener] >= config.limit_of(listener, "max.connections"):
            return False
        return config.is_protected(listener) or self._of_listener.total() < config.max_connections

    def look_again(self) -> None:
        """A connection went, or the limits are others: who waits may have a place."""
        self._waiting.unpark_all()

    # Rates

    async def _wait_for_rate(self, listener: str) -> None:
        config = self._config()
        limits = {listener: config.limit_of(listener, "max.connection.creation.rate")}
        if not config.is_protected(listener):
            limits[_ALL] = config.max_connection_creation_rate
        throttle_ms = max(self._record(self._rates, name, limit) for name, limit in limits.items())
        if throttle_ms:
            await trio.sleep(throttle_ms / 1000)

    def _throttle_of_address(self, listener: str, address: str) -> int:
        limit = self._rate_of_address(address)
        if limit is None:
            return 0
        if len(self._rates_of_addresses) >= _MOST_ADDRESSES and address not in self._rates_of_addresses:
            del self._rates_of_addresses[next(iter(self._rates_of_addresses))]
        throttle_ms = self._record(self._rates_of_addresses, address, limit)
        if throttle_ms:  # it does not come in, and so counts nowhere
            now_ms = _now_ms()
            self._rates_of_addresses[address].record(now_ms, -1)
            for name in (listener,) if self._config().is_protected(listener) else (listener, _ALL):
                self._rates[name].record(now_ms, -1)
        return throttle_ms

    def _record(self, rates: dict[str, Rate], name: str, limit: float) -> int:
        """One more comes now; how long it should wait."""
        config = self._config()
        window_ms = config.quota_window_size_seconds * 1000
        if name not in rates:
            rates[name] = Rate(config.quota_window_num, window_ms)
        now_ms = _now_ms()
        rates[name].record(now_ms)
        return rates[name].throttle_ms(limit, window_ms, now_ms)


def _now_ms() -> int:
    return int(trio.current_time() * 1000)
