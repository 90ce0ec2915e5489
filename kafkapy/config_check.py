"""What may be set on topics, brokers, groups and so on, in the controller's words: `config_changes.ConfigRules`.

The metadata knows names and values, the configuration knows what they mean; this joins them. A setting of a topic or
group that cannot be is INVALID_CONFIG, one of a broker INVALID_REQUEST, as in Apache (KAFKA-13609).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.client_metrics import ClientMetricsConfig, SubscriptionError
from kafkapy.config.define import ConfigError, ConfigType, Key, to_text
from kafkapy.config.dynamic import DynamicConfigs, check_change
from kafkapy.config.group import GroupConfig
from kafkapy.config.topic import TopicConfig
from kafkapy.metadata.config_changes import ConfigRules
from kafkapy.metadata.image import BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE
from kafkapy.protocol.errors import ErrorCode, KafkaError

_KEYS: dict[int, Mapping[str, Key[Any]]] = {
    TOPIC_RESOURCE: TopicConfig.KEYS,
    BROKER_RESOURCE: BrokerConfig.KEYS,
    GROUP_RESOURCE: GroupConfig.KEYS,
}


class ConfigCheck:
    """Checks changes against a broker that was started with `started_with` and has `dynamic()` set since."""

    def __init__(self, started_with: BrokerConfig, dynamic: Callable[[], DynamicConfigs]) -> None:
        self._started_with = started_with
        self._dynamic = dynamic

    def rules(self) -> ConfigRules:
        """The same, as the controller takes it."""
        return ConfigRules(check=self.check, list_default=list_default)

    def check(self, kind: int, name: str, altered: Mapping[str, str | None], after: Mapping[str, str]) -> None:
        """Raise KafkaError unless the resource may have `altered` changed and then have `after`."""
        try:
            if kind == TOPIC_RESOURCE:
                TopicConfig(after, self._config())
            elif kind == GROUP_RESOURCE:
                GroupConfig(after, self._config())
            elif kind == CLIENT_METRICS_RESOURCE:
                ClientMetricsConfig(after)
            else:
                self._check_broker(name, altered, after)
        except ConfigError as error:
            is_request = kind == BROKER_RESOURCE or isinstance(error, SubscriptionError)
            code = ErrorCode.INVALID_REQUEST if is_request else ErrorCode.INVALID_CONFIG
            raise KafkaError(code, str(error)) from None

    def _config(self) -> BrokerConfig:
        return self._dynamic().over(self._started_with)

    def _check_broker(self, name: str, altered: Mapping[str, str | None], after: Mapping[str, str]) -> None:
        before = self._dynamic()
        if name:
            check_broker_id(name, self._started_with.node_id)
            changed = before._replace(broker=after)
        else:
            changed = before._replace(default=after)
        check_change(before, changed, altered, self._started_with)


def check_broker_id(name: str, node_id: int) -> None:
    """Raise KafkaError(INVALID_REQUEST) unless the resource's name is this broker's number."""
    if not name.lstrip("+-").isdecimal():
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
    if int(name) != node_id:
        why = f"this is broker {node_id}; ask broker {name} for its own configuration"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)


def list_default(kind: int, name: str) -> str | None:
    """The default of a property that is a list, whatever a broker sets for its topics; None for any other property."""
    key = _KEYS.get(kind, {}).get(name)
    if key is None or key.kind is not ConfigType.LIST:
        return None
    return to_text(key.default) or ""
