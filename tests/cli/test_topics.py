"""kafka-topics prints, byte for byte, what Apache's TopicCommand prints for the same answers of a broker."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import IncompatibleBrokerVersion, KafkaTimeoutError

from kafkapy.cli import command
from kafkapy.cli.topics import complain, topics

TOPIC_ID = uuid.UUID("aef349d4-e842-45fc-b721-fabe1c35f815")  # rvNJ1OhCRfy3Ifq-HDX4FQ


class FakeAdmin:
    """A cluster of broker 1 with the topics given; `settings` are a topic's configs and their sources."""

    def __init__(self, **topics: int) -> None:
        self.partitions = dict(topics)
        self.settings: dict[str, dict[str, Any]] = {}
        self.asked: list[Any] = []
        self.error: tuple[int, str | None] = (0, None)
        self.isr = [1]
        self.leader = 1
        self.moves: dict[TopicPartition, dict[str, list[int]]] = {}
        self.has_topic_partitions = True
        self.page = 1000
        self.arguments: dict[str, Any] = {}
        self.closed = False

    def __call__(self, **arguments: Any) -> FakeAdmin:
        self.arguments = arguments
        return self

    def list_topics(self) -> list[str]:
        return list(self.partitions)

    def describe_topics(self, topics: list[str] | None = None) -> list[dict[str, Any]]:
        return [self._topic(name) for name in (self.partitions if topics is None else topics)]

    def describe_topic_partitions(self, topics: list[str], limit: int = 2000, cursor: Any = None) -> dict[str, Any]:
        if not self.has_topic_partitions:
            raise IncompatibleBrokerVersion("too old")
        start = cursor["partition_index"] if cursor else 0
        found = [self._topic(name) for name in topics]
        for topic in found:
            topic["partitions"] = [
                partition | {"eligible_leader_replicas": None, "last_known_elr": None}
                for partition in topic["partitions"][start : start + self.page]
            ]
        left = any(start + self.page < self.partitions[name] for name in topics)
        following = {"topic_name": topics[0], "partition_index": start + self.page} if left else None
        return {"topics": found, "next_cursor": following}

    def describe_configs(
        self, resources: Any, include_synonyms: bool = False, config_filter: str = "all"
    ) -> dict[str, Any]:
        standard = {"min.insync.replicas": {"value": "1", "config_source": "DEFAULT_CONFIG"}}
        return {"topic": {resource.name: standard | self.settings.get(resource.name, {}) for resource in resources}}

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": 1}]}

    def list_partition_reassignments(self) -> dict[Any, dict[str, list[int]]]:
        return self.moves

    def create_topics(self, new_topics: Any, raise_errors: bool = True) -> dict[str, Any]:
        self.asked.append(new_topics)
        return {"topics": [{"name": name, **self._answer()} for name in new_topics]}

    def create_partitions(self, topic_partitions: Any, raise_errors: bool = True) -> Any:
        self.asked.append(topic_partitions)
        return SimpleNamespace(results=[SimpleNamespace(name=name, **self._answer()) for name in topic_partitions])

    def delete_topics(self, topics: list[str], raise_errors: bool = True) -> dict[str, Any]:
        self.asked.append(topics)
        return {"topics": [{"name": name, **self._answer()} for name in topics]}

    def close(self) -> None:
        self.closed = True

    def _answer(self) -> dict[str, Any]:
        return {"error_code": self.error[0], "error_message": self.error[1]}

    def _topic(self, name: str) -> dict[str, Any]:
        partition = {"error_code": 0, "leader_id": self.leader, "replica_nodes": [1], "isr_nodes": self.isr}
        return {
            "name": name,
            "error_code": 0,
            "topic_id": TOPIC_ID,
            "partitions": [{**partition, "partition_index": index} for index in range(self.partitions[name])],
        }


def run(admin: Any, arguments: str, server: str = "--bootstrap-server localhost:9092") -> int:
    return command.status_of(lambda words: topics(words, admin), f"{server} {arguments}".split(), complain)


ZOOKEEPER = "--zookeeper localhost:2181"


