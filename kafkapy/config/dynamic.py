"""Broker properties that change while the broker runs: which may, and what the configuration then is (KIP-226).

What is set for one broker wins over what is set for all, and that over what the broker was started with. A name that
Kafka does not know is kept and has no effect, as Apache has it: it may be a plugin's. What is stored and cannot be
applied (a read-only property that another release took, a value that is no number) counts as not set, so that a broker
always starts. Apache's class: `DynamicBrokerConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import LONG_MAX, MEDIUM, ConfigError, Key, Scope, long
from kafkapy.config.listener import LISTENER_LIMITS, property_of_listener
from kafkapy.config.rule import at_least
from kafkapy.config.topic import TopicConfig, server_default

Texts = Mapping[str, str]

# Known to no broker's file; they limit what moves between brokers and directories.
THROTTLES = {
    name: long(name, LONG_MAX, MEDIUM, "Bytes per second.", at_least(0))
    for name in (
        "leader.replication.throttled.rate",
        "follower.replication.throttled.rate",
        "replica.alter.log.dirs.io.max.bytes.per.second",
    )
}
_OF_LISTENER_FOR_ALL = (*LISTENER_LIMITS, "num.network.threads")
_THREADS = (
    "num.io.threads",
    "num.network.threads",
    "background.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "log.cleaner.threads",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
)
# Keys and certificates, which a broker reads again for one listener at a time.
_RELOADED = ("ssl.keystore.", "ssl.key.password", "ssl.truststore.")
_NOT_SECURED = ("sasl.", "ssl.", "principal.")
_POSITIVE = LISTENER_LIMITS  # at a start, 0 is fine: nobody is let in
_UNLIMITED, _LIKE_ALL = -1, -2  # for ever; as long as log.retention says
# Apache changes these while it runs; here nothing would follow from it.
_NOT_SERVED = {
    "listeners": "a listener opens and closes with the broker",
    "listener.security.protocol.map": "a listener opens and closes with the broker",
    "metric.reporters": "there is nothing to load a Java class with",
}


class DynamicConfigs(NamedTuple):
    """Broker properties changed while running: for this broker, and for every broker of the cluster."""

    broker: Texts = MappingProxyType({})
    default: Texts = MappingProxyType({})

    def over(self, config: BrokerConfig) -> BrokerConfig:
        """`config` with these changes in force; ConfigError if the whole is then not valid."""
        changes = {**_applicable(self.default, Scope.CLUSTER_WIDE), **_applicable(self.broker, Scope.PER_BROKER)}
        of_listeners = {**_of_listeners(self.default), **_of_listeners(self.broker)}
        return config.changed(changes, of_listeners) if changes or of_listeners else config


STATIC = DynamicConfigs()


def check_change(
    before: DynamicConfigs, after: DynamicConfigs, altered: Mapping[str, str | None], config: BrokerConfig
) -> None:
    """ConfigError unless the properties `altered`, which lead from `before` to `after`, may be changed so.

    `config` is what the broker was started with. Whether they are meant for one broker or for all is seen from which
    of the two differs.
    """
    given = {name: text for name, text in altered.items() if text is not None}
    keys = {name: BrokerConfig.KEYS[name] for name in given if name in BrokerConfig.KEYS}
    _refuse(
        [name for name, key in keys.items() if key.scope is Scope.READ_ONLY], "Cannot update these configs dynamically"
    )
    _refuse(
        [name for name in keys if name.startswith(_RELOADED)],
        "These security configs can be dynamically updated only per-listener using the listener prefix",
    )
    for name, text in given.items():
        key = base_key(name)
        if key is not None:
            key.parse(text)
    if after.default is not before.default:
        _refuse(
            [name for name in given if _is_for_one_broker(name)],
            "Cannot update these configs at default cluster level, broker id must be specified",
        )
    for name, key in keys.items():
        why = "security is not served" if name.startswith(_NOT_SECURED) else _NOT_SERVED.get(name)
        if why is not None and key.parse(given[name]) != config.value(name):
            raise ConfigError(f"{name} cannot be changed while the broker runs: {why}")
    for name, text in given.items():
        key = base_key(name)
        if key is not None and key.name in _POSITIVE and key.parse(text) <= 0:
            raise ConfigError(f"Invalid value {text} for configuration {name}: it must be above 0 while it runs")
    _check_threads(before.over(config), after.over(config))
    _check_local_retention(after.over(config))


def base_key(name: str) -> Key[Any] | None:
    """The key whose type and rule the property has: of `listener.name.NAME.X` that of X. None if there is none."""
    base = property_of_listener(name) or name
    return BrokerConfig.KEYS.get(base) or THROTTLES.get(base)


def _is_for_one_broker(name: str) -> bool:
    of_listener = property_of_listener(name)
    if of_listener is not None:
        return of_listener not in _OF_LISTENER_FOR_ALL
    key = BrokerConfig.KEYS.get(name)
    return key is not None and key.scope is Scope.PER_BROKER


def _refuse(names: list[str], why: str) -> None:
    if names:
        raise ConfigError(f"{why}: [{', '.join(names)}]")


def _check_threads(before: BrokerConfig, after: BrokerConfig) -> None:
    """Numbers of threads move in steps, as Apache has it: to the double or to the half at most."""
    for name in _THREADS:
        now, wanted = before.value(name), after.value(name)
        if wanted == now:
            continue
        refusal = f"Dynamic thread count update validation failed for {name}={wanted}"
        if wanted > 2 * now:
            raise ConfigError(f"{refusal}, value should not be greater than double the current value {now}")
        if wanted < max(1, now // 2):
            raise ConfigError(f"{refusal}, value should be at least half the current value {now}")


def _check_local_retention(config: BrokerConfig) -> None:
    """What is kept on local disks is a part of what is kept at all."""
    for what in "ms", "bytes":
        local = config.value(f"log.local.retention.{what}")
        whole = server_default(TopicConfig.KEYS[f"retention.{what}"], config)
        if whole != _UNLIMITED and local != _LIKE_ALL and not 0 <= local <= whole:
            raise ConfigError(
                f"Invalid value {local} for configuration log.local.retention.{what}: "
                f"Value must be from 0 to the {whole} of log.retention.{what}"
            )


def _applicable(texts: Texts, narrowest: Scope) -> dict[str, str]:
    """Those of `texts` that name a property of that scope or a wider one, with a value that it takes."""
    allowed = (Scope.CLUSTER_WIDE, narrowest)
    return {
        name: text
        for name, text in texts.items()
        if (key := BrokerConfig.KEYS.get(name)) is not None and key.scope in allowed and _is_valid(key, text)
    }


def _of_listeners(texts: Texts) -> dict[str, str]:
    """Those of `texts` that limit one listener, and say how much."""
    found = ((name, text, property_of_listener(name)) for name, text in texts.items())
    return {
        name: text
        for name, text, limit in found
        if limit in LISTENER_LIMITS and _is_valid(BrokerConfig.KEYS[limit], text)
    }


def _is_valid(key: Key[Any], text: str) -> bool:
    try:
        key.parse(text)
    except ConfigError:
        return False
    return True
