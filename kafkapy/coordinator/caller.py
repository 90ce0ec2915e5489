"""Who asks something of a coordinator."""

from __future__ import annotations

from typing import NamedTuple


class Caller(NamedTuple):
    """Who sent a request: its client id, its host as Kafka writes it ("/127.0.0.1"), and the request's version."""

    client_id: str
    client_host: str
    api_version: int
