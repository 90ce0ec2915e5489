"""The cluster's feature levels, who leads its metadata, and brokers that leave it."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.consumer_group_describe import CONSUMER_GROUP_DESCRIBE, ConsumerGroupDescribeRequest
from kafkapy.protocol.messages.consumer_group_heartbeat import CONSUMER_GROUP_HEARTBEAT, ConsumerGroupHeartbeatRequest
from kafkapy.protocol.messages.describe_cluster import DESCRIBE_CLUSTER, DescribeClusterRequest
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from kafkapy.protocol.messages.describe_quorum import DESCRIBE_QUORUM, DescribeQuorumRequest, PartitionData, TopicData
from kafkapy.protocol.messages.produce import PRODUCE
from kafkapy.protocol.messages.streams_group_describe import STREAMS_GROUP_DESCRIBE, StreamsGroupDescribeRequest
from kafkapy.protocol.messages.streams_group_heartbeat import STREAMS_GROUP_HEARTBEAT, StreamsGroupHeartbeatRequest
from kafkapy.protocol.messages.unregister_broker import UNREGISTER_BROKER, UnregisterBrokerRequest
from kafkapy.protocol.messages.update_features import UPDATE_FEATURES, FeatureUpdateKey, UpdateFeaturesRequest

UPGRADE, SAFE, UNSAFE = 1, 2, 3
SERVED = {
    "metadata.version": 30,
    "group.version": 1,
    "transaction.version": 2,
    "share.version": 1,
    "streams.version": 1,
}
ELR = "eligible.leader.replicas.version"


def update(client: Any, *updates: tuple[str, int, int], version: int = 2, validate_only: bool = False) -> Any:
    """(feature, level, kind of change)...; the response."""
    keys = [FeatureUpdateKey(feature, level, upgrade_type=kind) for feature, level, kind in updates]
    return client.send(UPDATE_FEATURES, version, UpdateFeaturesRequest(1000, keys, validate_only))


def finalized(client: Any) -> dict[str, int]:
    response = client.send(API_VERSIONS, 4, ApiVersionsRequest("tests", "1"))
    return {one.name: one.max_version_level for one in response.finalized_features}


async def test_a_new_cluster_says_which_metadata_it_has(client: Any) -> None:
    assert finalized(client) == SERVED | {"kraft.version": 1}


@pytest.fixture
def configured_voters(client: Any) -> Any:
    """A cluster whose voters are named in its configuration, not in its log."""
    client.configure(controller_quorum_voters="1@localhost:9093", controller_listener_names="CONTROLLER")
    return client


async def test_without_voters_in_the_log_there_is_no_kraft_version(configured_voters: Any) -> None:
    client = configured_voters
    assert finalized(client) == SERVED
    assert update(client, ("kraft.version", 0, UPGRADE)).error_code == ErrorCode.NONE
    response = update(client, ("kraft.version", 1, UPGRADE))
    assert "The voters are named in the configuration" in response.error_message
    [partition] = describe_quorum(client, ("__cluster_metadata", [0])).topics[0].partitions
    assert [voter.replica_id for voter in partition.current_voters] == [1]


async def test_without_its_feature_the_consumer_group_protocol_is_not_served(client: Any) -> None:
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, ["t"], topic_partitions=[])
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)).error_code == ErrorCode.NONE
    assert update(client, ("group.version", 0, SAFE)).error_code == ErrorCode.NONE
    refused = await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)
    assert (refused.error_code, refused.error_message) == (ErrorCode.UNSUPPORTED_VERSION, None)
    described = client.send(CONSUMER_GROUP_DESCRIBE, 1, ConsumerGroupDescribeRequest(["g"])).groups[0]
    assert (described.group_id, described.error_code) == ("g", ErrorCode.UNSUPPORTED_VERSION)
    assert update(client, ("group.version", 1, UPGRADE)).error_code == ErrorCode.NONE
    assert (await client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request)).error_code == ErrorCode.NONE


async def test_without_its_feature_the_streams_group_protocol_is_not_served(client: Any) -> None:
    assert update(client, ("streams.version", 0, SAFE)).error_code == ErrorCode.NONE
    refused = await client.ask(STREAMS_GROUP_HEARTBEAT, 0, StreamsGroupHeartbeatRequest("g", "m", 0))
    assert (refused.error_code, refused.error_message) == (ErrorCode.UNSUPPORTED_VERSION, None)
    described = client.send(STREAMS_GROUP_DESCRIBE, 0, StreamsGroupDescribeRequest(["g"])).groups[0]
    assert (described.group_id, described.error_code) == ("g", ErrorCode.UNSUPPORTED_VERSION)


async def test_a_level_is_raised_and_lowered_and_kept(client: Any) -> None:
    assert update(client, (ELR, 1, UPGRADE)).error_code == ErrorCode.NONE
    await client.restart()
    assert finalized(client)[ELR] == 1
    assert update(client, (ELR, 0, SAFE)).error_code == ErrorCode.NONE
    assert ELR not in finalized(client)


async def test_with_eligible_leaders_the_least_in_sync_is_the_clusters(client: Any) -> None:
    update(client, (ELR, 1, UPGRADE))
    resource = DescribeConfigsResource(4, "", ["min.insync.replicas"])
    [result] = client.send(DESCRIBE_CONFIGS, 4, DescribeConfigsRequest([resource])).results
    assert [(one.name, one.value) for one in result.configs] == [("min.insync.replicas", "1")]


async def test_a_trial_changes_nothing(client: Any) -> None:
    assert update(client, (ELR, 1, UPGRADE), validate_only=True).error_code == ErrorCode.NONE
    assert ELR not in finalized(client)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("metadata.version", 31, UPGRADE), "only supports versions"),
        (("metadata.version", 29, SAFE), "only supports versions"),
        (("metadata.version", -1, SAFE), "cannot be less than 0"),
        (("unheard.of", 1, UPGRADE), "does not support this feature"),
        (("unheard.of", 0, UPGRADE), "Feature unheard.of not found."),
        (("kraft.version", 0, UPGRADE), "without setting the upgrade type"),
        (("kraft.version", 0, UNSAFE), "Can't downgrade the version of this feature."),
        ((ELR, 1, SAFE), "Can't downgrade to a newer version."),
        ((ELR, 1, 4), "does not support the given upgrade type"),
    ],
)
async def test_what_is_refused_refuses_all(client: Any, change: tuple[str, int, int], why: str) -> None:
    before = finalized(client)
    response = update(client, (ELR, 1, UPGRADE), change) if change[0] != ELR else update(client, change)
    assert response.error_code == ErrorCode.INVALID_UPDATE_VERSION
    assert why in response.error_message
    assert finalized(client) == before


async def test_old_versions_name_each_feature(client: Any) -> None:
    for version in (0, 1):
        [result] = update(client, ("metadata.version", 30, UPGRADE), version=version).results
        assert (result.feature, result.error_code, result.error_message) == ("metadata.version", 0, "NONE")
        assert update(client, ("metadata.version", 31, UPGRADE), version=version).results == []


def describe_quorum(client: Any, *topics: tuple[str, list[int]]) -> Any:
    asked = [TopicData(name, [PartitionData(index) for index in indexes]) for name, indexes in topics]
    return client.send(DESCRIBE_QUORUM, 2, DescribeQuorumRequest(asked))


async def test_the_broker_leads_its_own_metadata(client: Any) -> None:
    response = describe_quorum(client, ("__cluster_metadata", [0]))
    [partition] = response.topics[0].partitions
    assert (partition.leader_id, partition.leader_epoch) == (1, 1)
    assert partition.high_watermark == client.node.cluster.features_epoch + 1
    [voter] = partition.current_voters
    assert (voter.replica_id, voter.log_end_offset) == (1, partition.high_watermark)
    assert voter.last_fetch_timestamp == voter.last_caught_up_timestamp == client.now()
    assert [(node.node_id, [one.name for one in node.listeners]) for node in response.nodes] == [(1, ["CONTROLLER"])]
    before = partition.high_watermark
    await client.restart()
    [partition] = describe_quorum(client, ("__cluster_metadata", [0])).topics[0].partitions
    assert partition.leader_epoch == 2
    assert partition.high_watermark > before


@pytest.mark.parametrize(
    "topics", [[("t", [0])], [("__cluster_metadata", [1])], [("__cluster_metadata", [0]), ("t", [0])]]
)
async def test_other_partitions_have_no_quorum(client: Any, topics: list[Any]) -> None:
    response = describe_quorum(client, *topics)
    codes = [one.error_code for topic in response.topics for one in topic.partitions]
    assert codes == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] * len(topics)


async def test_a_broker_that_will_not_come_back_is_forgotten(client: Any) -> None:
    def brokers() -> list[int]:
        request = DescribeClusterRequest(include_fenced_brokers=True)
        return [one.broker_id for one in client.send(DESCRIBE_CLUSTER, 2, request).brokers]

    client.add_broker(2)
    assert brokers() == [1, 2]
    assert client.send(UNREGISTER_BROKER, 0, UnregisterBrokerRequest(2)).error_code == ErrorCode.NONE
    assert brokers() == [1]
    response = client.send(UNREGISTER_BROKER, 0, UnregisterBrokerRequest(2))
    assert response.error_code == ErrorCode.BROKER_ID_NOT_REGISTERED
    assert response.error_message == "Broker ID 2 is not currently registered"


async def test_a_broker_that_is_unregistered_while_it_runs_registers_at_its_next_start(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.create("t")
    client.produce("a")
    assert client.send(UNREGISTER_BROKER, 0, UnregisterBrokerRequest(1)).error_code == ErrorCode.NONE
    response = client.send(PRODUCE, 9, client.produce_request(client.batch("b")))
    assert client.only_partition(response).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == [
        "broker 1 was unregistered: it leads nothing until it is started again"
    ]
    await client.restart()
    client.produce("c")
    assert client.read() == ["a", "c"]
