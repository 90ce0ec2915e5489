"""A topic's configuration: overrides over the broker's defaults, as strict as Apache's LogConfig."""

from __future__ import annotations

import pytest

from kafkapy.config import BrokerConfig, ConfigError, TopicConfig

HOUR = 3_600_000


def test_defaults_are_apaches() -> None:
    topic = TopicConfig({}, BrokerConfig())
    assert topic.segment_bytes == 2**30
    assert topic.retention_ms == 168 * HOUR
    assert topic.flush_ms == 2**63 - 1
    assert topic.cleanup_policy == ("delete",)
    assert topic.min_insync_replicas == 1


@pytest.mark.parametrize(
    ("given", "retention_ms"),
    [
        ({"log.retention.hours": "2"}, 2 * HOUR),
        ({"log.retention.hours": "2", "log.retention.minutes": "3"}, 180_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4"}, 4),
        ({"log.retention.hours": "-1"}, -1),
        ({"log.retention.minutes": "-5"}, -1),
    ],
)
def test_the_finest_unit_given_to_the_broker_decides(given: dict[str, str], retention_ms: int) -> None:
    assert TopicConfig({}, BrokerConfig(given)).retention_ms == retention_ms


def test_an_override_wins_over_the_broker() -> None:
    assert TopicConfig({"retention.ms": " 7 "}, BrokerConfig({"log.retention.ms": "4"})).retention_ms == 7


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("x", "1", "Unknown topic config name: x"),
        ("retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
        ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", None, "Null value not supported for topic configs: retention.ms"),
        ("max.message.bytes", "99999999999", "Not a number of type INT"),
        ("segment.bytes", "1_000_000_0", "Not a number of type INT"),
        ("segment.bytes", "14", "Value must be at least 1048576"),
        ("cleanup.policy", "compact,foo", "for configuration cleanup.policy: String must be one of: compact, delete"),
        ("cleanup.policy", "delete,", "must not be empty"),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "-1", "Invalid value -1.0 for"),
        ("min.cleanable.dirty.ratio", "nan", "Not a number of type DOUBLE"),
        ("min.cleanable.dirty.ratio", "NaN", "Value must be"),
        ("compression.type", "zip", "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"),
        ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
        ("preallocate", "yes", "Expected value to be either true or false"),
        ("message.timestamp.type", "createtime", "String must be one of: CreateTime, LogAppendTime"),
        ("leader.replication.throttled.replicas", "x", "Value must be the literal '\\*'"),
        ("remote.storage.enable", "true", "Tiered Storage functionality is disabled"),
    ],
)
def test_refuses(name: str, value: str | None, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        TopicConfig({name: value}, BrokerConfig())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cleanup.policy", ""),
        ("cleanup.policy", " compact , delete "),
        ("cleanup.policy", "delete,delete"),
        ("retention.ms", "+5"),
        ("compression.type", " gzip "),
        ("min.cleanable.dirty.ratio", "0.5f"),
        ("leader.replication.throttled.replicas", "1:2,3:4"),
        ("follower.replication.throttled.replicas", "*"),
        ("preallocate", "TRUE"),
    ],
)
def test_accepts_what_apache_accepts(name: str, value: str) -> None:
    TopicConfig({name: value}, BrokerConfig())


def test_compaction_lags_must_not_cross() -> None:
    with pytest.raises(ConfigError, match=r"min.compaction.lag.ms \(10\) > max.compaction.lag.ms \(5\)"):
        TopicConfig({"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}, BrokerConfig())


def test_a_list_keeps_each_item_once() -> None:
    assert TopicConfig({"cleanup.policy": "delete,compact,delete"}, BrokerConfig()).cleanup_policy == (
        "delete",
        "compact",
    )


def test_cannot_be_changed() -> None:
    topic = TopicConfig({}, BrokerConfig())
    with pytest.raises(AttributeError, match="immutable"):
        topic.retention_ms = 5  # type: ignore[misc]


def test_a_compacted_topics_segments_close_soon_enough_for_compaction() -> None:
    settings = {"segment.ms": "100", "max.compaction.lag.ms": "7"}
    assert TopicConfig(settings, BrokerConfig()).max_segment_ms == 100
    assert TopicConfig({**settings, "cleanup.policy": "compact,delete"}, BrokerConfig()).max_segment_ms == 7


def test_what_is_stored_is_taken_as_far_as_it_goes() -> None:
    stored = {"unheard.of": "1", "retention.ms": "long", "flush.ms": "5", "min.compaction.lag.ms": "9"}
    config = TopicConfig({**stored, "max.compaction.lag.ms": "8"}, BrokerConfig(), lenient=True)
    assert (config.retention_ms, config.flush_ms) == (604_800_000, 5)
    assert (config.min_compaction_lag_ms, config.max_compaction_lag_ms) == (9, 8)


def test_the_level_is_the_codecs() -> None:
    levels = {"compression.gzip.level": "1", "compression.zstd.level": "2"}
    found = {
        name: TopicConfig({**levels, "compression.type": name}, BrokerConfig()).compression_level
        for name in ("gzip", "zstd", "lz4", "snappy", "producer", "uncompressed")
    }
    assert found == {"gzip": 1, "zstd": 2, "lz4": 9, "snappy": None, "producer": None, "uncompressed": None}
