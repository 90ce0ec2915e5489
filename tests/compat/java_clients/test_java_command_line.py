"""Older releases' command-line tools: topics, records, groups and settings, as an administrator has them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from asked_client import AskedClient
from broker_process import BrokerProcess, ForeignBroker
from environments import ALL_VERSIONS
from toolchains import JavaClient

MAINS = {
    "kafka-topics": "kafka.admin.TopicCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups": "kafka.admin.ConsumerGroupCommand",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "kafka.tools.ConsoleConsumer",
    "kafka-delete-records": "kafka.admin.DeleteRecordsCommand",
    "kafka-get-offsets": "kafka.tools.GetOffsetShell",
    "kafka-log-dirs": "kafka.admin.LogDirsCommand",
    "kafka-broker-api-versions": "kafka.admin.BrokerApiVersionsCommand",
}
# They left Scala one by one.
MOVED = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
}
RELEASES = {"2.8.2": MAINS, "3.9.1": {**MAINS, **MOVED}}
OLDER_OPTION = {("2.8.2", "kafka-get-offsets"): "--broker-list"}

Run = Callable[..., str]


@pytest.fixture(scope="module", params=[*RELEASES] if ALL_VERSIONS else ["2.8.2"])
def release(request: pytest.FixtureRequest) -> JavaClient:
    version: str = request.param
    return JavaClient(version, ("CommandLine",), kind="tools")


@pytest.fixture
def run(
    release: JavaClient, broker: BrokerProcess | ForeignBroker, lend_other: Callable[[JavaClient], AskedClient]
) -> Run:
    """Runs a tool, named as its script is, and gives what it printed, each run of blanks as one."""
    asked = lend_other(release)

    def run(tool: str, *arguments: str, given: str = "") -> str:
        main = RELEASES[release.version][tool]
        server = OLDER_OPTION.get((release.version, tool), "--bootstrap-server")
        status, said = asked.run(main, server, broker.bootstrap, *arguments, given=given)
        assert status == 0, f"{tool} {' '.join(arguments)} exited with {status}:\n{said}"
        return "\n".join(" ".join(line.split()) for line in said.splitlines() if line.strip())

    return run


def test_topics(run: Run, new_topic: str) -> None:
    run("kafka-topics", "--create", "--topic", new_topic, "--partitions", "2", "--config", "retention.ms=3600000")
    assert new_topic in run("kafka-topics", "--list").splitlines()
    run("kafka-topics", "--alter", "--topic", new_topic, "--partitions", "3")

    described, *partitions = run("kafka-topics", "--describe", "--topic", new_topic).splitlines()

    assert "PartitionCount: 3 ReplicationFactor: 1" in described
    assert "retention.ms=3600000" in described
    assert len(partitions) == 3
    for number, line in enumerate(partitions):
        assert f"Partition: {number} Leader: 1 Replicas: 1 Isr: 1" in line
    run("kafka-topics", "--delete", "--topic", new_topic)
    assert new_topic not in run("kafka-topics", "--list").splitlines()


def test_records_and_groups(run: Run, release: JavaClient, new_topic: str, group: str, tmp_path: Path) -> None:
    run("kafka-topics", "--create", "--topic", new_topic)
    keyed = ("--property", "parse.key=true", "--property", "key.separator=:")
    lines = "".join(f"key-{number}:value {number}\n" for number in range(10))
    run("kafka-console-producer", "--topic", new_topic, "--compression-codec", "zstd", *keyed, given=lines)
    shown = ("--property", "print.key=true", "--property", "key.separator=:")

    counted = 0

    def read(count: int) -> list[str]:
        nonlocal counted
        # Scala's counts on from run to run in one JVM.
        counted = counted + count if release.version == "2.8.2" else count
        settings = ("--topic", new_topic, "--group", group, "--from-beginning", "--max-messages", str(counted))
        said = run("kafka-console-consumer", *settings, *shown).splitlines()
        return [line for line in said if line.startswith("key-")]

    assert read(6) == [f"key-{number}:value {number}" for number in range(6)]
    assert read(4) == [f"key-{number}:value {number}" for number in range(6, 10)]
    header, described = run("kafka-consumer-groups", "--describe", "--group", group).splitlines()[-2:]
    assert header.startswith("GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG")
    assert described.startswith(f"{group} {new_topic} 0 10 10 0")

    reset = ("--reset-offsets", "--group", group, "--topic", new_topic, "--to-offset", "7", "--execute")
    assert f"{group} {new_topic} 0 7" in run("kafka-consumer-groups", *reset)
    assert read(3) == [f"key-{number}:value {number}" for number in range(7, 10)]
    assert group in run("kafka-consumer-groups", "--list").splitlines()
    run("kafka-consumer-groups", "--delete", "--group", group)
    assert group not in run("kafka-consumer-groups", "--list").splitlines()

    before = tmp_path / "before.json"
    before.write_text(json.dumps({"partitions": [{"topic": new_topic, "partition": 0, "offset": 4}], "version": 1}))
    assert "low_watermark: 4" in run("kafka-delete-records", "--offset-json-file", str(before))
    assert f"{new_topic}:0:4" in run("kafka-get-offsets", "--topic", new_topic, "--time", "-2")
    sizes = run("kafka-log-dirs", "--describe", "--topic-list", new_topic)
    assert f'"partition":"{new_topic}-0"' in sizes


def test_settings(run: Run, new_topic: str) -> None:
    run("kafka-topics", "--create", "--topic", new_topic)
    topic = ("--entity-type", "topics", "--entity-name", new_topic)
    run("kafka-configs", "--alter", *topic, "--add-config", "cleanup.policy=compact,retention.ms=1000")
    assert "cleanup.policy=compact" in run("kafka-configs", "--describe", *topic)
    run("kafka-configs", "--alter", *topic, "--delete-config", "cleanup.policy")
    described = run("kafka-configs", "--describe", *topic)
    assert "cleanup.policy" not in described
    assert "retention.ms=1000" in described

    broker = ("--entity-type", "brokers", "--entity-name", "1")
    run("kafka-configs", "--alter", *broker, "--add-config", "log.cleaner.threads=2")
    assert "log.cleaner.threads=2" in run("kafka-configs", "--describe", *broker)
    run("kafka-configs", "--alter", *broker, "--delete-config", "log.cleaner.threads")
    assert "Produce(0): 0 to" in run("kafka-broker-api-versions")
