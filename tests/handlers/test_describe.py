"""DescribeConfigs, DescribeCluster and DescribeTopicPartitions."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_CLUSTER, ON_TOPIC
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_cluster import DESCRIBE_CLUSTER, DescribeClusterRequest
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from kafkapy.protocol.messages.describe_topic_partitions import (
    DESCRIBE_TOPIC_PARTITIONS,
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)

TOPIC, BROKER, LOGGER, GROUP = 2, 4, 8, 32
CONFIGS = range(DESCRIBE_CONFIGS.versions.last + 1)
FROM_TOPIC, FROM_DEFAULT = 1, 5


class TestDescribeConfigs:
    def describe(self, client: Any, version: int, kind: int, name: str, keys: Any = None, **options: Any) -> Any:
        request = DescribeConfigsRequest([DescribeConfigsResource(kind, name, keys)], **options)
        [result] = client.send(DESCRIBE_CONFIGS, version, request).results
        assert (result.resource_type, result.resource_name) == (kind, name)
        return result

    @pytest.mark.parametrize("version", CONFIGS)
    async def test_a_topic(self, client: Any, version: int) -> None:
        client.create("t", retention_ms=5000)
        result = self.describe(client, version, TOPIC, "t", include_synonyms=True, include_documentation=True)
        assert (result.error_code, result.error_message) == (ErrorCode.NONE, "")
        configs = {config.name: config for config in result.configs}
        assert configs["retention.ms"].value == "5000"
        assert configs["cleanup.policy"].value == "delete"
        if version == 0:
            assert [configs[name].is_default for name in ("retention.ms", "cleanup.policy")] == [False, True]
        else:
            assert configs["retention.ms"].config_source == FROM_TOPIC
            synonyms = {name: [synonym.name for synonym in configs[name].synonyms] for name in configs}
            assert synonyms["retention.ms"] == ["retention.ms"]
            assert synonyms["cleanup.policy"] == ["log.cleanup.policy"]
            assert configs["cleanup.policy"].config_source == FROM_DEFAULT
        if version >= 3:
            assert all(config.documentation for config in result.configs)

    @pytest.mark.parametrize("version", CONFIGS)
    async def test_only_what_is_asked_for(self, client: Any, version: int) -> None:
        client.create("t")
        result = self.describe(client, version, TOPIC, "t", ["retention.ms", "no.such.thing"])
        assert [config.name for config in result.configs] == ["retention.ms"]
        assert result.configs[0].synonyms == []
        assert len(self.describe(client, version, TOPIC, "t", []).configs) > 20, "no keys are all keys"

    @pytest.mark.parametrize("version", CONFIGS)
    @pytest.mark.parametrize(
        ("kind", "name", "code"),
        [
            (TOPIC, "nowhere", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            (TOPIC, "no way", ErrorCode.INVALID_TOPIC_EXCEPTION),
            (BROKER, "7", ErrorCode.INVALID_REQUEST),
            (BROKER, "x", ErrorCode.INVALID_REQUEST),
            (LOGGER, "", ErrorCode.INVALID_REQUEST),
            (GROUP, "", ErrorCode.INVALID_REQUEST),
            (99, "x", ErrorCode.INVALID_REQUEST),
        ],
    )
    async def test_refusals(self, client: Any, version: int, kind: int, name: str, code: ErrorCode) -> None:
        result = self.describe(client, version, kind, name)
        assert (result.error_code, result.configs) == (code, [])
        assert result.error_message

    async def test_the_broker_its_defaults_its_loggers_and_groups(self, client: Any) -> None:
        port = self.describe(client, 4, BROKER, "1", ["listeners"])
        assert port.configs[0].value == "PLAINTEXT://localhost:9092"
        assert self.describe(client, 4, BROKER, "").error_code == ErrorCode.NONE
        assert self.describe(client, 4, LOGGER, "1").configs[0].value in ("INFO", "WARN")
        assert self.describe(client, 4, GROUP, "g").error_code == ErrorCode.NONE


class TestDescribeCluster:
    @pytest.mark.parametrize("version", [0, 1, 2])
    async def test_the_cluster(self, client: Any, version: int) -> None:
        found = client.send(DESCRIBE_CLUSTER, version, DescribeClusterRequest())
        assert (found.error_code, found.controller_id) == (ErrorCode.NONE, 1)
        assert found.cluster_id == client.node.cluster.image.cluster_id
        assert [(node.broker_id, node.host, node.port, node.rack) for node in found.brokers] == [
            (1, "localhost", 9092, None)
        ]
        assert found.cluster_authorized_operations == NOT_ASKED
        asked = DescribeClusterRequest(include_cluster_authorized_operations=True)
        assert client.send(DESCRIBE_CLUSTER, version, asked).cluster_authorized_operations == ON_CLUSTER

    @pytest.mark.parametrize("version", [1, 2])
    async def test_a_broker_is_no_controller(self, client: Any, version: int) -> None:
        codes = {
            2: ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            3: ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        }
        for kind, code in codes.items():
            found = client.send(DESCRIBE_CLUSTER, version, DescribeClusterRequest(endpoint_type=kind))
            assert (found.error_code, found.brokers) == (code, [])


class TestDescribeTopicPartitions:
    def describe(self, client: Any, names: str, limit: int = 2000, cursor: tuple[str, int] | None = None) -> Any:
        start = None if cursor is None else Cursor(*cursor)
        request = DescribeTopicPartitionsRequest([TopicRequest(name) for name in names.split()], limit, start)
        return client.send(DESCRIBE_TOPIC_PARTITIONS, 0, request)

    def pages(self, client: Any, names: str, limit: int) -> list[list[tuple[str, int]]]:
        """Topic and partition of everything, page by page."""
        found = []
        cursor = None
        while True:
            page = self.describe(client, names, limit, cursor)
            found.append([(topic.name, one.partition_index) for topic in page.topics for one in topic.partitions])
            if page.next_cursor is None:
                return found
            cursor = (page.next_cursor.topic_name, page.next_cursor.partition_index)

    @pytest.fixture
    def two(self, client: Any) -> Any:
        return lambda: (client.create("a", 3), client.create("b", 2))

    @pytest.mark.parametrize("names", ["b a", ""])
    async def test_pages(self, client: Any, two: Any, names: str) -> None:
        two()
        everything = [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)]
        assert self.pages(client, names, 2000) == [everything]
        assert self.pages(client, names, 2) == [everything[:2], everything[2:4], everything[4:]]
        assert self.pages(client, names, 3) == [everything[:3], everything[3:]]
        assert self.pages(client, names, 0) == [[one] for one in everything]

    async def test_what_a_partition_is(self, client: Any, two: Any) -> None:
        two()
        [topic] = self.describe(client, "b").topics
        assert (topic.error_code, topic.is_internal, topic.topic_authorized_operations) == (0, False, ON_TOPIC)
        partition = topic.partitions[1]
        assert (partition.leader_id, partition.replica_nodes, partition.isr_nodes, partition.offline_replicas) == (
            *(1, [1], [1]),
            [],
        )

    async def test_what_does_not_exist(self, client: Any, two: Any) -> None:
        two()
        found = self.describe(client, "a nowhere no!way").topics
        assert [(topic.name, topic.error_code) for topic in found] == [
            ("a", ErrorCode.NONE),
            ("no!way", ErrorCode.INVALID_TOPIC_EXCEPTION),
            ("nowhere", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ]

    @pytest.mark.parametrize("cursor", [("a", -1), ("c", 0)])
    async def test_a_cursor_that_points_nowhere(self, client: Any, two: Any, cursor: tuple[str, int]) -> None:
        two()
        found = self.describe(client, "a b", 2, cursor).topics
        assert [topic.error_code for topic in found] == [ErrorCode.INVALID_REQUEST] * 2

    async def test_the_brokers_own_limit(self, client: Any, two: Any) -> None:
        two()
        assert [len(page) for page in self.pages(client, "", 2000)] == [4, 1]

    @pytest.fixture(autouse=True)
    def limit(self, client: Any, request: Any) -> None:
        if "brokers_own" in request.node.name:
            client.configure(max_request_partition_size_limit=4)
