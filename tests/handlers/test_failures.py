"""What clients see of failures: each request's own, told in its own form, and in the log."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.offset_fetch import OFFSET_FETCH, OffsetFetchRequest, OffsetFetchRequestTopic
from kafkapy.server import HangUpError


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


async def test_a_failure_that_nobody_foresaw_is_told_and_logged(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client.node.groups, "run", failing(ZeroDivisionError("nobody foresaw this")))
    response = client.send(HEARTBEAT, 4, HeartbeatRequest("g", 1, "m"))
    assert response.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert "Heartbeat v4 from 'me' at 127.0.0.1" in caplog.text
    assert "nobody foresaw this" in caplog.text


async def test_it_harms_no_other_partition(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client.create("t", 2)
    client.produce("fine", partition=1)
    monkeypatch.setattr(client.node.replicas.get("t", 0), "read", failing(ZeroDivisionError()))
    response = client.send(FETCH, 12, client.fetch_request(("t", 0, 0), ("t", 1, 0)))
    assert [data.error_code for data in response.responses[0].partitions] == [ErrorCode.UNKNOWN_SERVER_ERROR, 0]


async def test_a_version_without_a_place_for_the_error_closes_the_connection(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.node.cluster, "addresses", failing(ZeroDivisionError()))
    with pytest.raises(HangUpError, match="Metadata v12"):
        client.send(METADATA, 12, MetadataRequest(None))
    assert client.send(METADATA, 13, MetadataRequest(None)).error_code == ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("version", range(8))
async def test_groups_that_are_kept_elsewhere(client: Any, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    client.create("t")
    monkeypatch.setattr(client.node.groups._shards, "find", failing(KafkaError(ErrorCode.NOT_COORDINATOR)))
    assert client.commit("g", "t", 0, 5) == ErrorCode.NOT_COORDINATOR
    request = OffsetFetchRequest("g", [OffsetFetchRequestTopic("t", [0])])
    response = client.send(OFFSET_FETCH, version, request)
    if version >= 2:
        assert response.error_code == ErrorCode.NOT_COORDINATOR
    else:
        assert response.topics[0].partitions[0].error_code == ErrorCode.NOT_COORDINATOR
