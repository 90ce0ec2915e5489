"""What DescribeConfigs answers: each property's value, where it comes from, and what else could have given it.

The most specific source wins, and `synonyms` lists every source from the winner down. A secret's value is never in an
entry. Entries come in the table's order; properties marked internal are left out. Source: Apache's `ConfigHelper`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.client_metrics import ClientMetricsConfig
from kafkapy.config.define import ConfigType, Key, Scope, to_text
from kafkapy.config.dynamic import STATIC, DynamicConfigs, Texts, base_key, is_throttle
from kafkapy.config.group import GroupConfig
from kafkapy.config.topic import TopicConfig


class ConfigSource(IntEnum):
    """Where a value comes from, by its code in the response."""

    UNKNOWN = 0
    DYNAMIC_TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    DYNAMIC_BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class SynonymEntry(NamedTuple):
    """A property that gives, or would give, the value: its name, its value (None if secret) and its source."""

    name: str
    value: str | None
    source: ConfigSource


@dataclass(frozen=True, slots=True)
class Entry:
    """One property in a DescribeConfigs response; `value` is None if unset or secret."""

    name: str
    value: str | None
    read_only: bool
    config_source: ConfigSource
    is_sensitive: bool
    synonyms: tuple[SynonymEntry, ...]
    config_type: ConfigType
    documentation: str | None

    @property
    def is_default(self) -> bool:
        """Whether nobody set the value, as version 0 of the response says it."""
        return self.config_source is ConfigSource.DEFAULT


def describe_topic(overrides: Texts, config: BrokerConfig, dynamic: DynamicConfigs = STATIC) -> list[Entry]:
    """Every property of a topic that has these overrides; `config` is what the broker was started with."""
    topic = TopicConfig(overrides, dynamic.over(config), lenient=True)
    entries = []
    for key in TopicConfig.KEYS.values():
        if key.internal and key.name not in overrides:
            continue
        own = _own(key, topic.value(key.name), overrides, ConfigSource.DYNAMIC_TOPIC)
        # The first synonym's own synonyms, so that a unit that is no synonym of the topic's key is listed all the same.
        given = tuple(_broker_synonyms(key.synonyms[0].name, config, dynamic)) if key.synonyms else ()
        entries.append(_entry(key, topic.value(key.name), own + given, read_only=False))
    return entries


def describe_group(overrides: Texts, config: BrokerConfig, dynamic: DynamicConfigs = STATIC) -> list[Entry]:
    """Every property of a group that has these overrides; `config` is what the broker was started with."""
    group = GroupConfig(overrides, dynamic.over(config))
    entries = []
    for key in _shown(GroupConfig.KEYS):
        value = group.value(key.name)
        own = _own(key, value, overrides, ConfigSource.GROUP)
        given = tuple(_broker_synonyms(key.synonyms[0].name, config, dynamic)) if key.synonyms else ()
        default = () if given else (SynonymEntry(key.name, to_text(key.default), ConfigSource.DEFAULT),)
        entries.append(_entry(key, value, own + given + default, read_only=False))
    return entries


def describe_client_metrics(overrides: Texts) -> list[Entry]:
    """Every property of a client metrics subscription that has these overrides."""
    subscription = ClientMetricsConfig(overrides)
    entries = []
    for key in ClientMetricsConfig.KEYS.values():
        value = subscription.value(key.name)
        entries.append(_entry(key, value, _own(key, value, overrides, ConfigSource.CLIENT_METRICS), read_only=False))
    return entries


def describe_broker(config: BrokerConfig, dynamic: DynamicConfigs = STATIC) -> list[Entry]:
    """Every property of the broker that was started with `config`."""
    now = dynamic.over(config)
    entries = [
        _entry(
            key,
            now.value(key.name),
            tuple(_broker_synonyms(key.name, config, dynamic)),
            read_only=key.scope is Scope.READ_ONLY,
        )
        for key in _shown(BrokerConfig.KEYS)
    ]
    unknown = {name: None for name in (*dynamic.broker, *dynamic.default) if name not in BrokerConfig.KEYS}
    return entries + [_unknown(name, dynamic) for name in unknown]


def describe_cluster_default(dynamic: DynamicConfigs) -> list[Entry]:
    """What was set for every broker of the cluster: the answer for the broker named ""."""
    entries = []
    for name, text in dynamic.default.items():
        key = BrokerConfig.KEYS.get(name)
        if key is None:
            entries.append(_unknown(name, DynamicConfigs(default=dynamic.default)))
            continue
        source = SynonymEntry(name, None if key.is_sensitive else text, ConfigSource.DYNAMIC_DEFAULT_BROKER)
        entries.append(_entry(key, text, (source,), read_only=key.scope is Scope.READ_ONLY))
    return entries


def describe_loggers(levels: Texts) -> list[Entry]:
    """The broker's loggers and their levels, as the resource BROKER_LOGGER shows them (KIP-412)."""
    return [
        Entry(name, level, False, ConfigSource.DYNAMIC_BROKER_LOGGER, False, (), ConfigType.UNKNOWN, None)
        for name, level in levels.items()
    ]


