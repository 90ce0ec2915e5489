"""IncrementalAlterConfigs and AlterConfigs: what a client gets, and what is then set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kafkapy.metadata.config_changes import APPEND, DELETE, SET, SUBTRACT, ConfigRules
from kafkapy.metadata.controller import Controller
from kafkapy.metadata.image import BROKER_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_configs as ac
from kafkapy.protocol.messages import create_topics as ct
from kafkapy.protocol.messages import incremental_alter_configs as iac
from kafkapy.protocol.records import metadata as m

TOPIC = (TOPIC_RESOURCE, "t")
LISTS = {"cleanup.policy": "delete", "throttled": ""}


def check(kind: int, name: str, altered: Mapping[str, str | None], after: Mapping[str, str]) -> None:
    """Low must stay below high, and nothing may be bad."""
    if "bad" in after.values() or int(after.get("low", 0)) > int(after.get("high", 9)):
        raise KafkaError(ErrorCode.INVALID_CONFIG, "it is bad")


@pytest.fixture
def topics(cluster: Any) -> Any:
    """The cluster with the topic t, and rules of its own."""
    rules = ConfigRules(check, lambda kind, name: LISTS.get(name))
    cluster.controller = Controller(cluster.image, cluster.rules, cluster.new_id, rules)
    records, _ = cluster.controller.create_topics(ct.CreateTopicsRequest(topics=[ct.CreatableTopic("t", 1, 1)]))
    cluster.commit(records)
    return cluster


def alter(cluster: Any, *resources: tuple[Any, ...], validate_only: bool = False) -> list[str]:
    """Change (type, name), (setting, operation, value)...; the error's name for each resource."""
    asked = [iac.AlterConfigsResource(*who, [iac.AlterableConfig(*one) for one in what]) for who, *what in resources]
    request = iac.IncrementalAlterConfigsRequest(asked, validate_only)
    records, response = cluster.controller.incremental_alter_configs(request)
    cluster.commit(records)
    return [ErrorCode(one.error_code).name for one in response.responses]


def replace(cluster: Any, who: tuple[int, str], **settings: str | None) -> list[str]:
    asked = ac.AlterConfigsResource(*who, [ac.AlterableConfig(*one) for one in settings.items()])
    records, response = cluster.controller.alter_configs(ac.AlterConfigsRequest([asked]))
    cluster.commit(records)
    return [ErrorCode(one.error_code).name for one in response.responses]


def test_settings_are_set_and_deleted(topics: Any) -> None:
    assert alter(topics, (TOPIC, ("low", SET, "1"), ("high", SET, "3"))) == ["NONE"]
    assert topics.image.configs(*TOPIC) == {"low": "1", "high": "3"}
    assert alter(topics, (TOPIC, ("low", DELETE, None), ("never.set", DELETE, "x"))) == ["NONE"]
    assert topics.image.configs(*TOPIC) == {"high": "3"}


def test_lists_grow_from_their_default_and_shrink(topics: Any) -> None:
    for operation, value, expected in (
        (APPEND, "compact,delete", "delete,compact"),
        (APPEND, "compact", "delete,compact"),
        (SUBTRACT, "delete,absent", "compact"),
        (SUBTRACT, "compact", ""),
        (APPEND, "x", "x"),
    ):
        assert alter(topics, (TOPIC, ("cleanup.policy", operation, value))) == ["NONE"]
        assert topics.image.configs(*TOPIC) == {"cleanup.policy": expected}


@pytest.mark.parametrize("operation", [APPEND, SUBTRACT])
def test_only_lists_grow_and_shrink(topics: Any, operation: int) -> None:
    assert alter(topics, (TOPIC, ("low", operation, "1"))) == ["INVALID_CONFIG"]


@pytest.mark.parametrize(
    "changes",
    [
        [("low", SET, None)],
        [("cleanup.policy", APPEND, None)],
        [("low", SET, "1"), ("low", SET, "1")],
        [("low", SET, "1"), ("low", DELETE, None)],
        [("low", 4, "1")],
    ],
)
def test_requests_that_make_no_sense(topics: Any, changes: list[Any]) -> None:
    assert alter(topics, (TOPIC, *changes)) == ["INVALID_REQUEST"]


