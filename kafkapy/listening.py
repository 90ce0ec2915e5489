"""The sockets that a broker listens on, and the connections that come in.

When many clients come at once, after a restart of the broker for instance, all of them are let in before those that are
in already get on with it. One each time, as trio's own listener has it, and the last ones would wait for as long as
the first have requests: a group whose members come together would divide its partitions again and again.
"""

from __future__ import annotations

import errno
import socket
from collections import deque

import trio

_AT_ONCE = 256  # after so many, others have a turn
_OF_ONE_CONNECTION = {  # what accept(2) says of a connection that is gone already
    errno.ECONNABORTED,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EPROTO,
}


class ListeningSocket(trio.abc.Listener[trio.SocketStream]):
    """A socket that listens. It accepts all the connections that wait at it at once, and gives them out one by one."""

    def __init__(self, listener: trio.SocketListener) -> None:
        """Takes over the listener's socket."""
        self._socket = socket.socket(fileno=listener.socket.detach())
        self._socket.setblocking(False)
        self._accepted: deque[socket.socket] = deque()
        self.host, self.port = self._socket.getsockname()[:2]

    async def accept(self) -> trio.SocketStream:
        """The next connection. Raises OSError when no more are possible for now."""
        while not self._accepted:
            await trio.lowlevel.wait_readable(self._socket)
            self._accept_waiting()
        return trio.SocketStream(trio.socket.from_stdlib_socket(self._accepted.popleft()))

    def _accept_waiting(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                self._accepted.append(self._socket.accept()[0])
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OF_ONE_CONNECTION:
                    continue
                if self._accepted:
                    return  # these come first; what is wrong is met again after them
                raise

    async def aclose(self) -> None:
        """Listen no more."""
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()
        while self._accepted:
            self._accepted.popleft().close()
        await trio.lowlevel.checkpoint()


async def open_listeners(host: str | None, port: int) -> list[ListeningSocket]:
    """Listen on every address of `host` (all interfaces if None), all on one port; 0 picks a free one.

    Raises OSError if the port is taken.
    """
    return [ListeningSocket(one) for one in await _open(host, port)]


async def _open(host: str | None, port: int) -> list[trio.SocketListener]:
    if port != 0:
        return await trio.open_tcp_listeners(port, host=host)
    # "localhost" has two addresses: what the first one gets by chance the second must get on purpose.
    for _ in range(20):
        chosen = await trio.open_tcp_listeners(0, host=host)
        free = chosen[0].socket.getsockname()[1]
        for listener in chosen:
            await listener.aclose()
        try:
            return await trio.open_tcp_listeners(free, host=host)
        except OSError:
            continue
    raise OSError(f"no port is free on every address of {host}")
