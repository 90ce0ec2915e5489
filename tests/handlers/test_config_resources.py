"""What there is to configure, and subscriptions to clients' metrics (KIP-714, KIP-1142)."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.handlers.call import find_handlers
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.list_config_resources import LIST_CONFIG_RESOURCES, ListConfigResourcesRequest

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND = 0, 1, 2


def alter(client: Any, kind: int, name: str, *changes: tuple[str, int, str | None]) -> tuple[str, str | None]:
    resource = AlterConfigsResource(kind, name, [AlterableConfig(*change) for change in changes])
    [answer] = client.send(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([resource])).responses
    return ErrorCode(answer.error_code).name, answer.error_message


def shown(client: Any, name: str) -> dict[str, tuple[str, int, int, list[int]]]:
    """A subscription's properties: value, source, type, sources of the synonyms."""
    request = DescribeConfigsRequest([DescribeConfigsResource(METRICS, name, None)], True)
    [result] = client.send(DESCRIBE_CONFIGS, 4, request).results
    assert result.error_code == ErrorCode.NONE
    return {
        one.name: (one.value, one.config_source, one.config_type, [synonym.source for synonym in one.synonyms])
        for one in result.configs
    }


def listed(client: Any, *kinds: int, version: int = 1) -> list[tuple[int, str]]:
    response = client.send(LIST_CONFIG_RESOURCES, version, ListConfigResourcesRequest(list(kinds)))
    assert response.error_code == ErrorCode.NONE
    return sorted((one.resource_type, one.resource_name) for one in response.config_resources)


async def test_everything_that_can_be_configured_is_listed(client: Any) -> None:
    client.create("t")
    alter(client, GROUP, "g", ("consumer.session.timeout.ms", SET, "50000"))
    alter(client, METRICS, "m", ("metrics", SET, "*"))
    everything = [(TOPIC, "t"), (BROKER, "1"), (LOGGER, "1"), (METRICS, "m"), (GROUP, "g")]
    assert listed(client) == everything
    assert listed(client, TOPIC, TOPIC, GROUP) == [(TOPIC, "t"), (GROUP, "g")]
    assert listed(client, version=0) == [(METRICS, "m")]
    alter(client, METRICS, "m", ("metrics", DELETE, None))
    assert listed(client, METRICS) == []


async def test_a_type_that_there_is_not(client: Any) -> None:
    response = client.send(LIST_CONFIG_RESOURCES, 1, ListConfigResourcesRequest([TOPIC, 64]))
    assert (response.error_code, response.config_resources) == (ErrorCode.UNSUPPORTED_VERSION, [])


async def test_a_subscription_is_shown_kept_and_deleted(client: Any) -> None:
    changes = ("interval.ms", SET, "15000"), ("match", SET, "client_id=a.*,client_software_name=x")
    assert alter(client, METRICS, "m", *changes)[0] == "NONE"
    expected = {
        "interval.ms": ("15000", 7, 3, [7]),
        "match": ("client_id=a.*,client_software_name=x", 7, 7, [7]),
        "metrics": ("", 5, 7, []),
    }
    assert shown(client, "m") == expected
    await client.restart()
    assert shown(client, "m") == expected
    assert alter(client, METRICS, "m", *((name, DELETE, None) for name in expected))[0] == "NONE"
    assert shown(client, "m")["interval.ms"] == ("300000", 5, 3, [])


@pytest.mark.parametrize(
    ("name", "setting", "operation", "value", "code", "why"),
    [
        ("m", "interval.ms", SET, "99", "INVALID_REQUEST", "interval must be between 100 and 3600000 (1 hour)"),
        ("m", "interval.ms", SET, "x", "INVALID_CONFIG", "Not a number of type INT"),
        ("m", "match", SET, "bogus", "INVALID_CONFIG", "Illegal client matching pattern: bogus"),
        ("m", "match", SET, "bogus=x", "INVALID_CONFIG", "Illegal client matching pattern: bogus=x"),
        ("m", "match", SET, "client_id=[", "INVALID_CONFIG", "Illegal client matching pattern: client_id=["),
        ("m", "metrics", APPEND, "x", "INVALID_CONFIG", "Can't APPEND to key metrics because its type is not LIST."),
        ("m", "nope", SET, "x", "INVALID_REQUEST", "Unknown client metrics configuration: nope"),
        ("", "metrics", SET, "x", "INVALID_REQUEST", "Subscription name can't be empty"),
    ],
)
async def test_what_a_subscription_cannot_have(
    client: Any, name: str, setting: str, operation: int, value: str, code: str, why: str
) -> None:
    found, text = alter(client, METRICS, name, (setting, operation, value))
    assert found == code
    assert why in (text or "")
    assert listed(client, METRICS) == []


async def test_nobody_is_asked_for_metrics(client: Any) -> None:
    # As Apache Kafka without a receiver's plugin: a client that is not offered these APIs sends nothing.
    assert not find_handlers().keys() & {71, 72}
    request = DescribeConfigsRequest([DescribeConfigsResource(METRICS, "", None)])
    [result] = client.send(DESCRIBE_CONFIGS, 4, request).results
    assert result.error_code == ErrorCode.INVALID_REQUEST
