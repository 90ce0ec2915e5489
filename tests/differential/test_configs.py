"""Settings of topics, brokers and groups are shown and changed, rightly and wrongly, in every version."""

from __future__ import annotations

from typing import Any

from sides import Connection, Sides

from kafkapy.protocol.messages import alter_configs as ac
from kafkapy.protocol.messages import incremental_alter_configs as iac
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
)

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def new_topic(line: Connection, sides: Sides, **configs: str) -> str:
    name = sides.new_name()
    given = [CreatableTopicConfig(key.replace("_", "."), value) for key, value in configs.items()]
    line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, 1, 1, [], given)]))
    sides.settle()
    return name


def describe(line: Connection, *resources: Any, version: int = 4, synonyms: bool = True) -> None:
    asked = [DescribeConfigsResource(kind, name, keys[0] if keys else None) for kind, name, *keys in resources]
    line.ask(DESCRIBE_CONFIGS, version, DescribeConfigsRequest(asked, synonyms))


def test_describe_configs(line: Connection, sides: Sides) -> None:
    name = new_topic(line, sides, retention_ms="7", cleanup_policy=" compact , delete ", preallocate="TRUE")
    for version in sides.versions(DESCRIBE_CONFIGS):
        for synonyms in (False, True):
            describe(line, (TOPIC, name), version=version, synonyms=synonyms)
            describe(line, (GROUP, "g"), version=version, synonyms=synonyms)
        describe(line, version=version)
        describe(line, (TOPIC, name, []), version=version)
        describe(line, (TOPIC, name, ["retention.ms", "no.such", "retention.ms", ""]), version=version)
        describe(line, (TOPIC, name, ["retention.ms"]), (TOPIC, name, ["preallocate"]), version=version)
        for wrong in ("no-such", "", "a b", "__consumer_offsets", "__cluster_metadata"):
            describe(line, (TOPIC, wrong, ["retention.ms"]), version=version)
        describe(line, (BROKER, "1", ["log.retention.ms", "log.retention.hours", "no.such"]), version=version)
        for wrong in ("", "2", "-1", "+1", "01", "x", "1.0"):
            describe(line, (BROKER, wrong, ["log.retention.ms"]), version=version)
            describe(line, (LOGGER, wrong, ["no.such"]), version=version)
        for kind in (0, 1, 3, 5, 16, 32, 64, 127, -1):
            describe(line, (kind, "x", ["no.such"]), version=version)
        describe(line, (GROUP, ""), version=version)
        describe(line, (METRICS, ""), version=version)


def test_describe_broker(line: Connection, sides: Sides) -> None:
    for version in (1, 4):
        describe(line, (BROKER, "1"), version=version)
    describe(line, (BROKER, ""))


VALUES = (
    ("retention.ms", "5"),
    ("retention.ms", "-1"),
    ("retention.ms", "-2"),
    ("retention.ms", ""),
    ("retention.ms", None),
    ("retention.ms", " 9 "),
    ("retention.ms", "x"),
    ("retention.ms", "9223372036854775808"),
    ("no.such", "1"),
    ("", "1"),
    ("cleanup.policy", "compact,delete"),
    ("cleanup.policy", "compact, delete"),
    ("cleanup.policy", "delete,"),
    ("cleanup.policy", ""),
    ("cleanup.policy", "x"),
    ("compression.type", "zstd"),
    ("compression.type", "ZSTD"),
    ("compression.type", ""),
    ("compression.gzip.level", "9"),
    ("compression.gzip.level", "10"),
    ("compression.gzip.level", "-1"),
    ("compression.gzip.level", "0"),
    ("compression.zstd.level", "22"),
    ("compression.zstd.level", "23"),
    ("compression.zstd.level", "-131072"),
    ("compression.zstd.level", "-131073"),
    ("preallocate", "True"),
    ("preallocate", "1"),
    ("min.cleanable.dirty.ratio", "1"),
    ("min.cleanable.dirty.ratio", "1e-3"),
    ("min.cleanable.dirty.ratio", ".5f"),
    ("min.cleanable.dirty.ratio", "NaN"),
    ("min.insync.replicas", "0"),
    ("min.insync.replicas", "5"),
    ("segment.bytes", "1048576"),
    ("segment.bytes", "1048575"),
    ("segment.bytes", "2147483648"),
    ("segment.ms", "0"),
    ("segment.ms", "1"),
    ("segment.jitter.ms", "-1"),
    ("max.compaction.lag.ms", "0"),
    ("min.compaction.lag.ms", "9223372036854775807"),
    ("message.timestamp.type", "LogAppendTime"),
    ("message.timestamp.type", "other"),
    ("message.timestamp.difference.max.ms", "5"),
    ("message.format.version", "3.0"),
    ("message.downconversion.enable", "false"),
    ("index.interval.bytes", "-1"),
    ("flush.messages", "0"),
    ("flush.messages", "1"),
    ("unclean.leader.election.enable", "true"),
    ("remote.storage.enable", "false"),
    ("remote.storage.enable", "true"),
    ("local.retention.ms", "-2"),
    ("local.retention.ms", "-3"),
    ("local.retention.bytes", "7"),
    ("follower.replication.throttled.replicas", "0:1"),
    ("follower.replication.throttled.replicas", "*"),
    ("follower.replication.throttled.replicas", "x"),
    ("follower.replication.throttled.replicas", "0:1,*"),
    ("delete.retention.ms", "0"),
    ("file.delete.delay.ms", "0"),
    ("max.message.bytes", "0"),
    ("max.message.bytes", "-1"),
)


