"""Requests and responses as frames: headers of each version, what is refused, and ApiVersions' special cases."""

from __future__ import annotations

import pytest

from kafkapy.protocol import (
    DecodeError,
    ErrorCode,
    FrameReader,
    UnsupportedRequestError,
    decode_response,
    encode_request,
    encode_response,
    find_apis,
    framed,
    read_request,
    read_request_head,
)
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from kafkapy.protocol.messages.fetch import FETCH, FetchableTopicResponse, FetchResponse, PartitionData
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest, HeartbeatResponse
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest

APIS = find_apis()


@pytest.mark.parametrize("version", range(5))
def test_a_request_comes_back_from_its_frame(version: int) -> None:
    request = HeartbeatRequest("readers", 3, "one", "static" if version >= 3 else None)
    frame = bytearray(encode_request(HEARTBEAT, version, 77, "me", request))

    head = read_request_head(APIS, frame)

    assert (head.api, head.version, head.correlation_id, head.client_id) == (HEARTBEAT, version, 77, "me")
    assert head.supported
    assert read_request(head, frame) == request


@pytest.mark.parametrize("version", range(5))
def test_a_response_comes_back_from_its_frame(version: int) -> None:
    response = HeartbeatResponse(throttle_time_ms=9 if version else 0, error_code=ErrorCode.REBALANCE_IN_PROGRESS)

    frame = b"".join(encode_response(HEARTBEAT, version, 78, response))

    assert decode_response(HEARTBEAT, version, frame) == (78, response)


def test_the_bytes_of_a_heartbeat_are_those_of_the_protocol_guide() -> None:
    old = encode_request(HEARTBEAT, 0, 1, None, HeartbeatRequest("g", 2, "m"))
    new = encode_request(HEARTBEAT, 4, 1, "me", HeartbeatRequest("g", 2, "m", None))

    assert old == b"\0\x0c\0\0\0\0\0\x01\xff\xff\0\x01g\0\0\0\x02\0\x01m"
    assert new == b"\0\x0c\0\x04\0\0\0\x01\0\x02me\0\x02g\0\0\0\x02\x02m\0\0"


def test_unknown_tags_in_the_header_are_skipped() -> None:
    frame = b"\0\x0c\0\x04\0\0\0\x01\0\x02me\x02\x05\x03abc\x09\0\x02g\0\0\0\x02\x02m\0\0"

    assert read_request(read_request_head(APIS, frame), frame) == HeartbeatRequest("g", 2, "m")


def test_records_are_sent_as_they_stand() -> None:
    batch = memoryview(b"a record batch")
    response = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[PartitionData(records=batch)])])

    chunks = encode_response(FETCH, 11, 5, response)

    assert any(chunk is batch for chunk in chunks)
    (frame,) = FrameReader(1000).feed(b"".join(framed(chunks)))
    _, answer = decode_response(FETCH, 11, frame)
    assert answer.responses[0].partitions[0].records == batch


@pytest.mark.parametrize("version", [5, 99, 32767, -1])
def test_api_versions_of_an_unknown_version_can_be_answered(version: int) -> None:
    frame = API_VERSIONS.key.to_bytes(2) + version.to_bytes(2, signed=True) + b"\0\0\0\x2a\0\x02me\xff\xff\xff"

    head = read_request_head(APIS, frame)

    assert (head.api, head.version, head.correlation_id, head.client_id) == (API_VERSIONS, version, 42, "me")
    assert not head.supported
    refusal = ApiVersionsResponse(ErrorCode.UNSUPPORTED_VERSION, [ApiVersion(18, *API_VERSIONS.versions)])
    answer = b"".join(encode_response(API_VERSIONS, 0, head.correlation_id, refusal))
    assert answer == b"\0\0\0\x2a\0\x23\0\0\0\x01\0\x12\0\0\0\x04"
    assert decode_response(API_VERSIONS, 4, answer) == (42, refusal)


def test_an_api_versions_response_has_no_tags_in_its_header() -> None:
    response = ApiVersionsResponse(api_keys=[ApiVersion(0, 0, 13)])

    frame = b"".join(encode_response(API_VERSIONS, 4, 7, response))

    assert frame == b"\0\0\0\x07\0\0\x02\0\0\0\0\0\x0d\0\0\0\0\0\0"
    assert decode_response(API_VERSIONS, 4, frame) == (7, response)


def test_an_unknown_api_or_version_is_refused() -> None:
    with pytest.raises(UnsupportedRequestError, match=r"API key 999 \(version 3\)"):
        read_request_head(APIS, b"\x03\xe7\0\x03\0\0\0\x01\xff\xff")
    with pytest.raises(UnsupportedRequestError, match=r"Heartbeat \(key 12\) v5 is not served, only v0 to v4 are"):
        read_request_head(APIS, b"\0\x0c\0\x05\0\0\0\x01\xff\xff\0")
    with pytest.raises(UnsupportedRequestError, match="v-1 is not served"):
        read_request_head(APIS, b"\0\x0c\xff\xff\0\0\0\x01\xff\xff\0")


def test_a_version_that_kafka_has_not_made_stable_is_not_spoken() -> None:
    frame = encode_request(INIT_PRODUCER_ID, 6, 1, "me", InitProducerIdRequest(enable2_pc=True))

    with pytest.raises(UnsupportedRequestError, match="only v0 to v5"):
        read_request_head(APIS, frame)


def test_a_truncated_request_is_refused_wherever_it_ends() -> None:
    whole = encode_request(API_VERSIONS, 4, 1, "me", ApiVersionsRequest("client", "1.0"))
    for end in range(len(whole)):
        with pytest.raises(DecodeError):
            read_request(read_request_head(APIS, whole[:end]), whole[:end])
