"""Listeners: what `listeners` and `advertised.listeners` say, parsed and checked.

Only PLAINTEXT is served; every other security protocol is refused here rather than offered and broken. Addresses are
not looked up. Source: Apache's `EndPoint` and `SocketServerConfigs.listenerListToEndPoints`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kafkapy.config.define import ConfigError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
LISTENER_LIMITS = ("max.connections", "max.connection.creation.rate")  # which a listener may have of its own
_OF_LISTENER = re.compile(r"listener\.name\.[^.]*\.(.*)")
_FORM = re.compile(r"(?P<name>[^:/]+)://\[?(?P<host>[0-9a-zA-Z\-%._:]*)\]?:(?P<port>-?[0-9]+)")


class Listener(NamedTuple):
    """One address: its listener name, security protocol, host ("" is every interface) and port (0 is any free one)."""

    name: str
    security_protocol: str
    host: str
    port: int


def property_of_listener(name: str) -> str | None:
    """X of `listener.name.NAME.X`, which is X for one listener alone; None of any other name."""
    found = _OF_LISTENER.fullmatch(name)
    return found[1] if found else None


def parse_protocol_map(text: str) -> dict[str, str]:
    """The security protocol of each listener name, from NAME:PROTOCOL pairs between commas."""
    protocols: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, colon, protocol = (part.strip() for part in pair.rpartition(":"))
        if not colon or protocol.upper() not in PROTOCOLS:
            raise ConfigError(
                f"Invalid value {pair} for configuration listener.security.protocol.map: "
                f"give NAME:PROTOCOL with a protocol of {', '.join(PROTOCOLS)}"
            )
        protocols[name.upper()] = protocol.upper()
    return protocols


def parse_listeners(key: str, texts: Iterable[str], protocols: Mapping[str, str]) -> tuple[Listener, ...]:
    """The listeners that the property `key` lists; ConfigError if one is malformed, unmapped or not PLAINTEXT."""
    found: list[Listener] = []
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None or not -1 <= int(match["port"]) <= 65535:
            raise ConfigError(f"Invalid value {text} for configuration {key}: give NAME://host:port")
        name = match["name"].upper()
        protocol = protocols.get(name)
        if protocol is None:
            raise ConfigError(
                f"Invalid value {text} for configuration {key}: no security protocol defined for listener {name}; "
                "name it in listener.security.protocol.map"
            )
        if protocol != "PLAINTEXT":
            raise ConfigError(
                f"Invalid value {text} for configuration {key}: listener {name} uses {protocol}, "
                "and only PLAINTEXT is supported"
            )
        if any(other.name == name for other in found):
            raise ConfigError(f"Invalid value {text} for configuration {key}: each listener must have a different name")
        found.append(Listener(name, protocol, match["host"], int(match["port"])))
    return tuple(found)


def check_distinct_ports(key: str, listeners: Iterable[Listener]) -> None:
    """ConfigError if two listeners share a port, unless one is at an IPv4 and the other at an IPv6 address."""
    seen: dict[int, Listener] = {}
    for listener in listeners:
        other = seen.setdefault(listener.port, listener)
        is_pair = {_ip_version(listener.host), _ip_version(other.host)} == {4, 6}
        if listener.port > 0 and other is not listener and not is_pair:
            raise ConfigError(
                f"Invalid value {listener.port} for configuration {key}: "
                f"{other.name} and {listener.name} must have different ports"
            )


def _ip_version(host: str) -> int | None:
    if ":" in host:
        return 6
    return 4 if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", host) else None
