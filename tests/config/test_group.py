"""A group's configuration: within what the broker allows."""

from __future__ import annotations

import pytest

from kafkapy.config import BrokerConfig, ConfigError, GroupConfig


def test_defaults_come_from_the_broker() -> None:
    broker = BrokerConfig({"group.consumer.heartbeat.interval.ms": "6000"})
    assert GroupConfig({}, broker).consumer_heartbeat_interval_ms == 6000
    assert GroupConfig({"consumer.heartbeat.interval.ms": "7000"}, broker).consumer_heartbeat_interval_ms == 7000


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("x", "1", "Unknown group config name: x"),
        ("consumer.session.timeout.ms", "1", "must be greater than or equal to group.consumer.min.session.timeout.ms"),
        ("consumer.session.timeout.ms", "60001", "less than or equal to group.consumer.max.session.timeout.ms"),
        ("streams.num.standby.replicas", "3", "less than or equal to group.streams.max.standby.replicas"),
        ("share.delivery.count.limit", "1", "Value must be at least 2"),
        ("share.partition.max.record.locks", "5000", "group.share.max.partition.max.record.locks"),
        ("share.auto.offset.reset", "soon", "String must be one of: latest, earliest"),
        ("share.auto.offset.reset", "by_duration:P", "String must be one of: latest, earliest"),
        ("share.auto.offset.reset", "by_duration:-PT1H", "String must be one of: latest, earliest"),
        ("consumer.session.timeout.ms", None, "Null value not supported for group configs"),
    ],
)
def test_refuses(name: str, value: str | None, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        GroupConfig({name: value}, BrokerConfig())


@pytest.mark.parametrize("value", ["earliest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S"])
def test_share_groups_begin_where_they_are_told(value: str) -> None:
    assert GroupConfig({"share.auto.offset.reset": value}, BrokerConfig()).share_auto_offset_reset == value
