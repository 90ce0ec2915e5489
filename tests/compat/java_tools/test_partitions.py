"""Topics, their records and their replicas: what kafka-topics.sh and its family show, and what they change."""

import json
from collections.abc import Callable
from typing import Any

ALL_DIRECTORIES = ["any"]


def test_a_topics_life(run: Any, name: str) -> None:
    created = run("kafka-topics", "--create", "--topic", name, "--partitions", "2", "--config", "retention.ms=5000")
    assert created == f"Created topic {name}."
    assert name in run.lines("kafka-topics", "--list")
    first, *partitions = run("kafka-topics", "--describe", "--topic", name).splitlines()
    assert first.startswith(f"Topic: {name} TopicId: ")
    assert "PartitionCount: 2 ReplicationFactor: 1 Configs: " in first
    assert "retention.ms=5000" in first
    assert partitions == [
        f"Topic: {name} Partition: {number} Leader: 1 Replicas: 1 Isr: 1 Elr: LastKnownElr:" for number in range(2)
    ]
    run("kafka-topics", "--alter", "--topic", name, "--partitions", "3")
    assert "PartitionCount: 3" in run("kafka-topics", "--describe", "--topic", name)
    assert "already exists" in run("kafka-topics", "--create", "--topic", name, fails=True)
    run("kafka-topics", "--delete", "--topic", name)
    assert name not in run.lines("kafka-topics", "--list")
    assert "does not exist as expected" in run("kafka-topics", "--delete", "--topic", name, fails=True)


def test_partitions_are_well(run: Any, topic: Callable[..., str]) -> None:
    made = topic()
    for what in ("under-replicated", "unavailable", "under-min-isr"):
        assert run("kafka-topics", "--describe", f"--{what}-partitions", "--topic", made) == ""
    assert f"Topic: {made} Partition: 0" in run("kafka-topics", "--describe", "--at-min-isr-partitions")


def test_offsets_before_and_after_records_are_deleted(run: Any, topic: Callable[..., str]) -> None:
    made = topic(records=4)
    assert run("kafka-get-offsets", "--topic", made) == f"{made}:0:4"
    deletion = run.file({"version": 1, "partitions": [{"topic": made, "partition": 0, "offset": 3}]})
    assert f"partition: {made}-0 low_watermark: 3" in run("kafka-delete-records", "--offset-json-file", deletion)
    assert run("kafka-get-offsets", "--topic", made, "--time", "earliest") == f"{made}:0:3"
    read = run(
        "kafka-console-consumer", "--topic", made, "--from-beginning", "--max-messages", "1", "--timeout-ms", "20000"
    )
    assert read == "3"


def test_log_directories(run: Any, topic: Callable[..., str]) -> None:
    made = topic(partitions=2, records=3)
    said = run("kafka-log-dirs", "--describe", "--topic-list", made)
    [broker] = json.loads(said.splitlines()[-1])["brokers"]
    found = {one["partition"]: one for log_dir in broker["logDirs"] for one in log_dir["partitions"]}
    assert found.keys() == {f"{made}-0", f"{made}-1"}
    assert sorted(one["size"] > 0 for one in found.values()) == [False, True]
    assert [log_dir["error"] for log_dir in broker["logDirs"]] == [None] * len(broker["logDirs"])


def test_elections_that_are_not_needed(run: Any, topic: Callable[..., str]) -> None:
    made = topic()
    where = ("--topic", made, "--partition", "0")
    for kind in ("preferred", "unclean"):
        said = run("kafka-leader-election", "--election-type", kind, *where)
        assert said == f"Valid replica already elected for partitions {made}-0"
    assert run("kafka-leader-election", "--election-type", "preferred", "--all-topic-partitions") == ""


def test_an_election_of_nobody(run: Any, name: str) -> None:
    where = ("--topic", name, "--partition", "0")
    said = run("kafka-leader-election", "--election-type", "preferred", *where, fails=True)
    assert f"UnknownTopicOrPartitionException: No such topic as {name}" in said


def test_a_reassignment(run: Any, topic: Callable[..., str]) -> None:
    made = topic()
    moved = run.file({"version": 1, "topics": [{"topic": made}]})
    generated = run(
        "kafka-reassign-partitions", "--generate", "--topics-to-move-json-file", moved, "--broker-list", "1"
    )
    _, current, _, proposed = generated.splitlines()
    assert json.loads(current)["partitions"][0]["replicas"] == [1]
    assert json.loads(proposed)["partitions"][0]["log_dirs"] == ALL_DIRECTORIES

    plan = run.file(json.loads(proposed))
    said = run("kafka-reassign-partitions", "--execute", "--reassignment-json-file", plan, "--throttle", "1000000")
    assert "The inter-broker throttle limit was set to 1000000 B/s" in said
    assert f"Successfully started partition reassignment for {made}-0" in said
    throttled = run("kafka-configs", "--entity-type", "brokers", "--entity-name", "1", "--describe")
    assert "leader.replication.throttled.rate=1000000" in throttled

    said = run("kafka-reassign-partitions", "--verify", "--reassignment-json-file", plan)
    assert f"Reassignment of partition {made}-0 is completed." in said
    assert "Clearing broker-level throttles on broker 1" in said
    throttled = run("kafka-configs", "--entity-type", "brokers", "--entity-name", "1", "--describe")
    assert "throttled" not in throttled
    assert run("kafka-reassign-partitions", "--list") == "No partition reassignments found."
    said = run("kafka-reassign-partitions", "--cancel", "--reassignment-json-file", plan)
    assert "None of the specified partition reassignments are active." in said


def test_a_reassignment_to_a_broker_that_there_is_not(run: Any, topic: Callable[..., str]) -> None:
    made = topic()
    plan = run.file({"version": 1, "partitions": [{"topic": made, "partition": 0, "replicas": [7]}]})
    said = run("kafka-reassign-partitions", "--execute", "--reassignment-json-file", plan, fails=True)
    assert "Unknown broker id 7" in said
