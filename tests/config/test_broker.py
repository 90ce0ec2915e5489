"""The broker's configuration: defaults, node ids, listeners, and properties that contradict each other."""

from __future__ import annotations

import pytest

from kafkapy.config import BrokerConfig, ConfigError, Scope
from kafkapy.config.define import to_text


def refuse(complaint: str, **given: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        BrokerConfig({name.replace("_", "."): value for name, value in given.items()})


def test_values_are_typed() -> None:
    config = BrokerConfig({"num.partitions": " 3 ", "log.preallocate": "True", "log.dirs": "a , b"})
    assert config.num_partitions == 3
    assert config.log_preallocate is True
    assert config.log_dirs == ("a", "b")
    assert config.text("log.cleaner.io.max.bytes.per.second") == "1.7976931348623157E308"
    assert config.text("log.dirs") == "a,b"


def test_every_key_has_a_meaning_and_a_default_it_accepts() -> None:
    for key in BrokerConfig.KEYS.values():
        assert key.doc.endswith(".")
        text = to_text(key.default)
        # An empty list may be a default where it may not be given.
        if text:
            assert key.parse(text) == key.default


def test_defaults_that_are_not_apaches_say_why() -> None:
    differing = {key.name for key in BrokerConfig.KEYS.values() if key.differs}
    assert {"group.initial.rebalance.delay.ms", "offsets.topic.replication.factor", "log.dir", "node.id"} < differing
    assert len(differing) == 12


def test_scopes() -> None:
    scope = {name: key.scope for name, key in BrokerConfig.KEYS.items()}
    assert scope["node.id"] is Scope.READ_ONLY
    assert scope["listeners"] is Scope.PER_BROKER
    assert scope["log.retention.ms"] is Scope.CLUSTER_WIDE


def test_node_id_and_broker_id_are_one() -> None:
    assert BrokerConfig({"broker.id": "7"}).node_id == 7
    assert BrokerConfig({"node.id": "7"}).broker_id == 7
    assert BrokerConfig({"broker.id": "-1"}).node_id == 1
    refuse("must be equal", node_id="1", broker_id="2")


def test_listeners() -> None:
    config = BrokerConfig(
        {
            "listeners": "plaintext://[::1]:9092, EXTERNAL://:0",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT",
        }
    )
    assert [tuple(each) for each in config.listeners] == [
        ("PLAINTEXT", "PLAINTEXT", "::1", 9092),
        ("EXTERNAL", "PLAINTEXT", "", 0),
    ]
    told = config.advertised("me.example", {"PLAINTEXT": 9092, "EXTERNAL": 4711})
    assert [(each.host, each.port) for each in told] == [("::1", 9092), ("me.example", 4711)]


@pytest.mark.parametrize(
    ("listeners", "complaint"),
    [
        ("", "must not be empty"),
        ("PLAINTEXT://x:y", "give NAME://host:port"),
        ("PLAINTEXT://x:99999", "give NAME://host:port"),
        ("SSL://:9092", "only PLAINTEXT is supported"),
        ("FOO://:9092", "no security protocol defined for listener FOO"),
        ("PLAINTEXT://:9092,PLAINTEXT://:9093", "different name"),
        ("PLAINTEXT://:9092,CONTROLLER://:9092", "different ports"),
        ("CONTROLLER://:9093", "one that is not in controller.listener.names"),
    ],
)
def test_refuses_listeners(listeners: str, complaint: str) -> None:
    refuse(complaint, listeners=listeners)


def test_ipv4_and_ipv6_may_share_a_port() -> None:
    BrokerConfig({"listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://[::1]:9092"})


def test_refuses_what_contradicts_itself() -> None:
    refuse("nonroutable", advertised_listeners="PLAINTEXT://0.0.0.0:9092")
    refuse(
        "which listeners does not",
        advertised_listeners="CONTROLLER://a:1,X://x:9092",
        listener_security_protocol_map="X:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    )
    refuse("must be one of the advertised listeners", inter_broker_listener_name="X")
    refuse("for configuration log.retention.ms", log_retention_ms="0")
    refuse("for configuration log.retention.minutes", log_retention_minutes="0")
    refuse("for configuration log.roll.ms", log_roll_ms="0")
    refuse("1 MiB per thread", log_cleaner_dedupe_buffer_size="10")
    refuse("replica.socket.timeout.ms", replica_fetch_wait_max_ms="99999999")
    refuse("lets nobody in", max_connections_per_ip="0")
    refuse("give host:count", max_connections_per_ip_overrides="a")
    refuse("must be from group.consumer.min.session.timeout.ms=45000", group_consumer_session_timeout_ms="1")
    refuse("must contain classic", group_coordinator_rebalance_protocols="consumer")
    refuse("give 0 to 4", offsets_topic_compression_codec="9")
    refuse("remote.log.storage.system.enable=true is not supported", remote_log_storage_system_enable="true")
    refuse("everybody would be let do everything", authorizer_class_name="org.apache.kafka.Authorizer")
    refuse("at least socket.request.max.bytes", queued_max_request_bytes="10")
    refuse("Unknown broker property: foo.bar", foo_bar="1")


def test_a_change_gives_another_configuration() -> None:
    config = BrokerConfig({"num.partitions": "3"})
    changed = config.changed({"log.retention.ms": "5"})
    assert (changed.num_partitions, changed.log_retention_ms) == (3, 5)
    assert config.log_retention_ms is None


def test_a_secret_is_never_shown() -> None:
    config = BrokerConfig({"ssl.keystore.password": "swordfish"})
    assert config.ssl_keystore_password == "swordfish"
    assert "swordfish" not in repr(config)
