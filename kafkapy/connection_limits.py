"""How many connections a broker serves at once: in all (`max.connections`), and from one address.

One that comes when there are enough waits until another goes, as does what it has sent; one too many from its address
(`max.connections.per.ip`, or what `max.connections.per.ip.overrides` says of the address) is closed at once. Limits are
those of the moment: lower ones close nothing, and higher ones let in who waits. Apache's class: `ConnectionQuotas`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from kafkapy.config.broker import BrokerConfig


class TooManyConnectionsError(Exception):
    """An address has as many connections as it may; the text says so."""


class ConnectionLimits:
    """Counts the connections that are served, under a configuration that may change."""

    def __init__(self, config: Callable[[], BrokerConfig]) -> None:
        self._config = config
        self._served: Counter[str] = Counter()  # by address
        self._count = 0  # with those that were let in and have not gone on yet
        self._waiting = trio.lowlevel.ParkingLot()

    @asynccontextmanager
    async def served(self, address: str) -> AsyncIterator[None]:
        """Inside of it a connection counts; who came first has the next place. Raises TooManyConnectionsError."""
        if self._waiting or not self._has_place:
            await self._waiting.park()  # who lets it in has counted it
        else:
            self._count += 1
        try:
            with self._counted(address):
                yield
        finally:
            self._count -= 1
            self.look_again()

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

    @property
    def _has_place(self) -> bool:
        return self._count < self._config().max_connections

    def look_again(self) -> None:
        """A connection went, or the limits are others: who waits may have a place."""
        while self._waiting and self._has_place:
            self._count += 1
            self._waiting.unpark()