def test_all_changes_of_a_resource_are_made_or_none(topics: Any) -> None:
    answers = alter(
        topics, (TOPIC, ("low", SET, "1"), ("high", SET, "bad")), ((GROUP_RESOURCE, "g"), ("low", SET, "2"))
    )
    assert answers == ["INVALID_CONFIG", "NONE"]
    assert topics.image.configs(*TOPIC) == {}
    assert topics.image.configs(GROUP_RESOURCE, "g") == {"low": "2"}


def test_changes_are_judged_together_with_what_was_set_before(topics: Any) -> None:
    assert alter(topics, (TOPIC, ("high", SET, "3"))) == ["NONE"]
    assert alter(topics, (TOPIC, ("low", SET, "4"))) == ["INVALID_CONFIG"]
    assert alter(topics, (TOPIC, ("low", SET, "4"), ("high", DELETE, None))) == ["NONE"]


def test_a_resource_named_twice_is_refused_both_times(topics: Any) -> None:
    answers = alter(topics, (TOPIC, ("low", SET, "1")), ((GROUP_RESOURCE, "t"), ("low", SET, "1")), (TOPIC,))
    assert answers == ["INVALID_REQUEST", "NONE", "INVALID_REQUEST"]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ((TOPIC_RESOURCE, "none"), "UNKNOWN_TOPIC_OR_PARTITION"),
        ((TOPIC_RESOURCE, ""), "INVALID_REQUEST"),
        ((TOPIC_RESOURCE, "a b"), "INVALID_TOPIC_EXCEPTION"),
        ((GROUP_RESOURCE, ""), "INVALID_REQUEST"),
        ((99, "x"), "INVALID_REQUEST"),
        ((0, "x"), "INVALID_REQUEST"),
    ],
)
def test_resources_on_which_nothing_can_be_set(topics: Any, who: tuple[int, str], error: str) -> None:
    assert alter(topics, (who,)) == [error]
    assert replace(topics, who) == [error]


def test_validate_only_changes_nothing(topics: Any) -> None:
    assert alter(topics, (TOPIC, ("low", SET, "1")), validate_only=True) == ["NONE"]
    assert alter(topics, (TOPIC, ("low", SET, "bad")), validate_only=True) == ["INVALID_CONFIG"]
    assert topics.image.configs(*TOPIC) == {}


def test_nothing_is_written_for_a_topic_that_stays_as_it_is(topics: Any) -> None:
    alter(topics, (TOPIC, ("low", SET, "1")), ((BROKER_RESOURCE, ""), ("low", SET, "1")))
    before = len(topics.log)
    alter(topics, (TOPIC, ("low", SET, "1")), ((BROKER_RESOURCE, ""), ("low", SET, "1")))
    assert topics.log[before:] == [m.ConfigRecord(BROKER_RESOURCE, "", "low", "1")]


def test_alter_configs_replaces_all(topics: Any) -> None:
    assert replace(topics, TOPIC, low="1", high="3") == ["NONE"]
    assert replace(topics, TOPIC, high="4") == ["NONE"]
    assert topics.image.configs(*TOPIC) == {"high": "4"}
    assert replace(topics, TOPIC, high=None) == ["INVALID_REQUEST"]
    assert replace(topics, TOPIC, high="bad") == ["INVALID_CONFIG"]
    assert topics.image.configs(*TOPIC) == {"high": "4"}
    assert replace(topics, TOPIC) == ["NONE"]
    assert topics.image.configs(*TOPIC) == {}


def test_with_eligible_leader_replicas_the_cluster_keeps_its_least_in_sync_count(topics: Any) -> None:
    everyone, one = (BROKER_RESOURCE, ""), (BROKER_RESOURCE, "1")
    topics.commit([m.FeatureLevelRecord("eligible.leader.replicas.version", 1)])
    assert alter(topics, (everyone, ("min.insync.replicas", SET, "2"))) == ["NONE"]
    assert alter(topics, (everyone, ("min.insync.replicas", DELETE, None))) == ["INVALID_CONFIG"]
    assert alter(topics, (one, ("min.insync.replicas", SET, "2"))) == ["INVALID_CONFIG"]
    assert replace(topics, everyone) == ["INVALID_CONFIG"]