def _unknown(name: str, dynamic: DynamicConfigs) -> Entry:
    """A property that no broker's file has: a listener's own, or one that only a plugin knows, and may hold secret."""
    key = base_key(name)
    sensitive = key is None or key.is_sensitive
    sources = ((dynamic.broker, ConfigSource.DYNAMIC_BROKER), (dynamic.default, ConfigSource.DYNAMIC_DEFAULT_BROKER))
    synonyms = tuple(
        SynonymEntry(name, None if sensitive else texts[name], source) for texts, source in sources if name in texts
    )
    kind = ConfigType.UNKNOWN if key is None else key.kind
    read_only = not is_throttle(name)
    return Entry(name, synonyms[0].value, read_only, synonyms[0].source, sensitive, synonyms, kind, None)


def _shown(keys: Mapping[str, Key[Any]]) -> Iterator[Key[Any]]:
    return (key for key in keys.values() if not key.internal)


def _own(key: Key[Any], value: Any, overrides: Texts, source: ConfigSource) -> tuple[SynonymEntry, ...]:
    return (SynonymEntry(key.name, to_text(value), source),) if key.name in overrides else ()


def _broker_synonyms(name: str, config: BrokerConfig, dynamic: DynamicConfigs) -> Iterator[SynonymEntry]:
    """Every source of the broker property `name`, the strongest first.

    All names are tried in one source before the next source. What comes before `name` itself does not count: setting
    log.retention.ms does not show among the synonyms of log.retention.hours.
    """
    names = next((names for names in BrokerConfig.SYNONYMS if name in _asking(names)), (name,))
    sources = (
        (dynamic.broker, ConfigSource.DYNAMIC_BROKER),
        (dynamic.default, ConfigSource.DYNAMIC_DEFAULT_BROKER),
        (config.given, ConfigSource.STATIC_BROKER),
        ({each: to_text(BrokerConfig.KEYS[each].default) for each in names}, ConfigSource.DEFAULT),
    )
    found = [
        SynonymEntry(each, None if BrokerConfig.KEYS[each].is_sensitive else texts[each], source)
        for texts, source in sources
        for each in names
        if texts.get(each) is not None
    ]
    first = next((at for at, synonym in enumerate(found) if synonym.name == name), len(found))
    yield from found[first:]


def _asking(names: tuple[str, ...]) -> tuple[str, ...]:
    # The scheduler's interval gives a default and takes none.
    return names[:1] if names[0] == "log.flush.interval.ms" else names


def _entry(key: Key[Any], value: Any, synonyms: tuple[SynonymEntry, ...], *, read_only: bool) -> Entry:
    return Entry(
        name=key.name,
        value=None if key.is_sensitive else to_text(value),
        read_only=read_only,
        config_source=synonyms[0].source if synonyms else ConfigSource.DEFAULT,
        is_sensitive=key.is_sensitive,
        synonyms=synonyms,
        config_type=key.kind,
        documentation=key.doc,
    )
