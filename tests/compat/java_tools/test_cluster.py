"""The cluster, its metadata's quorum, its features and its groups, as Apache's tools show them."""

import re
from collections.abc import Callable
from typing import Any

ELR = "eligible.leader.replicas.version"


def test_who_is_in_the_cluster(run: Any) -> None:
    cluster_id = run("kafka-cluster", "cluster-id")
    assert re.fullmatch(r"Cluster ID: [A-Za-z0-9_-]{22}", cluster_id)
    head, broker = run("kafka-cluster", "list-endpoints").splitlines()
    assert head == "ID HOST PORT RACK STATE ENDPOINT_TYPE"
    host, port = run.bootstrap.split(":")
    assert broker == f"1 {host} {port} null unfenced broker"


def test_a_broker_that_nobody_registered_is_not_unregistered(run: Any) -> None:
    said = run("kafka-cluster", "unregister", "--id", "7", fails=True)
    assert "BrokerIdNotRegisteredException: Broker ID 7 is not currently registered" in said


def test_the_metadatas_quorum(run: Any) -> None:
    said = dict(line.split(": ", 1) for line in run("kafka-metadata-quorum", "describe", "--status").splitlines())
    assert (said["LeaderId"], said["MaxFollowerLag"], said["MaxFollowerLagTimeMs"]) == ("1", "0", "0")
    assert said["CurrentObservers"] == "[]"
    assert re.fullmatch(
        r'\[\{"id": 1, "directoryId": "[A-Za-z0-9_-]{22}", "endpoints": \["CONTROLLER://\S+:\d+"\]\}\]',
        said["CurrentVoters"],
    )
    head, leader = run("kafka-metadata-quorum", "describe", "--replication").splitlines()
    assert head == "NodeId DirectoryId LogEndOffset Lag LastFetchTimestamp LastCaughtUpTimestamp Status"
    assert re.fullmatch(r"1 \S{22} \d+ 0 \d{13} \d{13} Leader", leader)


def levels(run: Any) -> dict[str, str]:
    """The finalized level of each feature."""
    found = {}
    for line in run("kafka-features", "describe").splitlines():
        words = line.split()
        found[words[1]] = words[words.index("FinalizedVersionLevel:") + 1]
    return found


def test_features(run: Any) -> None:
    assert levels(run)["metadata.version"] == "4.3-IV0"
    assert levels(run)["kraft.version"] == "1"
    before = levels(run)[ELR]
    if before == "1":
        run("kafka-features", "downgrade", "--feature", f"{ELR}=0")
    assert run("kafka-features", "upgrade", "--feature", f"{ELR}=1") == f"{ELR} was upgraded to 1."
    assert levels(run)[ELR] == "1"
    if before == "0":
        assert run("kafka-features", "downgrade", "--feature", f"{ELR}=0") == f"{ELR} was downgraded to 0."
        run("kafka-configs", "--entity-type", "brokers", "--entity-default", "--alter", *DELETE_MIN_INSYNC)
    assert levels(run)[ELR] == before
    why = run("kafka-features", "upgrade", "--feature", f"{ELR}=9", fails=True)
    assert f"Invalid update version 9 for feature {ELR}. Local controller 1 only supports versions 0-1" in why


# With eligible leader replicas it becomes a setting of the cluster, and stays one.
DELETE_MIN_INSYNC = ("--delete-config", "min.insync.replicas")


def test_every_api_that_the_tools_need_is_usable(run: Any) -> None:
    said = run("kafka-broker-api-versions")
    assert said.startswith(f"{run.bootstrap} (id: 1 rack: null isFenced: false) -> (")
    unsupported = set(re.findall(r"(\w+)\(\d+\): UNSUPPORTED", said))
    needed = "AlterConfigs AlterPartitionReassignments AlterClientQuotas DescribeQuorum ElectLeaders UpdateFeatures"
    assert not unsupported & set(needed.split())
    assert {"GetTelemetrySubscriptions", "PushTelemetry"} <= unsupported


def test_a_groups_life(run: Any, topic: Callable[..., str], name: str) -> None:
    made = topic(records=3)
    reading = ("--topic", made, "--from-beginning", "--max-messages", "3", "--timeout-ms", "20000", "--group", name)
    assert run("kafka-console-consumer", *reading) == "0\n1\n2"

    def group(*arguments: str) -> str:
        return run("kafka-consumer-groups", "--group", name, *arguments)  # type: ignore[no-any-return]

    assert name in run.lines("kafka-consumer-groups", "--list")
    assert f"{name} Classic consumer" in run.lines("kafka-groups", "--list")
    assert f"{name} {made} 0 3 3 0 - - -" in group("--describe")
    assert re.search(rf"{name} \S+ \(1\) - Empty 0", group("--describe", "--state"))

    topic_option = ("--topic", made)
    assert f"{name} {made} 0 0" in group("--reset-offsets", "--to-earliest", *topic_option, "--dry-run")
    assert f"{name} {made} 0 3 3 0" in group("--describe")
    group("--reset-offsets", "--to-offset", "1", *topic_option, "--execute")
    assert f"{name} {made} 0 1 3 2" in group("--describe")
    assert f"{made} 0 Successful" in group("--delete-offsets", *topic_option)
    assert made not in group("--describe")
    assert group("--delete") == f"Deletion of requested consumer groups ('{name}') was successful."
    assert name not in run.lines("kafka-consumer-groups", "--list")
