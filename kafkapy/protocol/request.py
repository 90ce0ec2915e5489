"""A request and its response as frames: which header goes before which body, for brokers and for clients.

A broker:

    head = read_request_head(apis, frame)
    message = read_request(head, frame)
    chunks = encode_response(head.api, head.version, head.correlation_id, answer)

A client:

    frame = encode_request(HEARTBEAT, 4, correlation_id, "me", HeartbeatRequest("group", 1, "member"))
    correlation_id, answer = decode_response(HEARTBEAT, 4, answer_frame)

Frames are without their size: `frame.FrameReader` takes it off, `frame.framed` puts it on.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from kafkapy.protocol.api import API_VERSIONS_KEY, Api
from kafkapy.protocol.codec import UNDECODABLE, DecodeError, decode, decoder, encode, encoder
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.header import RequestHeader, ResponseHeader

_KEY_AND_VERSION = struct.Struct(">hh")
KEY_AND_VERSION_BYTES = _KEY_AND_VERSION.size  # every request begins with them


class UnsupportedRequestError(Exception):
    """An API, or a version of one, that is not spoken here: no answer has a form for it, so close the connection.

    Clients before ApiVersions (kafka-python below 2.x) probe for APIs and count on being closed.
    """


class RequestHead(NamedTuple):
    """What stands before a request's body: `body` is where that starts."""

    api: Api
    version: int
    header: RequestHeader
    body: int

    @property
    def correlation_id(self) -> int:
        return self.header.correlation_id

    @property
    def client_id(self) -> str | None:
        return self.header.client_id

    @property
    def supported(self) -> bool:
        """False only for ApiVersions in a version that is not spoken, whose body cannot be read.

        It is answered with version 0, UNSUPPORTED_VERSION and ApiVersions' own range, from which the client picks one
        and asks again (KIP-511).
        """
        return self.version in self.api.versions


def read_request_head(apis: Mapping[int, Api], frame: Any) -> RequestHead:
    """The head of a request, in the header version that its API and version call for.

    Raises UnsupportedRequestError for an API that is not in `apis` or a version that it does not have (ApiVersions
    excepted, see `RequestHead.supported`), and DecodeError where the bytes are no header.
    """
    try:
        key, version = _KEY_AND_VERSION.unpack_from(frame)
    except struct.error:
        raise DecodeError(f"a request of {len(frame)} bytes has no room for an API key and a version") from None
    api = apis.get(key)
    if api is None:
        raise UnsupportedRequestError(f"API key {key} (version {version}) is not served")
    if version in api.versions:
        header, body = decode(RequestHeader, api.request_header_version(version), frame)
    elif key == API_VERSIONS_KEY:
        # What stands at the front of every header is enough for an answer; what follows has a form unknown here.
        header, body = decode(RequestHeader, 1, frame)
    else:
        first, last = api.versions
        raise UnsupportedRequestError(f"{api.name} (key {key}) v{version} is not served, only v{first} to v{last} are")
    return RequestHead(api, version, header, body)


def read_request(head: RequestHead, frame: Any) -> Any:
    """The request's message. Raises DecodeError where the bytes are not one."""
    message, _ = decode(head.api.request, head.version, frame, head.body)
    return message


class Dialect:
    """An API in one version, with the emitted code of its requests and responses at hand: for who reads many."""

    __slots__ = ("_read", "_read_header", "_write", "_write_header", "api", "version")

    def __init__(self, api: Api, version: int) -> None:
        self.api = api
        self.version = version
        self._read_header = decoder(RequestHeader, api.request_header_version(version))
        self._read = decoder(api.request, version)
        self._write_header = encoder(ResponseHeader, api.response_header_version(version))
        self._write = encoder(api.response, version)

    def read(self, frame: Any) -> tuple[RequestHeader, Any]:
        """The header and the message of a request in this version. Raises DecodeError where the bytes are not one."""
        try:
            header, body = self._read_header(frame, 0)
            return header, self._read(frame, body)[0]
        except UNDECODABLE:
            head = read_request_head({self.api.key: self.api}, frame)
            return head.header, read_request(head, frame)  # which says what is wrong

    def write(self, correlation_id: int, message: Any) -> list[Any]:
        """The response as chunks, its header first: bytes, and the values of records fields as they stand."""
        chunks: list[Any] = []
        write = chunks.append
        self._write_header(ResponseHeader(correlation_id), write)
        self._write(message, write)
        return chunks


def encode_response(api: Api, version: int, correlation_id: int, message: Any) -> list[Any]:
    """What `Dialect.write` makes of the response."""
    return Dialect(api, version).write(correlation_id, message)


def encode_request(api: Api, version: int, correlation_id: int, client_id: str | None, message: Any) -> bytes:
    """The request as one frame; every records field must hold bytes."""
    header = RequestHeader(api.key, version, correlation_id, client_id)
    return b"".join(encode(header, api.request_header_version(version)) + encode(message, version))


def decode_response(api: Api, version: int, frame: Any) -> tuple[int, Any]:
    """The response's correlation id and message; records fields are views of `frame`. Raises DecodeError.

    An ApiVersions response that refuses the version has the form of version 0, whatever was asked (KIP-511).
    """
    header, body = decode(ResponseHeader, api.response_header_version(version), frame)
    if api.key == API_VERSIONS_KEY and _is_refusal(frame, body):
        version = 0
    message, _ = decode(api.response, version, frame, body)
    return header.correlation_id, message


def _is_refusal(frame: Any, body: int) -> bool:
    return bytes(frame[body : body + 2]) == ErrorCode.UNSUPPORTED_VERSION.to_bytes(2)
