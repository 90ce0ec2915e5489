"""A topic's configuration: what was set on the topic, and for the rest what the broker's properties give.

Invariant: an instance is valid as a whole, unless it was built leniently, so storage can be built from it without
checking. It refuses remote storage, which this broker has not. Source: Apache's `LogConfig` and
`ServerTopicConfigSynonyms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError, Key
from kafkapy.config.keys.topic import TopicKeys


def server_default(key: Key[Any], broker: BrokerConfig) -> Any:
    """The value a topic's or group's key has when it is not set there: the first of its synonyms that has one."""
    for synonym in key.synonyms:
        value = broker.value(synonym.name)
        if value is not None:
            value = value * synonym.factor if synonym.factor != 1 else value
            # Every negative retention time means for ever, and only -1 is valid on a topic.
            return max(value, -1) if key.name == "retention.ms" else value
    return key.default


class TopicConfig(TopicKeys):
    """The configuration of one topic, typed: `overrides` over the defaults of `broker`.

    Raises ConfigError, in words near Apache's, for a name that topics do not have, a missing or wrong value, and values
    that contradict each other. `lenient` passes over all of that: what is stored was accepted once, be it by another
    release or under other defaults of the broker, and a topic must not become unusable for it.
    """

    def __init__(self, overrides: Mapping[str, str | None], broker: BrokerConfig, *, lenient: bool = False) -> None:
        if lenient:
            overrides = {name: text for name, text in overrides.items() if self._takes(name, text)}
        unknown = next((name for name in overrides if name not in self.KEYS), None)
        if unknown is not None:
            raise ConfigError(self.unknown(unknown))
        missing = sorted(name for name, text in overrides.items() if text is None)
        if missing:
            raise ConfigError(f"Null value not supported for topic configs: {','.join(missing)}")
        values = vars(self)
        for key in self.KEYS.values():
            if key.synonyms and key.name not in overrides:
                values[key.attribute] = server_default(key, broker)
        super().__init__({name: text for name, text in overrides.items() if text is not None})
        if not lenient:
            self._check()

    @classmethod
    def _takes(cls, name: str, text: str | None) -> bool:
        try:
            return text is not None and name in cls.KEYS and cls.KEYS[name].parse(text) is not None
        except ConfigError:
            return False

    @classmethod
    def unknown(cls, name: str) -> str:
        return f"Unknown topic config name: {name}"

    @property
    def max_segment_bytes(self) -> int:
        """Size at which a segment is closed: segment.bytes, or the smaller one that tests may set."""
        return self.internal_segment_bytes or self.segment_bytes

    @property
    def max_segment_ms(self) -> int:
        """Age at which a segment is closed: segment.ms, or sooner where compaction must reach its records sooner."""
        return min(self.segment_ms, self.max_compaction_lag_ms) if "compact" in self.cleanup_policy else self.segment_ms

    @property
    def compression_level(self) -> int | None:
        """The level for `compression_type`; None for one that has none."""
        name = f"compression.{self.compression_type}.level"
        return self.value(name) if name in self.KEYS else None

    def _check(self) -> None:
        if self.min_compaction_lag_ms > self.max_compaction_lag_ms:
            raise ConfigError(
                f"conflict topic config setting min.compaction.lag.ms ({self.min_compaction_lag_ms}) > "
                f"max.compaction.lag.ms ({self.max_compaction_lag_ms})"
            )
        if self.remote_storage_enable:
            raise ConfigError(
                "Tiered Storage functionality is disabled in the broker: leave remote.storage.enable=false"
            )


def resolve(name: str, overrides: Mapping[str, str], broker: BrokerConfig) -> Any:
    """The value that one topic property has with these overrides; KeyError if there is no such property."""
    key = TopicConfig.KEYS[name]
    return key.parse(overrides[name]) if name in overrides else server_default(key, broker)
