"""Configuration by Kafka's property names: typed, with defaults, rules, scope and documentation.

One table (`keys`) feeds server.properties, topic and group configurations, and DescribeConfigs. Nothing here opens a
socket, looks up a name or reads the clock.
"""

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import Config, ConfigError, ConfigType, Importance, Key, Scope
from kafkapy.config.group import GroupConfig
from kafkapy.config.listener import Listener
from kafkapy.config.topic import TopicConfig

__all__ = [
    "BrokerConfig",
    "Config",
    "ConfigError",
    "ConfigType",
    "GroupConfig",
    "Importance",
    "Key",
    "Listener",
    "Scope",
    "TopicConfig",
]
