"""What the broker says of itself, of the cluster and of its disks, and the small APIs, in every version."""

from __future__ import annotations

from typing import Any

from records import batch
from sides import Connection, Sides

from kafkapy.protocol.api import find_apis
from kafkapy.protocol.messages.alter_replica_log_dirs import (
    ALTER_REPLICA_LOG_DIRS,
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.describe_cluster import DESCRIBE_CLUSTER, DescribeClusterRequest
from kafkapy.protocol.messages.describe_log_dirs import (
    DESCRIBE_LOG_DIRS,
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData


def test_api_versions(line: Connection, sides: Sides) -> None:
    for version in sides.versions(API_VERSIONS):
        line.ask(API_VERSIONS, version, ApiVersionsRequest("me", "1.0"))
        if version >= 3:
            for name, number in (
                ("", "1"),
                ("me", ""),
                ("a b", "1"),
                ("me", "1 0"),
                ("-me", "1"),
                ("me-", "1"),
                ("m", "1"),
            ):
                line.ask(API_VERSIONS, version, ApiVersionsRequest(name, number))


def test_versions(sides: Sides) -> None:
    """Of what both serve kafkapy serves as much as Apache, and what came before."""
    for key, (first, last) in sides.served["kafkapy"].items():
        theirs = sides.served["apache"][key]
        assert last == theirs[1], f"{find_apis()[key].name}: up to v{last} and v{theirs[1]}"
        assert first <= theirs[0], f"{find_apis()[key].name}: from v{first} and v{theirs[0]}"


def test_describe_cluster(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DESCRIBE_CLUSTER):
        for endpoint in (1, 2, 0, 3, -1) if version else (1,):
            for flags in ((False, False), (True, False), (False, True)):
                request = DescribeClusterRequest(flags[0], endpoint, version >= 2 and flags[1])
                line.ask(DESCRIBE_CLUSTER, version, request)


def test_find_coordinator(line: Connection, sides: Sides) -> None:
    for version in sides.versions(FIND_COORDINATOR):
        for kind in (0, 2, 3, -1) if version else (0,):
            for keys in ([""], ["g"], ["a b"], ["g", "h", "g"], []) if version >= 4 else (["g"], [""], ["a b"]):
                request = FindCoordinatorRequest(keys[0] if keys else "", kind, keys)
                line.ask(FIND_COORDINATOR, version, request)


def test_init_producer_id(line: Connection, sides: Sides) -> None:
    for version in sides.versions(INIT_PRODUCER_ID):
        made = line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(None, 1000))
        for timeout in (0, -1, 2**31 - 1):
            line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(None, timeout))
        line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest("", 1000))
        if version >= 3:
            for producer, epoch in ((made.producer_id, 0), (made.producer_id, -1), (-1, 0), (-5, 1), (0, 5)):
                line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(None, 1000, producer, epoch))


def test_describe_log_dirs(line: Connection, sides: Sides) -> None:
    name = sides.new_name()
    line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, 2, 1)]))
    sides.settle()
    data = [TopicProduceData(name, partition_data=[PartitionProduceData(0, batch("a", "b"))])]
    line.ask(PRODUCE, 9, ProduceRequest(None, -1, 5000, data))
    for version in sides.versions(DESCRIBE_LOG_DIRS):
        line.ask(DESCRIBE_LOG_DIRS, version, DescribeLogDirsRequest([]))
        for topics in (
            [(name, [0, 1])],
            [(name, [])],
            [(name, [7, -1])],
            [(name, [0, 0])],
            [(name, [0]), (name, [1])],
            [("no-such", [0]), ("", [0])],
        ):
            asked = [DescribableLogDirTopic(topic, indexes) for topic, indexes in topics]
            line.ask(DESCRIBE_LOG_DIRS, version, DescribeLogDirsRequest(asked))


def test_alter_replica_log_dirs(line: Connection, sides: Sides) -> None:
    name = sides.new_name()
    line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, 2, 1)]))
    sides.settle()
    for version in sides.versions(ALTER_REPLICA_LOG_DIRS):

        def ask(*dirs: Any, version: int = version) -> None:
            asked = [
                AlterReplicaLogDir(path, [AlterReplicaLogDirTopic(topic, indexes) for topic, indexes in topics])
                for path, *topics in dirs
            ]
            line.ask(ALTER_REPLICA_LOG_DIRS, version, AlterReplicaLogDirsRequest(asked))

        ask()
        for path in ("/no/such", "", "relative"):
            ask((path, (name, [0])))
            ask((path, (name, [7, -1]), ("no-such", [0])))
            ask((path,))