def test_document_creates_and_lists_as_0_10_did(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin()
    assert run(admin, "--create --replication-factor 1 --partitions 1 --topic test", ZOOKEEPER) == 0
    printed = capsys.readouterr()
    assert printed.out == 'Created topic "test".\n'
    assert printed.err == ("A single kafkapy needs no ZooKeeper: localhost:2181 stands for the broker localhost:9092\n")
    assert admin.arguments["bootstrap_servers"] == ["localhost:9092"]
    assert admin.asked == [{"test": {"num_partitions": 1, "replication_factor": 1, "configs": {}}}]
    assert admin.closed
    assert run(FakeAdmin(test=1), "--list", ZOOKEEPER) == 0
    assert capsys.readouterr().out == "test\n"


def test_zookeeper_with_chroot_and_another_broker(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = FakeAdmin()
    run(admin, "--list", "--zookeeper one:2181,two:2181/kafka")
    assert admin.arguments["bootstrap_servers"] == ["one:9092", "two:9092"]
    monkeypatch.setenv("KAFKAPY_ZOOKEEPER_BROKER", "elsewhere:19092")
    run(admin, "--list", ZOOKEEPER)
    assert admin.arguments["bootstrap_servers"] == ["elsewhere:19092"]
    assert capsys.readouterr().out == ""


def test_create_says_so_in_todays_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeAdmin(), "--create --topic test") == 0
    assert capsys.readouterr().out == "Created topic test.\n"


def test_create_with_configs_and_a_colliding_name(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin()
    assert run(admin, "--create --topic a.b --config retention.ms=1 --config cleanup.policy=compact,delete") == 0
    assert capsys.readouterr().out == (
        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide."
        " To avoid issues it is best to use either, but not both.\nCreated topic a.b.\n"
    )
    configs = {"retention.ms": "1", "cleanup.policy": "compact,delete"}
    assert admin.asked == [{"a.b": {"num_partitions": -1, "replication_factor": -1, "configs": configs}}]


def test_create_with_assignment() -> None:
    admin = FakeAdmin()
    assert run(admin, "--create --topic t --replica-assignment 1:2,2:1") == 0
    assert admin.asked == [{"t": {"assignments": {0: [1, 2], 1: [2, 1]}, "configs": {}}}]


def test_existing_topic(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1)
    admin.error = (36, "Topic 'test' already exists.")
    assert run(admin, "--create --topic test") == 1
    assert capsys.readouterr().out == "Error while executing topic command : Topic 'test' already exists.\n"
    assert run(admin, "--create --topic test --if-not-exists") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--create --topic t --partitions 0", "The partitions must be greater than 0"),
        ("--create --topic t --partitions x", "Cannot parse argument 'x' of option partitions"),
        ("--create --topic t --replication-factor 0", "The replication factor must be between 1 and 32767 inclusive"),
        (
            "--create --topic t --replica-assignment 1:1,1",
            "Partition replica lists may not contain duplicate entries: 1",
        ),
        ("--create --topic t --replica-assignment 1:2,1", "Partition 1 has different replication factor: [1]"),
        (
            "--create --topic t --config retention.ms",
            'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
        ),
        ("--describe --topic none", "Topic 'none' does not exist as expected"),
        ("--delete --topic none", "Topic 'none' does not exist as expected"),
        ("--alter --topic none --partitions 2", "Topic 'none' does not exist as expected"),
        ("--describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ", "TopicId 'AAAAAAAAAAAAAAAAAAAAAQ' does not exist as expected"),
        (
            "--describe --topic-id xx",
            "Input string `xx` decoded as 1 bytes, "
            "which is not equal to the expected 16 bytes of a base64-encoded UUID",
        ),
        ("--list --topic [", "[ is an invalid regex: unterminated character set at position 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeAdmin(test=1), arguments) == 1
    assert capsys.readouterr() == (f"Error while executing topic command : {complaint}\n", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--create", 'Missing required argument "[topic]"'),
        ("--alter --topic t", 'Missing required argument "[partitions]"'),
        (
            "--list --create",
            "Command must include exactly one action: --list, --describe, --create, --alter or --delete",
        ),
        ("--list --partitions 3", 'Option "[partitions]" can\'t be used with option "[list]"'),
        ("--list --nonsense", "nonsense is not a recognized option"),
        ("--describe --topic", "Option topic requires an argument"),
        ("--describe --if-exists", "--topic or --topic-id is required to describe a topic"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_usage(
    arguments: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(FakeAdmin(test=1), arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{complaint}\nusage: kafka-topics ")


def test_no_server_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeAdmin(), "--list", "") == 1
    assert capsys.readouterr().out == "Error while executing topic command : --bootstrap-server must be specified\n"


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    def unreachable(**_: Any) -> Any:
        raise KafkaTimeoutError("Unable to bootstrap")

    assert run(unreachable, "--list") == 1
    assert capsys.readouterr() == (
        "Error while executing topic command : "
        "No Kafka broker answers at localhost:9092: is it running, and is this its address?\n",
        "",
    )


def test_list_in_order_by_pattern_and_without_internal(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1, b=1, __consumer_offsets=1, testing=1)
    run(admin, "--list")
    assert capsys.readouterr().out == "__consumer_offsets\nb\ntest\ntesting\n"
    run(admin, "--list --exclude-internal --topic te.t,b")
    assert capsys.readouterr().out == "b\ntest\n"
    run(FakeAdmin(), "--list")
    assert capsys.readouterr().out == "\n"


def test_describe(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=2, other=1)
    admin.settings["test"] = {
        "retention.ms": {"value": "1000", "config_source": "DYNAMIC_TOPIC_CONFIG"},
        "segment.bytes": {"value": "9", "config_source": "DYNAMIC_TOPIC_CONFIG"},
    }
    assert run(admin, "--describe --topic test") == 0
    assert capsys.readouterr().out == (
        "Topic: test\tTopicId: rvNJ1OhCRfy3Ifq-HDX4FQ\tPartitionCount: 2\tReplicationFactor: 1"
        "\tConfigs: retention.ms=1000,segment.bytes=9\n"
        "\tTopic: test\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"
        "\tTopic: test\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"
    )
    run(admin, "--describe --topics-with-overrides")
    assert capsys.readouterr().out.splitlines()[0].startswith("Topic: test\t")
    run(admin, "--describe --topic-id rvNJ1OhCRfy3Ifq-HDX4FQ --topic ignored --topics-with-overrides")
    assert "Topic: test\t" in capsys.readouterr().out


def test_describe_as_0_10_did(capsys: pytest.CaptureFixture[str]) -> None:
    run(FakeAdmin(test=1), "--describe --topic test", ZOOKEEPER)
    assert capsys.readouterr().out == (
        "Topic:test\tPartitionCount:1\tReplicationFactor:1\tConfigs:\n"
        "\tTopic: test\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\n"
    )


def test_describe_asks_on_until_all_partitions_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=5)
    admin.page = 2
    run(admin, "--describe")
    assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()[1:]] == [
        f"Partition: {index}" for index in range(5)
    ]


def test_describe_by_a_broker_without_that_api(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1)
    admin.has_topic_partitions = False
    run(admin, "--describe")
    assert capsys.readouterr().out.endswith("Isr: 1\tElr: N/A\tLastKnownElr: N/A\n")


def test_describe_a_move_and_a_lost_leader(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1)
    admin.leader = -1
    admin.isr = []
    admin.moves = {TopicPartition("test", 0): {"replicas": [1, 2], "adding_replicas": [2], "removing_replicas": [3]}}
    run(admin, "--describe --unavailable-partitions")
    assert capsys.readouterr().out == (
        "\tTopic: test\tPartition: 0\tLeader: none\tReplicas: 1\tIsr: \tAdding Replicas: 2\tRemoving Replicas: 3"
        "\tElr: \tLastKnownElr: \n"
    )


@pytest.mark.parametrize(
    ("report", "isr", "min_isr", "shown"),
    [
        ("under-replicated-partitions", [1], "1", False),
        ("under-replicated-partitions", [], "1", True),
        ("under-min-isr-partitions", [1], "2", True),
        ("under-min-isr-partitions", [1], "1", False),
        ("at-min-isr-partitions", [1], "1", True),
        ("at-min-isr-partitions", [1], "2", False),
        ("unavailable-partitions", [1], "1", False),
    ],
)
def test_reports(report: str, isr: list[int], min_isr: str, shown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1)
    admin.isr = isr
    admin.settings["test"] = {"min.insync.replicas": {"value": min_isr, "config_source": "DYNAMIC_TOPIC_CONFIG"}}
    assert run(admin, f"--describe --{report}") == 0
    assert (capsys.readouterr().out != "") is shown


def test_alter_and_delete_say_nothing_today(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=1, other=3)
    assert run(admin, "--alter --topic test --partitions 3") == 0
    assert run(admin, "--alter --topic other --partitions 4 --replica-assignment 1,1,1,2") == 0
    assert run(admin, "--delete --topic test|other") == 0
    assert run(admin, "--delete --topic none --if-exists") == 0
    assert capsys.readouterr() == ("", "")
    assert admin.asked == [{"test": 3}, {"other": {"count": 4, "assignments": [[2]]}}, ["other", "test"]]


def test_alter_and_delete_in_0_10s_words(capsys: pytest.CaptureFixture[str]) -> None:
    run(FakeAdmin(test=1), "--alter --topic test --partitions 3", ZOOKEEPER)
    run(FakeAdmin(test=1), "--delete --topic test", ZOOKEEPER)
    assert capsys.readouterr().out == (
        "WARNING: If partitions are increased for a topic that has a key, "
        "the partition logic or ordering of the messages will be affected\n"
        "Adding partitions succeeded!\n"
        "Topic test is marked for deletion.\n"
        "Note: This will have no impact if delete.topic.enable is not set to true.\n"
    )


def test_error_of_the_broker_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    admin = FakeAdmin(test=3)
    admin.error = (37, "The topic test currently has 3 partition(s); 2 would not be an increase.")
    assert run(admin, "--alter --topic test --partitions 2") == 1
    assert capsys.readouterr().out == (
        "Error while executing topic command : "
        "The topic test currently has 3 partition(s); 2 would not be an increase.\n"
    )
    admin.error = (41, None)
    run(admin, "--delete --topic test")
    assert capsys.readouterr().out.startswith("Error while executing topic command : ")