def test_incremental_alter_configs(line: Connection, sides: Sides) -> None:
    for version in sides.versions(iac.INCREMENTAL_ALTER_CONFIGS):
        name, other = new_topic(line, sides), new_topic(line, sides)

        def ask(*resources: Any, validate_only: bool = False, version: int = version) -> None:
            asked = [
                iac.AlterConfigsResource(kind, name, [iac.AlterableConfig(*change) for change in changes])
                for kind, name, *changes in resources
            ]
            request = iac.IncrementalAlterConfigsRequest(asked, validate_only)
            line.ask(iac.INCREMENTAL_ALTER_CONFIGS, version, request)

        ask()
        ask((TOPIC, name))
        ask((TOPIC, name, ("retention.ms", SET, "5")), validate_only=True)
        for key, value in VALUES:
            ask((TOPIC, name, (key, SET, value)))
        sides.settle()
        describe(line, (TOPIC, name))
        for operation in (DELETE, APPEND, SUBTRACT):
            for key, value in (
                ("cleanup.policy", "delete"),
                ("cleanup.policy", "compact"),
                ("cleanup.policy", ""),
                ("cleanup.policy", None),
                ("retention.ms", "5"),
                ("retention.ms", None),
                ("no.such", "x"),
                ("leader.replication.throttled.replicas", "0:1,1:1"),
                ("leader.replication.throttled.replicas", "0:1"),
            ):
                ask((TOPIC, other, (key, operation, value)))
            sides.settle()
            describe(line, (TOPIC, other))
        ask((TOPIC, other, ("cleanup.policy", APPEND, "delete,compact"), ("retention.ms", SET, "8")))
        ask((TOPIC, other, ("retention.ms", SET, "1"), ("retention.ms", SET, "2")))
        ask((TOPIC, other, ("retention.ms", SET, "1"), ("segment.ms", SET, "x")))
        ask((TOPIC, other, ("retention.ms", SET, "1")), (TOPIC, other, ("segment.ms", SET, "2")))
        ask((TOPIC, other, ("retention.ms", SET, "3")), (TOPIC, "no-such", ("segment.ms", SET, "2")), (TOPIC, name))
        for wrong in ("no-such", "", "a b", "__cluster_metadata"):
            ask((TOPIC, wrong, ("retention.ms", SET, "3")))
            ask((TOPIC, wrong))
        for kind in (0, 1, 3, 5, 64, 127, -1):
            ask((kind, "x", ("retention.ms", SET, "3")))
        ask((TOPIC, other, ("min.compaction.lag.ms", SET, "5"), ("max.compaction.lag.ms", SET, "4")))
        ask((TOPIC, other, ("max.compaction.lag.ms", SET, "4")))
        ask((TOPIC, other, ("min.compaction.lag.ms", SET, "5")))
        sides.settle()
        describe(line, (TOPIC, name), (TOPIC, other))


def test_alter_configs(line: Connection, sides: Sides) -> None:
    for version in sides.versions(ac.ALTER_CONFIGS):
        name, other = new_topic(line, sides), new_topic(line, sides, retention_ms="5", segment_ms="6")

        def ask(*resources: Any, validate_only: bool = False, version: int = version) -> None:
            asked = [
                ac.AlterConfigsResource(kind, name, [ac.AlterableConfig(*change) for change in changes])
                for kind, name, *changes in resources
            ]
            line.ask(ac.ALTER_CONFIGS, version, ac.AlterConfigsRequest(asked, validate_only))

        ask()
        for key, value in VALUES:
            ask((TOPIC, name, (key, value)))
        sides.settle()
        describe(line, (TOPIC, name))
        ask((TOPIC, other, ("retention.ms", "7")), validate_only=True)
        ask((TOPIC, other, ("retention.ms", "7")))
        ask((TOPIC, other, ("retention.ms", "7"), ("retention.ms", "8")))
        sides.settle()
        describe(line, (TOPIC, other))
        ask((TOPIC, other))
        for wrong in ("no-such", "", "a b"):
            ask((TOPIC, wrong, ("retention.ms", "3")))
            ask((TOPIC, wrong))
        for kind in (0, 1, 3, 5, 64, 127, -1):
            ask((kind, "x", ("retention.ms", "3")))
        sides.settle()
        describe(line, (TOPIC, other))


