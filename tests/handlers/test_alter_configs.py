"""Settings changed at run time: in force at once, shown with their source, and there after a restart."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kafkapy.protocol.batch import read_header
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import alter_configs as ac
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.produce import PRODUCE

TOPIC, BROKER, LOGGER, GROUP = 2, 4, 8, 32
SET, DELETE, APPEND = 0, 1, 2
HOUR_MS = 3_600_000


def alter(client: Any, kind: int, name: str, *changes: tuple[str, int, str | None], validate_only: bool = False) -> str:
    resource = AlterConfigsResource(kind, name, [AlterableConfig(*change) for change in changes])
    request = IncrementalAlterConfigsRequest([resource], validate_only)
    [answer] = client.send(INCREMENTAL_ALTER_CONFIGS, 1, request).responses
    assert (answer.resource_type, answer.resource_name) == (kind, name)
    assert (answer.error_code == 0) == (answer.error_message is None)
    return ErrorCode(answer.error_code).name


def set_topic(client: Any, **settings: object) -> None:
    changes = [(name.replace("_", "."), SET, str(value)) for name, value in settings.items()]
    assert alter(client, TOPIC, "t", *changes) == "NONE"


def shown(client: Any, kind: int, name: str, setting: str) -> tuple[str | None, int]:
    """The value and its source."""
    resource = DescribeConfigsResource(kind, name, [setting])
    [result] = client.send(DESCRIBE_CONFIGS, 4, DescribeConfigsRequest([resource], True)).results
    [entry] = result.configs
    return entry.value, entry.config_source


def refused(client: Any, *values: str, **options: Any) -> str:
    answer = client.send(PRODUCE, 9, client.produce_request(client.batch(*values, **options)))
    return ErrorCode(client.only_partition(answer).error_code).name


def stored(client: Any, offset: int = 0) -> Any:
    """The header of the batch as it lies in the log."""
    answer = client.send(FETCH, 12, client.fetch_request(("t", 0, offset)))
    return read_header(answer.responses[0].partitions[0].records)


def log_of(client: Any) -> Any:
    return client.node.replicas.get("t", 0).log


async def test_a_topics_setting_is_shown_and_taken_back(client: Any) -> None:
    client.create()
    set_topic(client, retention_ms=5000)
    assert shown(client, TOPIC, "t", "retention.ms") == ("5000", 1)
    assert alter(client, TOPIC, "t", ("retention.ms", SET, "6000"), validate_only=True) == "NONE"
    assert shown(client, TOPIC, "t", "retention.ms") == ("5000", 1)
    assert alter(client, TOPIC, "t", ("retention.ms", DELETE, None)) == "NONE"
    assert shown(client, TOPIC, "t", "retention.ms") == ("604800000", 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nope", "1"),
        ("retention.ms", "-2"),
        ("retention.ms", "long"),
        ("segment.bytes", "1000"),
        ("cleanup.policy", "shrink"),
        ("remote.storage.enable", "true"),
        ("compression.gzip.level", "0"),
        ("leader.replication.throttled.replicas", "0-1"),
    ],
)
async def test_what_a_topic_cannot_have(client: Any, name: str, value: str) -> None:
    client.create()
    assert alter(client, TOPIC, "t", (name, SET, value)) == "INVALID_CONFIG"


async def test_settings_that_change_together_count_together(client: Any) -> None:
    client.create(min_compaction_lag_ms=10, max_compaction_lag_ms=20)
    set_topic(client, min_compaction_lag_ms=30, max_compaction_lag_ms=40)
    assert alter(client, TOPIC, "t", ("max.compaction.lag.ms", SET, "29")) == "INVALID_CONFIG"
    assert shown(client, TOPIC, "t", "max.compaction.lag.ms") == ("40", 1)


async def test_what_producers_may_send_changes_at_once(client: Any) -> None:
    client.create()
    big = "x" * 2000
    set_topic(client, max_message_bytes=1000)
    assert refused(client, big) == "MESSAGE_TOO_LARGE"
    set_topic(client, max_message_bytes=100_000, message_timestamp_before_max_ms=HOUR_MS)
    assert refused(client, big) == "NONE"
    assert refused(client, "old", timestamp=client.now() - 2 * HOUR_MS) == "INVALID_TIMESTAMP"
    assert refused(client, "new", timestamp=client.now() + 2 * HOUR_MS) == "INVALID_TIMESTAMP"
    set_topic(client, message_timestamp_before_max_ms=3 * HOUR_MS, message_timestamp_after_max_ms=3 * HOUR_MS)
    assert refused(client, "old", timestamp=client.now() - 2 * HOUR_MS) == "NONE"
    assert refused(client, "new", timestamp=client.now() + 2 * HOUR_MS) == "NONE"
    set_topic(client, cleanup_policy="compact")
    assert refused(client, "keyless", key=None) == "INVALID_RECORD"


async def test_the_time_of_the_log_takes_over(client: Any) -> None:
    client.create()
    set_topic(client, message_timestamp_type="LogAppendTime")
    client.produce("a", timestamp=5)
    assert stored(client).max_timestamp == client.now()


async def test_recompression_follows_type_and_level(client: Any) -> None:
    client.create()
    text = " ".join(f"the {number % 89} of {number % 53}" for number in range(4000))
    sizes = []
    for level in 1, 9:
        set_topic(client, compression_type="gzip", compression_gzip_level=level)
        header = stored(client, client.produce(text))
        assert header.compression is Compression.GZIP
        sizes.append(header.size)
    assert sizes[1] < sizes[0]
    set_topic(client, compression_type="uncompressed")
    assert stored(client, client.produce(text, compression=Compression.ZSTD)).compression is Compression.NONE


async def test_segments_roll_and_go_as_the_topic_says_now(client: Any) -> None:
    client.create()
    client.produce("a")
    set_topic(client, segment_ms=1)
    client.produce("b", timestamp=client.now() + 10)
    assert [segment.base_offset for segment in log_of(client).segments] == [0, 1]
    set_topic(client, segment_ms=HOUR_MS, segment_index_bytes=12, index_interval_bytes=0, retention_bytes=1)
    log = log_of(client)
    assert (log.config.segment_index_bytes, log.config.index_interval_bytes) == (12, 0)
    await client.process._upkeep.retain()
    assert log.log_start_offset > 0


async def test_flushes_follow_the_topic(client: Any) -> None:
    client.create()
    client.produce("a")
    assert log_of(client).recovery_point == 0
    set_topic(client, flush_messages=1)
    client.produce("b")
    assert log_of(client).recovery_point == 2


async def test_other_settings_reach_the_log(client: Any) -> None:
    client.create()
    set_topic(client, flush_ms=7, file_delete_delay_ms=8, segment_jitter_ms=9, preallocate="true", retention_ms=10)
    config = log_of(client).config
    assert (config.flush_ms, config.file_delete_delay_ms, config.segment_jitter_ms) == (7, 8, 9)
    assert (config.preallocate, config.retention_ms) == (True, 10)


async def test_a_brokers_settings_are_its_topics_defaults(client: Any) -> None:
    client.create()
    node = str(client.node.config.node_id)
    assert alter(client, BROKER, "", ("message.max.bytes", SET, "1000")) == "NONE"
    assert refused(client, "x" * 2000) == "MESSAGE_TOO_LARGE"
    assert shown(client, TOPIC, "t", "max.message.bytes") == ("1000", 3)
    assert alter(client, BROKER, node, ("message.max.bytes", SET, "5000")) == "NONE"
    assert refused(client, "x" * 2000) == "NONE"
    assert client.node.config.message_max_bytes == 5000
    assert shown(client, TOPIC, "t", "max.message.bytes") == ("5000", 2)
    set_topic(client, max_message_bytes=100)
    assert alter(client, BROKER, node, ("message.max.bytes", DELETE, None)) == "NONE"
    assert shown(client, BROKER, node, "message.max.bytes") == ("1000", 3)
    assert shown(client, BROKER, "", "message.max.bytes") == ("1000", 3)
    assert log_of(client).config.max_message_bytes == 100


async def test_what_a_broker_cannot_have(client: Any) -> None:
    node = str(client.node.config.node_id)
    assert alter(client, BROKER, node, ("num.partitions", SET, "5")) == "INVALID_REQUEST"
    assert alter(client, BROKER, node, ("message.max.bytes", SET, "x")) == "INVALID_REQUEST"
    assert alter(client, BROKER, node, ("message.max.bytes", APPEND, "5")) == "INVALID_CONFIG"
    assert alter(client, BROKER, "77", ("message.max.bytes", SET, "5")) == "INVALID_REQUEST"
    assert alter(client, BROKER, "me", ("message.max.bytes", SET, "5")) == "INVALID_REQUEST"
    assert alter(client, BROKER, "", ("listeners", SET, "PLAINTEXT://a:1")) == "INVALID_REQUEST"


async def test_a_brokers_property_that_only_a_plugin_knows_is_kept_and_not_shown(client: Any) -> None:
    node = str(client.node.config.node_id)
    assert alter(client, BROKER, node, ("my.plugin", SET, "secret")) == "NONE"
    assert shown(client, BROKER, node, "my.plugin") == (None, 2)
    assert alter(client, BROKER, "", ("leader.replication.throttled.rate", SET, "5")) == "NONE"
    assert shown(client, BROKER, "", "leader.replication.throttled.rate") == ("5", 3)
    request = DescribeConfigsRequest([DescribeConfigsResource(BROKER, "", ["leader.replication.throttled.rate"])])
    assert [one.read_only for one in client.send(DESCRIBE_CONFIGS, 4, request).results[0].configs] == [False]


async def test_a_groups_settings(client: Any) -> None:
    assert alter(client, GROUP, "g", ("consumer.session.timeout.ms", SET, "50000")) == "NONE"
    assert shown(client, GROUP, "g", "consumer.session.timeout.ms") == ("50000", 8)
    assert alter(client, GROUP, "g", ("consumer.session.timeout.ms", SET, "5")) == "INVALID_CONFIG"
    assert alter(client, GROUP, "g", ("nope", SET, "5")) == "INVALID_CONFIG"
    assert alter(client, GROUP, "", ("consumer.session.timeout.ms", SET, "50000")) == "INVALID_REQUEST"


async def test_alter_configs_puts_its_settings_in_the_place_of_all(client: Any) -> None:
    client.create(retention_ms=5, flush_ms=6)
    resource = ac.AlterConfigsResource(TOPIC, "t", [ac.AlterableConfig("flush.ms", "7")])
    [answer] = client.send(ac.ALTER_CONFIGS, 2, ac.AlterConfigsRequest([resource])).responses
    assert answer.error_code == ErrorCode.NONE
    assert shown(client, TOPIC, "t", "flush.ms") == ("7", 1)
    assert shown(client, TOPIC, "t", "retention.ms") == ("604800000", 5)
    assert log_of(client).config.flush_ms == 7


async def test_loggers_change_their_level_for_the_life_of_the_process(client: Any) -> None:
    node = str(client.node.config.node_id)
    name = "kafkapy.cluster"
    try:
        assert alter(client, LOGGER, node, (name, SET, "FATAL")) == "NONE"
        assert shown(client, LOGGER, node, name) == ("FATAL", 6)
        assert alter(client, LOGGER, node, (name, SET, "TRACE"), validate_only=True) == "NONE"
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR)
        assert alter(client, LOGGER, node, (name, DELETE, None)) == "NONE"
        assert logging.getLogger(name).level == logging.NOTSET
    finally:
        logging.getLogger(name).setLevel(logging.NOTSET)
    assert alter(client, LOGGER, node, (name, SET, "LOUD")) == "INVALID_CONFIG"
    assert alter(client, LOGGER, node, ("nobody", SET, "INFO")) == "INVALID_CONFIG"
    assert alter(client, LOGGER, node, ("root", DELETE, None)) == "INVALID_REQUEST"
    assert alter(client, LOGGER, node, (name, APPEND, "INFO")) == "INVALID_REQUEST"
    assert alter(client, LOGGER, "77", (name, SET, "INFO")) == "INVALID_REQUEST"


async def test_answers_come_in_the_order_of_the_request(client: Any) -> None:
    client.create()
    node = str(client.node.config.node_id)
    asked = [(LOGGER, "77"), (TOPIC, "t"), (LOGGER, node), (TOPIC, "none")]
    resources = [AlterConfigsResource(kind, name, []) for kind, name in asked]
    answer = client.send(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest(resources))
    assert [(one.resource_type, one.resource_name) for one in answer.responses] == asked
    assert [ErrorCode(one.error_code).name for one in answer.responses] == [
        "INVALID_REQUEST",
        "NONE",
        "NONE",
        "UNKNOWN_TOPIC_OR_PARTITION",
    ]


async def test_settings_outlive_the_process(client: Any) -> None:
    client.create()
    node = str(client.node.config.node_id)
    set_topic(client, flush_ms=7)
    alter(client, BROKER, node, ("message.max.bytes", SET, "5000"))
    alter(client, BROKER, "", ("log.retention.ms", SET, "6000"))
    await client.restart()
    config = log_of(client).config
    assert (config.flush_ms, config.max_message_bytes, config.retention_ms) == (7, 5000, 6000)
    assert shown(client, BROKER, node, "log.retention.ms") == ("6000", 3)
