"""Takes one request to its handler and its response back to bytes.

What no handler should see is settled here: an API or version that is not served, bytes that cannot be decoded, and
failures that nobody foresaw.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable, Mapping
from typing import Any

from kafkapy.handlers.call import Call, ConnectionClosed, Handler, Node
from kafkapy.protocol.codec import DecodeError, decode, encode
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.api_versions import API_VERSIONS
from kafkapy.protocol.messages.header import RequestHeader
from kafkapy.server import HangUpError, Reply

logger = logging.getLogger(__name__)

_KEY_AND_VERSION = struct.Struct(">hh")
_CORRELATION_ID = struct.Struct(">i")
_CORRELATION_ID_AND_NO_TAGS = struct.Struct(">ib")


class Broker:
    """Answers requests with the handlers it is given."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._handlers: Mapping[int, Handler] = node.handlers

    def answer(self, frame: bytearray, client_host: str, listener: str) -> Reply | Awaitable[Reply]:
        """The reply to one request, or a coroutine for one that has to wait. Raises HangUpError."""
        call, request = self._decode(frame, client_host, listener)
        try:
            response = self._handlers[call.api.key].handle(request, call)
        except Exception as error:  # every failure gets its answer, and harms no other connection
            response = self._failed(call, error)
        if isinstance(response, Awaitable):
            return self._wait_for(call, response)
        return self._encode(call, response)

    async def _wait_for(self, call: Call, pending: Awaitable[Any]) -> Reply:
        try:
            response = await pending
        except Exception as error:  # every failure gets its answer, and harms no other connection
            response = self._failed(call, error)
        return self._encode(call, response)

    def _decode(self, frame: bytearray, client_host: str, listener: str) -> tuple[Call, Any]:
        if len(frame) < _KEY_AND_VERSION.size:
            raise HangUpError(f"a request of {len(frame)} bytes has no room for its header")
        key, version = _KEY_AND_VERSION.unpack_from(frame)
        handler = self._handlers.get(key)
        if handler is None:
            raise HangUpError(f"API key {key} is not served")
        api = handler.api
        try:
            if version not in handler.versions:
                if api is not API_VERSIONS:
                    raise HangUpError(f"{api.name} v{version} is not served")
                # A client that is newer than we are must still learn what we speak (KIP-511): the reply is v0.
                header, _ = decode(RequestHeader, 1, frame)
                return Call(self._node, api, version, header, client_host, listener), None
            header, position = decode(RequestHeader, api.request_header_version(version), frame)
            request, _ = decode(api.request, version, frame, position)
        except DecodeError as error:
            raise HangUpError(str(error)) from None
        return Call(self._node, api, version, header, client_host, listener), request

    def _encode(self, call: Call, response: Any) -> Reply:
        if response is None:
            return None
        api = call.api
        version = call.version if call.version in self._handlers[api.key].versions else 0
        correlation_id = call.header.correlation_id
        head = (
            _CORRELATION_ID_AND_NO_TAGS.pack(correlation_id, 0)
            if api.response_header_version(version)
            else _CORRELATION_ID.pack(correlation_id)
        )
        return [head, *encode(response, version)]

    def _failed(self, call: Call, error: Exception) -> Any:
        """The response to a request that failed as a whole, where its API has a place for an error."""
        if isinstance(error, ConnectionClosed):
            raise HangUpError(str(error)) from None
        request = f"{call.api.name} v{call.version} from {call.client_id!r} at {call.client_host}"
        code = error.code if isinstance(error, KafkaError) else ErrorCode.UNKNOWN_SERVER_ERROR
        if isinstance(error, KafkaError):
            logger.warning("%s: %s", request, error)
        else:
            logger.error("%s failed", request, exc_info=error)
        response = call.api.response()
        if not hasattr(response, "error_code"):
            raise HangUpError(f"{request} failed: {error}") from None
        response.error_code = code
        return response
