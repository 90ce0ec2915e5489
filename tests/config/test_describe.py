"""DescribeConfigs entries: the values, sources and synonyms that an Apache Kafka 4.3 broker was seen to answer."""

from __future__ import annotations

from kafkapy.config import BrokerConfig, ConfigType
from kafkapy.config.describe import (
    ConfigSource,
    DynamicConfigs,
    Entry,
    describe_broker,
    describe_cluster_default,
    describe_group,
    describe_loggers,
    describe_topic,
)

CONFIG = BrokerConfig({"node.id": "1", "log.retention.minutes": "77", "ssl.keystore.password": "swordfish"})
DYNAMIC = DynamicConfigs(
    {"log.cleaner.threads": "2", "log.segment.bytes": "2000000"},
    {"log.retention.ms": "99", "log.segment.bytes": "3000000"},
)


def named(entries: list[Entry], name: str) -> Entry:
    (entry,) = (entry for entry in entries if entry.name == name)
    return entry


def test_an_override_of_a_topic_comes_first() -> None:
    entry = named(describe_topic({"retention.ms": " 5000"}, CONFIG, DYNAMIC), "retention.ms")
    assert (entry.value, entry.config_source, entry.config_type) == ("5000", 1, ConfigType.LONG)
    assert [tuple(synonym) for synonym in entry.synonyms] == [
        ("retention.ms", "5000", 1),
        ("log.retention.ms", "99", 3),
        ("log.retention.minutes", "77", 4),
        ("log.retention.hours", "168", 5),
    ]


def test_other_units_do_not_show_unless_the_property_itself_is_set() -> None:
    entry = named(describe_topic({}, CONFIG), "retention.ms")
    assert (entry.value, entry.config_source, entry.synonyms) == ("4620000", 5, ())


def test_sources_of_a_brokers_property_go_from_strong_to_weak() -> None:
    entry = named(describe_broker(CONFIG, DYNAMIC), "log.segment.bytes")
    assert (entry.value, entry.config_source, entry.read_only) == ("2000000", ConfigSource.DYNAMIC_BROKER, False)
    assert [tuple(synonym) for synonym in entry.synonyms] == [
        ("log.segment.bytes", "2000000", 2),
        ("log.segment.bytes", "3000000", 3),
        ("log.segment.bytes", "1073741824", 5),
    ]
    assert named(describe_topic({}, CONFIG, DYNAMIC), "segment.bytes").config_source is ConfigSource.DYNAMIC_BROKER


def test_static_and_default_properties_of_a_broker() -> None:
    entries = describe_broker(CONFIG)
    node_id, partitions = named(entries, "node.id"), named(entries, "num.partitions")
    assert (node_id.value, node_id.config_source, node_id.read_only) == ("1", ConfigSource.STATIC_BROKER, True)
    assert named(entries, "broker.id").config_source is ConfigSource.STATIC_BROKER
    assert (partitions.value, partitions.is_default) == ("1", True)
    assert named(entries, "log.roll.ms").value is None
    assert partitions.documentation


def test_a_secret_is_never_in_an_entry() -> None:
    entry = named(describe_broker(CONFIG), "ssl.keystore.password")
    assert entry.is_sensitive
    assert entry.value is None
    assert [synonym.value for synonym in entry.synonyms] == [None]
    assert "swordfish" not in repr(describe_broker(CONFIG))


def test_internal_properties_are_left_out() -> None:
    assert len(describe_broker(CONFIG)) == 340
    assert len(describe_topic({}, CONFIG)) == 33


def test_a_group() -> None:
    entries = describe_group({"consumer.session.timeout.ms": "50000"}, CONFIG)
    assert len(entries) == 17
    assert [tuple(synonym) for synonym in named(entries, "consumer.session.timeout.ms").synonyms] == [
        ("consumer.session.timeout.ms", "50000", 8),
        ("group.consumer.session.timeout.ms", "45000", 5),
    ]
    assert named(entries, "share.auto.offset.reset").config_source is ConfigSource.DEFAULT


def test_what_was_set_for_the_whole_cluster() -> None:
    assert [(entry.name, entry.value, entry.config_source) for entry in describe_cluster_default(DYNAMIC)] == [
        ("log.retention.ms", "99", 3),
        ("log.segment.bytes", "3000000", 3),
    ]


def test_loggers() -> None:
    (entry,) = describe_loggers({"kafkapy": "INFO"})
    assert (entry.name, entry.value, entry.config_source, entry.read_only) == ("kafkapy", "INFO", 6, False)
