"""What a handler is given, and how it says which API it serves.

A handler is one function in a file of its own here. It takes a decoded request and a Call and returns the response; one
that may have to wait returns a coroutine instead, whose functions are named `wait_*`. `find_handlers` collects them:
ApiVersions is answered from that same table, so nothing is advertised that is not served.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafkapy.cluster import Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.coordinator.caller import Caller
from kafkapy.groups import Groups
from kafkapy.handlers.described_topics import DescribedTopics
from kafkapy.moving import Moves
from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.header import RequestHeader
from kafkapy.replication.fetch_sessions import FetchSessions
from kafkapy.replication.replicas import Replicas
from kafkapy.share_coordinator import ShareCoordinator
from kafkapy.share_group_states import ShareGroupStates
from kafkapy.share_partitions import SharePartitions
from kafkapy.streams_topics import StreamsTopics
from kafkapy.transactions import Transactions

logger = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that serves an API."""

    api: Api
    handle: Callable[[Any, Call], Any]


@dataclass(slots=True)
class Node:
    """The parts of the broker, as handlers know them."""

    clock: Callable[[], int]
    cluster: Cluster
    replicas: Replicas
    groups: Groups
    share_coordinator: ShareCoordinator
    share_group_states: ShareGroupStates
    share_partitions: SharePartitions
    streams_topics: StreamsTopics
    transactions: Transactions
    moves: Moves
    fetch_sessions: FetchSessions
    handlers: Mapping[int, Handler]
    aside: Callable[..., Awaitable[Any]]  # runs what takes long without holding up the event loop
    described_topics: DescribedTopics = field(default_factory=DescribedTopics)

    @property
    def config(self) -> BrokerConfig:
        """The broker's configuration as it is now."""
        return self.cluster.config


@dataclass(slots=True)
class Call:
    """One request's circumstances."""

    node: Node
    api: Api
    version: int
    header: RequestHeader
    client_host: str
    listener: str
    endings: dict[object, Callable[[], None]]  # what is to be done when the connection ends, each under a key

    @property
    def caller(self) -> Caller:
        """The same, as the group coordinator knows it."""
        return Caller(self.client_id, f"/{self.client_host}", self.version)

    @property
    def client_id(self) -> str:
        return self.header.client_id or ""


def refusal(error: Exception, call: Call) -> KafkaError:
    """What a client is told of `error`, which concerned one item of its request: a surprise is logged, not shown."""
    if isinstance(error, KafkaError):
        return error
    logger.error("%s v%d from %r at %s", call.api.name, call.version, call.client_id, call.client_host, exc_info=error)
    return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "the broker failed; its log says why")


class HangUpError(Exception):
    """The answer to this request is a closed connection; the text says why."""


def serves(api: Api) -> Callable[[F], F]:
    """Mark the function that serves `api`, in all its versions."""

    def mark(function: F) -> F:
        function.handler = Handler(api, function)  # type: ignore[attr-defined]
        return function

    return mark


def find_handlers() -> dict[int, Handler]:
    """Every handler of `kafkapy.handlers`, by API key, in order of keys."""
    from kafkapy import handlers  # noqa: PLC0415  # its modules import this one

    found: dict[int, Handler] = {}
    for module_info in pkgutil.iter_modules(handlers.__path__):
        module = importlib.import_module(f"{handlers.__name__}.{module_info.name}")
        for item in vars(module).values():
            handler = getattr(item, "handler", None)
            if isinstance(handler, Handler):
                found[handler.api.key] = handler
    return dict(sorted(found.items()))
