"""A group's configuration: what was set on the group, and for the rest what the broker's properties give.

Invariant: an instance is valid as a whole, within the minimums and maximums that the broker sets. Source: Apache's
`GroupConfig` (KIP-848, KIP-932, KIP-1071).
"""

from __future__ import annotations

from collections.abc import Mapping

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError
from kafkapy.config.keys.group import GroupResourceKeys
from kafkapy.config.topic import server_default

_KINDS = ("consumer", "share", "streams")


class GroupConfig(GroupResourceKeys):
    """The configuration of one group, typed: `overrides` over the defaults of `broker`.

    Raises ConfigError for a name that groups do not have, a wrong value, and one beyond what the broker allows.
    """

    def __init__(self, overrides: Mapping[str, str | None], broker: BrokerConfig) -> None:
        missing = sorted(name for name, text in overrides.items() if text is None)
        if missing:
            raise ConfigError(f"Null value not supported for group configs: {','.join(missing)}")
        values = vars(self)
        for key in self.KEYS.values():
            if key.synonyms:
                values[key.attribute] = server_default(key, broker)
        super().__init__({name: text for name, text in overrides.items() if text is not None})
        self._check(broker)

    @classmethod
    def unknown(cls, name: str) -> str:
        return f"Unknown group config name: {name}"

    def _check(self, broker: BrokerConfig) -> None:
        for name in self.given:
            kind, rest = name.split(".", 1)
            low, high = f"group.{kind}.min.{rest}", f"group.{kind}.max.{rest}"
            if name == "streams.num.standby.replicas":
                high = "group.streams.max.standby.replicas"
            if low in broker.KEYS and self.value(name) < broker.value(low):
                raise ConfigError(f"{name} must be greater than or equal to {low}")
            if high in broker.KEYS and self.value(name) > broker.value(high):
                raise ConfigError(f"{name} must be less than or equal to {high}")
        for kind in _KINDS:
            session, heartbeat = f"{kind}.session.timeout.ms", f"{kind}.heartbeat.interval.ms"
            if self.value(session) <= self.value(heartbeat):
                raise ConfigError(f"{session} must be greater than {heartbeat}")
