"""A client metrics subscription: which metrics clients are to push, which clients, and how often (KIP-714).

It is kept and shown; a broker asks clients for metrics only if it has a receiver for them, and this one has none.
Source: Apache's `ClientMetricsConfigs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kafkapy.config.define import MEDIUM, Config, ConfigError, integer, names

_SHORTEST_MS, _LONGEST_MS = 100, 3_600_000
_MATCHED = (
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
)


class SubscriptionError(ConfigError):
    """What is no subscription at all: Apache calls such a request invalid, not the value."""


class ClientMetricsConfig(Config):
    """The configuration of one subscription. Raises ConfigError for a wrong value, SubscriptionError."""

    interval_ms = integer("interval.ms", 300_000, MEDIUM, "Push interval in milliseconds")
    match = names("match", (), MEDIUM, "Client match pattern list")
    metrics = names("metrics", (), MEDIUM, "Subscription metrics list")

    def __init__(self, overrides: Mapping[str, str]) -> None:
        unknown = next((name for name in overrides if name not in self.KEYS), None)
        if unknown is not None:
            raise SubscriptionError(f"Unknown client metrics configuration: {unknown}")
        super().__init__(overrides)
        if not _SHORTEST_MS <= self.interval_ms <= _LONGEST_MS:
            why = f"interval must be between {_SHORTEST_MS} and {_LONGEST_MS} (1 hour)"
            raise SubscriptionError(f"Invalid value {self.interval_ms} for interval.ms, {why}")
        for pattern in self.match:
            if not _is_pattern(pattern):
                raise ConfigError(f"Illegal client matching pattern: {pattern}")


def _is_pattern(text: str) -> bool:
    """Whether it is the name of something known of a client, and a regular expression for it."""
    name, equals, expression = text.partition("=")
    if not equals or not expression or "=" in expression or name.strip() not in _MATCHED:
        return False
    try:
        re.compile(expression.strip())
    except re.error:
        return False
    return True