def test_broker_configs(line: Connection, sides: Sides) -> None:
    def ask(name: str, *changes: Any, kind: int = BROKER, validate_only: bool = False) -> None:
        asked = [iac.AlterConfigsResource(kind, name, [iac.AlterableConfig(*change) for change in changes])]
        line.ask(iac.INCREMENTAL_ALTER_CONFIGS, 1, iac.IncrementalAlterConfigsRequest(asked, validate_only))

    for broker in ("1", ""):
        for key, value in (
            ("log.retention.ms", "86400000"),
            ("log.retention.ms", "x"),
            ("log.retention.ms", "0"),
            ("log.cleaner.threads", "0"),
            ("log.cleaner.threads", "2"),
            ("log.cleaner.threads", "9"),
            ("num.io.threads", "9"),
            ("num.io.threads", "17"),
            ("num.io.threads", "1"),
            ("num.network.threads", "4"),
            ("background.threads", "11"),
            ("message.max.bytes", "2000000"),
            ("message.max.bytes", "-1"),
            ("min.insync.replicas", "1"),
            ("min.insync.replicas", "0"),
            ("num.partitions", "5"),
            ("auto.create.topics.enable", "false"),
            ("log.dirs", "/elsewhere"),
            ("listeners", "PLAINTEXT://localhost:1"),
            ("advertised.listeners", "PLAINTEXT://localhost:1"),
            ("max.connections", "100"),
            ("max.connections.per.ip", "100"),
            ("max.connections.per.ip.overrides", "localhost:100"),
            ("max.connections.per.ip.overrides", "x"),
            ("leader.replication.throttled.rate", "1000"),
            ("leader.replication.throttled.rate", "-1"),
            ("follower.replication.throttled.rate", "1000"),
            ("replica.alter.log.dirs.io.max.bytes.per.second", "1000"),
            ("ssl.keystore.location", "/no/such/file"),
            ("listener.name.plaintext.ssl.keystore.location", "/no/such/file"),
            ("listener.name.plaintext.max.connections", "7"),
            ("no.such", "1"),
            ("compression.type", "gzip"),
            ("compression.type", "x"),
            ("log.message.timestamp.type", "LogAppendTime"),
            ("log.segment.bytes", "1000"),
            ("unclean.leader.election.enable", "true"),
            ("principal.builder.class", "x"),
            ("metric.reporters", "no.such.Class"),
            ("transaction.partition.verification.enable", "false"),
            ("producer.id.expiration.ms", "100000"),
            ("remote.log.manager.copier.thread.pool.size", "11"),
            ("group.consumer.session.timeout.ms", "50000"),
            ("group.coordinator.threads", "2"),
        ):
            line.note = f"{key}={value} of broker {broker!r}"
            ask(broker, (key, SET, value), validate_only=True)
            ask(broker, (key, SET, value))
            sides.settle()
            describe(line, (BROKER, "1", [key]), (BROKER, "", [key]))
            ask(broker, (key, DELETE, None))
            if "threads" in key:
                sides.settle()  # how many there may be depends on how many there are
        line.note = ""
    for broker in ("2", "x", "-1", "+1", "01"):
        ask(broker, ("log.retention.ms", SET, "86400000"))
        ask(broker, ("log.retention.ms", DELETE, None))
    sides.settle()
    describe(line, (BROKER, "1"))
    for level in ("DEBUG", "debug", "OTHER", "", None, "OFF"):
        for name in ("kafka", "no.such", "root", "ROOT", ""):
            ask("1", (name, SET, level), kind=LOGGER)
            ask("1", (name, DELETE, None), kind=LOGGER)
    for name in ("", "2", "x"):
        ask(name, ("root", SET, "INFO"), kind=LOGGER)


def test_group_configs(line: Connection, sides: Sides) -> None:
    def ask(group: str, *changes: Any) -> None:
        asked = [iac.AlterConfigsResource(GROUP, group, [iac.AlterableConfig(*change) for change in changes])]
        line.ask(iac.INCREMENTAL_ALTER_CONFIGS, 1, iac.IncrementalAlterConfigsRequest(asked))

    group = sides.new_name("g")
    for key, value in (
        ("consumer.session.timeout.ms", "50000"),
        ("consumer.session.timeout.ms", "1"),
        ("consumer.session.timeout.ms", "x"),
        ("consumer.session.timeout.ms", "70000"),
        ("consumer.heartbeat.interval.ms", "6000"),
        ("consumer.heartbeat.interval.ms", "60000"),
        ("consumer.heartbeat.interval.ms", "0"),
        ("share.auto.offset.reset", "earliest"),
        ("share.auto.offset.reset", "by_duration:PT1H"),
        ("share.auto.offset.reset", "x"),
        ("share.isolation.level", "read_committed"),
        ("share.record.lock.duration.ms", "20000"),
        ("share.record.lock.duration.ms", "1"),
        ("streams.num.standby.replicas", "1"),
        ("streams.num.standby.replicas", "9"),
        ("no.such", "1"),
    ):
        ask(group, (key, SET, value))
        sides.settle()
        describe(line, (GROUP, group, [key]))
    describe(line, (GROUP, group))
    ask("", ("consumer.session.timeout.ms", SET, "50000"))
    ask(group, ("consumer.session.timeout.ms", DELETE, None), ("no.such", DELETE, None))
    sides.settle()
    describe(line, (GROUP, group))
