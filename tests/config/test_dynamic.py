"""Broker properties that change while the broker runs: what Apache Kafka 4.3 was seen to take and to refuse."""

from __future__ import annotations

import pytest

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError
from kafkapy.config.dynamic import STATIC, DynamicConfigs, check_change

STARTED = BrokerConfig({"node.id": "1", "log.segment.bytes": "2000000"})


def change(*, default: bool = False, **texts: str) -> DynamicConfigs:
    """A broker on which nothing was set gets these, with _ for the dots; what is then set."""
    altered = {name.replace("_", "."): text for name, text in texts.items()}
    after = STATIC._replace(default=altered) if default else STATIC._replace(broker=altered)
    check_change(STATIC, after, altered, STARTED)
    return after


def test_one_brokers_settings_win_over_all_brokers_and_those_over_the_file() -> None:
    both = DynamicConfigs({"log.segment.bytes": "4000000"}, {"log.segment.bytes": "3000000", "log.roll.ms": "9"})
    assert both.over(STARTED).log_segment_bytes == 4000000
    assert both.over(STARTED).log_roll_ms == 9
    assert both._replace(broker={}).over(STARTED).log_segment_bytes == 3000000
    assert STATIC.over(STARTED) is STARTED


def test_what_is_stored_and_cannot_be_applied_counts_as_not_set() -> None:
    stored = {"log.segment.bytes": "many", "num.partitions": "7", "a.plugins": "x"}
    assert DynamicConfigs(stored, {**stored, "cordoned.log.dirs": "*"}).over(STARTED) is STARTED


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("num_partitions", "5", "Cannot update these configs dynamically: [num.partitions]"),
        ("advertised_listeners", "PLAINTEXT://a:1", "Cannot update these configs dynamically"),
        ("message_max_bytes", "x", "Not a number of type INT"),
        ("message_max_bytes", "-1", "Value must be at least 0"),
        ("ssl_keystore_location", "/x", "only per-listener using the listener prefix"),
        ("ssl_cipher_suites", "x", "security is not served"),
        ("leader_replication_throttled_rate", "-1", "Value must be at least 0"),
        ("log_roll_ms", "0", "log.roll.ms"),
        ("log_retention_ms", "0", "log.retention.ms"),
        ("num_io_threads", "17", "not be greater than double the current value 8"),
        ("num_io_threads", "3", "at least half the current value 8"),
        ("log_cleaner_threads", "0", "log.cleaner.threads=0"),
        ("log_cleaner_threads", "3", "not be greater than double the current value 1"),
        ("log_cleaner_dedupe_buffer_size", "1048576", "more than 1 MiB per thread"),
        ("log_cleaner_io_buffer_load_factor", "0", "leaves no room for a key"),
        ("remote_log_reader_threads", "22", "not be greater than double the current value 10"),
        ("log_local_retention_ms", "-1", "the 604800000 of log.retention.ms"),
        ("log_local_retention_ms", "604800001", "the 604800000 of log.retention.ms"),
        ("max_connections", "0", "above 0"),
        ("max_connections_per_ip", "0", "max.connections.per.ip=0"),
        ("listeners", "PLAINTEXT://localhost:1", "a listener opens and closes with the broker"),
        ("cordoned_log_dirs", "/nowhere", "All entries in cordoned.log.dirs must be present in log.dirs or log.dir"),
        ("cordoned_log_dirs", "*,/nowhere", "it must not contain other values"),
        ("sasl_enabled_mechanisms", "PLAIN", "security is not served"),
    ],
)
def test_refused(name: str, value: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        change(**{name: value})
    assert why in str(caught.value)


def test_some_are_one_brokers_own() -> None:
    for name in "cordoned_log_dirs", "listeners", "listener_name_plain_ssl_client_auth":
        with pytest.raises(ConfigError, match="broker id must be specified"):
            change(default=True, **{name: "none"})
    change(default=True, listener_name_plain_max_connections="5")


def test_a_name_that_nobody_knows_is_kept_for_plugins() -> None:
    assert change(my_plugins="x").over(STARTED) is STARTED


def test_a_property_may_always_be_deleted() -> None:
    check_change(STATIC, STATIC, {"num.partitions": None, "unheard.of": None}, STARTED)


def test_two_that_contradict_each_other_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"log\.cleaner\.dedupe\.buffer\.size"):
        change(log_cleaner_dedupe_buffer_size="1048577", log_cleaner_threads="2")
