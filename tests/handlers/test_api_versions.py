"""ApiVersions, and what the broker does with requests that it does not serve."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kafkapy.handlers.call import find_handlers
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.request import decode_response
from kafkapy.server import HangUpError

VERSIONS = range(API_VERSIONS.versions.last + 1)


def ranges(response: Any) -> dict[int, tuple[int, int]]:
    return {one.api_key: (one.min_version, one.max_version) for one in response.api_keys}


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_served_is_advertised(client: Any, version: int) -> None:
    response = client.send(API_VERSIONS, version, ApiVersionsRequest("tests", "1.0"))
    assert response.error_code == ErrorCode.NONE
    assert ranges(response) == {handler.api.key: tuple(handler.api.versions) for handler in find_handlers().values()}
    if version >= 3:
        levels = {one.name: one.max_version_level for one in response.finalized_features}
        assert levels == {
            "group.version": 1,
            "kraft.version": 1,
            "metadata.version": 30,
            "share.version": 1,
            "streams.version": 1,
            "transaction.version": 2,
        }
        assert response.finalized_features_epoch > 0
        assert {one.name for one in response.supported_features} >= {"metadata.version"}
        assert all(one.min_version > 0 for one in response.supported_features) == (version < 4)


@pytest.mark.parametrize("version", [5, 99, 32767])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\6tests\41.0\0"])
async def test_a_newer_client_learns_our_range(client: Any, version: int, tail: bytes) -> None:
    frame = bytearray(struct.pack(">hhih", 18, version, 77, -1) + tail)
    reply = b"".join(client.broker.answer(frame, client.host, client.listener, {}))
    correlation_id, response = decode_response(API_VERSIONS, 0, reply)
    assert (correlation_id, response.error_code) == (77, ErrorCode.UNSUPPORTED_VERSION)
    assert ranges(response) == {18: (0, API_VERSIONS.versions.last)}


@pytest.mark.parametrize("version", VERSIONS[3:])
@pytest.mark.parametrize("software", [("", "1.0"), ("me", ""), ("with space", "1"), ("-me", "1"), ("me", "1.")])
async def test_software_must_have_a_name(client: Any, version: int, software: tuple[str, str]) -> None:
    response = client.send(API_VERSIONS, version, ApiVersionsRequest(*software))
    assert (response.error_code, response.api_keys) == (ErrorCode.INVALID_REQUEST, [])


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">hhih", 999, 0, 1, -1),  # an API that there is not
        struct.pack(">hhih", 17, 0, 1, -1),  # one that is not served: SaslHandshake
        struct.pack(">hhih", 12, 99, 1, -1),  # a version that there is not
        struct.pack(">hhih", 12, -1, 1, -1),
        struct.pack(">hhih", 12, 0, 1, -1),  # no body
        b"\0\x0c",
        b"",
    ],
)
async def test_what_cannot_be_answered_closes_the_connection(client: Any, frame: bytes) -> None:
    with pytest.raises(HangUpError):
        client.broker.answer(bytearray(frame), client.host, client.listener, {})
