"""Quotas, credentials, features, elections, reassignments, the quorum and topics that come by themselves."""

from __future__ import annotations

from typing import Any

from sides import Connection, Sides
from transactional import new_topic

from kafkapy.protocol.messages import alter_client_quotas, describe_quorum
from kafkapy.protocol.messages.alter_client_quotas import ALTER_CLIENT_QUOTAS, AlterClientQuotasRequest, OpData
from kafkapy.protocol.messages.alter_partition_reassignments import (
    ALTER_PARTITION_REASSIGNMENTS,
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from kafkapy.protocol.messages.alter_user_scram_credentials import (
    ALTER_USER_SCRAM_CREDENTIALS,
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from kafkapy.protocol.messages.describe_client_quotas import (
    DESCRIBE_CLIENT_QUOTAS,
    ComponentData,
    DescribeClientQuotasRequest,
)
from kafkapy.protocol.messages.describe_quorum import DESCRIBE_QUORUM, DescribeQuorumRequest
from kafkapy.protocol.messages.describe_user_scram_credentials import (
    DESCRIBE_USER_SCRAM_CREDENTIALS,
    DescribeUserScramCredentialsRequest,
    UserName,
)
from kafkapy.protocol.messages.elect_leaders import ELECT_LEADERS, ElectLeadersRequest, TopicPartitions
from kafkapy.protocol.messages.list_config_resources import LIST_CONFIG_RESOURCES, ListConfigResourcesRequest
from kafkapy.protocol.messages.list_partition_reassignments import (
    LIST_PARTITION_REASSIGNMENTS,
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic
from kafkapy.protocol.messages.unregister_broker import UNREGISTER_BROKER, UnregisterBrokerRequest
from kafkapy.protocol.messages.update_features import UPDATE_FEATURES, FeatureUpdateKey, UpdateFeaturesRequest

Entity = dict[str, str | None]


def quota(entity: Entity, *ops: tuple[str, float | None]) -> alter_client_quotas.EntryData:
    parts = [alter_client_quotas.EntityData(kind, name) for kind, name in entity.items()]
    return alter_client_quotas.EntryData(parts, [OpData(key, value or 0.0, value is None) for key, value in ops])


def test_quotas(line: Connection, sides: Sides) -> None:
    for version in sides.versions(ALTER_CLIENT_QUOTAS):

        def alter(*entries: Any, validate_only: bool = False, version: int = version) -> None:
            line.ask(ALTER_CLIENT_QUOTAS, version, AlterClientQuotasRequest(list(entries), validate_only))

        alter()
        alter(quota({"user": "u"}, ("producer_byte_rate", 5.0)), validate_only=True)
        for entity in (
            {"user": "u"},
            {"user": None},
            {"client-id": "c"},
            {"client-id": None},
            {"user": "u", "client-id": "c"},
            {"user": None, "client-id": None},
        ):
            alter(quota(entity, ("producer_byte_rate", 5e9), ("consumer_byte_rate", 7e9), ("request_percentage", 5e9)))
            alter(quota(entity, ("consumer_byte_rate", None), ("controller_mutation_rate", 5e9)))
        for entity in ({"ip": "10.0.0.1"}, {"ip": None}):
            alter(quota(entity, ("connection_creation_rate", 1000.0)))
        for entity, key, value in (
            ({}, "producer_byte_rate", 1.0),
            ({"user": ""}, "producer_byte_rate", 1.0),
            ({"no such": "u"}, "producer_byte_rate", 1.0),
            ({"user": "u", "ip": "10.0.0.1"}, "producer_byte_rate", 1.0),
            ({"ip": "10.0.0.1"}, "producer_byte_rate", 1.0),
            ({"ip": "no.such.host.invalid"}, "connection_creation_rate", 1.0),
            ({"ip": "10.0.0.1"}, "connection_creation_rate", 1.5),
            ({"user": "u"}, "connection_creation_rate", 1.0),
            ({"user": "u"}, "no such", 1.0),
            ({"user": "u"}, "no such", None),
            ({"user": "u"}, "producer_byte_rate", -1.0),
            ({"user": "u"}, "producer_byte_rate", 0.0),
            ({"user": "u"}, "producer_byte_rate", 1.5),
            ({"user": "u"}, "producer_byte_rate", 1e30),
            ({"user": "u"}, "request_percentage", float("nan")),
            ({"user": "u"}, "request_percentage", float("inf")),
            ({"user": "nobody"}, "producer_byte_rate", None),
        ):
            alter(quota(entity, (key, value)))
        alter(quota({"user": "a"}, ("producer_byte_rate", 1.0)), quota({"user": ""}, ("producer_byte_rate", 1.0)))
        sides.settle()
        describe_quotas(line, sides)
        alter(quota({"ip": None}, ("connection_creation_rate", None)))
        for entity in ({"user": None}, {"client-id": None}, {"user": None, "client-id": None}):
            keys = ("producer_byte_rate", "request_percentage", "controller_mutation_rate")
            alter(quota(entity, *((key, None) for key in keys)))


def describe_quotas(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DESCRIBE_CLIENT_QUOTAS):
        for components in (
            [],
            [("user", 0, "u")],
            [("user", 0, "nobody")],
            [("user", 1, None)],
            [("user", 2, None)],
            [("client-id", 2, None)],
            [("ip", 2, None)],
            [("ip", 0, "10.0.0.1")],
            [("user", 2, None), ("client-id", 2, None)],
            [("user", 0, "u"), ("client-id", 1, None)],
            [("user", 0, "u"), ("user", 0, "v")],
            [("user", 2, None), ("ip", 2, None)],
            [("user", 3, None)],
            [("user", -1, None)],
            [("user", 0, None)],
            [("user", 1, "u")],
            [("user", 2, "u")],
            [("no such", 2, None)],
            [("", 2, None)],
        ):
            for strict in (False, True):
                wanted = [ComponentData(*component) for component in components]
                line.ask(DESCRIBE_CLIENT_QUOTAS, version, DescribeClientQuotasRequest(wanted, strict))


def test_scram_credentials(line: Connection, sides: Sides) -> None:
    good = ScramCredentialUpsertion("u", 1, 4096, b"salt", b"password")

    def alter(deletions: list[Any], upsertions: list[Any]) -> None:
        line.ask(ALTER_USER_SCRAM_CREDENTIALS, 0, AlterUserScramCredentialsRequest(deletions, upsertions))

    alter([], [])
    alter([], [good])
    alter(
        [], [ScramCredentialUpsertion("v", 2, 16384, b"salt", b"p"), ScramCredentialUpsertion("w", 1, 5000, b"s", b"p")]
    )
    for wrong in (("x", 0), ("x", 3), ("x", -1), ("", 1), ("nobody", 1), ("u", 2)):
        alter([ScramCredentialDeletion(*wrong)], [])
    for name, mechanism, iterations, salt in (
        ("x", 0, 4096, b"s"),
        ("x", 3, 4096, b"s"),
        ("", 1, 4096, b"s"),
        ("x", 1, 4095, b"s"),
        ("x", 1, 16385, b"s"),
        ("x", 1, -1, b"s"),
        ("y", 1, 4096, b""),
    ):
        alter([], [ScramCredentialUpsertion(name, mechanism, iterations, salt, b"password")])
    alter([ScramCredentialDeletion("u", 1)], [good])
    alter([], [good, good])
    alter([ScramCredentialDeletion("w", 1), ScramCredentialDeletion("nobody", 1)], [good])
    sides.settle()
    for users in (None, [], ["u"], ["v", "nobody"], ["u", "u"], [""], ["u", "u", "nobody"]):
        asked = None if users is None else [UserName(name) for name in users]
        line.ask(DESCRIBE_USER_SCRAM_CREDENTIALS, 0, DescribeUserScramCredentialsRequest(asked))
    alter([ScramCredentialDeletion("u", 1), ScramCredentialDeletion("v", 2)], [])
    sides.settle()
    line.ask(DESCRIBE_USER_SCRAM_CREDENTIALS, 0, DescribeUserScramCredentialsRequest(None))


def test_update_features(line: Connection, sides: Sides) -> None:
    for version in sides.versions(UPDATE_FEATURES):
        for updates in (
            [],
            [("no.such", 1)],
            [("", 1)],
            [("group.version", 1)],
            [("group.version", 2)],
            [("group.version", -1)],
            [("transaction.version", 2)],
            [("transaction.version", 5)],
            [("metadata.version", 1)],
            [("metadata.version", 1000)],
            [("kraft.version", 9)],
            [("group.version", 1), ("group.version", 1)],
            [("group.version", 1), ("no.such", 1)],
        ):
            for kind in (1, 2, 3, 0, 9) if version >= 1 else (1,):
                asked = [FeatureUpdateKey(name, level, upgrade_type=kind) for name, level in updates]
                line.ask(UPDATE_FEATURES, version, UpdateFeaturesRequest(60_000, asked, version >= 1))


def test_elect_leaders(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    for version in sides.versions(ELECT_LEADERS):
        for kind in (0, 1, 2, -1) if version >= 1 else (0,):
            for wanted in (
                [],
                [(topic, 0, 1)],
                [(topic, 7, -1)],
                [("no-such", 0), (topic, 0)],
                [("", 0)],
                [(topic,)],
                [(topic, 0, 0)],
            ):
                topics = [TopicPartitions(name, list(indexes)) for name, *indexes in wanted]
                line.ask(ELECT_LEADERS, version, ElectLeadersRequest(kind, topics))
        line.ask(ELECT_LEADERS, version, ElectLeadersRequest(0, None))


def test_reassignments(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    for version in sides.versions(ALTER_PARTITION_REASSIGNMENTS):
        for allowed in (True, False) if version >= 1 else (True,):
            for index, replicas in (
                (0, [1]),
                (0, None),
                (0, []),
                (0, [1, 1]),
                (0, [1, 2]),
                (0, [9]),
                (0, [-1]),
                (7, [1]),
                (-1, None),
            ):
                asked = [ReassignableTopic(topic, [ReassignablePartition(index, replicas)])]
                request = AlterPartitionReassignmentsRequest(60_000, allowed, asked)
                line.ask(ALTER_PARTITION_REASSIGNMENTS, version, request)
            for name in ("no-such", "", "a b"):
                asked = [ReassignableTopic(name, [ReassignablePartition(0, [1])])]
                request = AlterPartitionReassignmentsRequest(60_000, allowed, asked)
                line.ask(ALTER_PARTITION_REASSIGNMENTS, version, request)
        line.ask(ALTER_PARTITION_REASSIGNMENTS, version, AlterPartitionReassignmentsRequest())
    for wanted in (None, [], [(topic, 0, 1)], [(topic, 7)], [("no-such", 0)], [(topic,)], [("", 0)]):
        topics = None
        if wanted is not None:
            topics = [ListPartitionReassignmentsTopics(name, list(indexes)) for name, *indexes in wanted]
        line.ask(LIST_PARTITION_REASSIGNMENTS, 0, ListPartitionReassignmentsRequest(60_000, topics))


def test_quorum(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DESCRIBE_QUORUM):
        for wanted in (
            [],
            [("__cluster_metadata", 0)],
            [("__cluster_metadata", 1)],
            [("__cluster_metadata",)],
            [("no-such", 0)],
            [("__cluster_metadata", 0, 0)],
            [("__cluster_metadata", 0), ("no-such", 0)],
        ):
            topics = [
                describe_quorum.TopicData(name, [describe_quorum.PartitionData(index) for index in indexes])
                for name, *indexes in wanted
            ]
            line.ask(DESCRIBE_QUORUM, version, DescribeQuorumRequest(topics))
    for broker in (7, -1):
        line.ask(UNREGISTER_BROKER, 0, UnregisterBrokerRequest(broker))


def test_config_resources(line: Connection, sides: Sides) -> None:
    line.ask(LIST_CONFIG_RESOURCES, 0, ListConfigResourcesRequest())
    for kinds in ([], [2], [4], [8], [16], [32], [2, 4, 2], [0], [64], [-1], [2, 0]):
        line.ask(LIST_CONFIG_RESOURCES, 1, ListConfigResourcesRequest(kinds))


def test_topics_that_come_by_themselves(line: Connection, sides: Sides) -> None:
    for version in (1, 4, 9, 13):
        fresh = [sides.new_name("auto") for _ in range(7)]
        alike = [fresh[3] + ".b", fresh[3] + "_b"]
        for names in ([fresh[0]], [fresh[1], "a b", "", ".", "x" * 250], [fresh[2], fresh[2]], alike[:1], alike[1:]):
            for allowed in (False, True) if version >= 4 else (True,):
                line.note = "of topics that come by themselves" if allowed else ""
                topics = [MetadataRequestTopic(name=name) for name in names]
                line.ask(METADATA, version, MetadataRequest(topics, allowed))
            line.note = ""
            sides.settle()
        if version >= 4:
            topics = [MetadataRequestTopic(name=name) for name in (*fresh, *alike)]
            line.ask(METADATA, version, MetadataRequest(topics, False))
