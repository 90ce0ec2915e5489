"""Takes one request to its handler and its response back to bytes.

What no handler should see is settled here: an API or version that is not served, bytes that cannot be decoded, and
failures that nobody foresaw.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from kafkapy.handlers.call import Call, HangUpError, Node
from kafkapy.protocol.codec import DecodeError
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.message import wires
from kafkapy.protocol.request import UnsupportedRequestError, encode_response, read_request, read_request_head

logger = logging.getLogger(__name__)

Reply = list[Any] | None  # chunks: bytes, or slices of files; None where the client wants no reply


class Broker:
    """Answers requests with the handlers it is given."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._handlers = node.handlers
        self._apis = {key: handler.api for key, handler in node.handlers.items()}

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
        try:
            head = read_request_head(self._apis, frame)
            call = Call(self._node, head.api, head.version, head.header, client_host, listener)
            # A client that is newer than we are must still learn what we speak: its ApiVersions has no message here.
            return call, read_request(head, frame) if head.supported else None
        except (DecodeError, UnsupportedRequestError) as error:
            raise HangUpError(str(error)) from None

    def _encode(self, call: Call, response: Any) -> Reply:
        if response is None:
            return None
        version = call.version if call.version in call.api.versions else 0
        return encode_response(call.api, version, call.header.correlation_id, response)

    def _failed(self, call: Call, error: Exception) -> Any:
        """The response to a request that failed as a whole, where its API has a place for an error."""
        if isinstance(error, HangUpError):
            raise error
        request = f"{call.api.name} v{call.version} from {call.client_id!r} at {call.client_host}"
        code = error.code if isinstance(error, KafkaError) else ErrorCode.UNKNOWN_SERVER_ERROR
        if isinstance(error, KafkaError):
            logger.warning("%s: %s", request, error)
        else:
            logger.error("%s failed", request, exc_info=error)
        declared = wires(call.api.response).get("error_code")
        # Without a place for the error, what is left of the response would pass for an answer.
        if declared is None or call.version not in declared.versions:
            raise HangUpError(f"{request} failed: {error}") from None
        response = call.api.response()
        response.error_code = code
        return response
