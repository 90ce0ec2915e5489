"""Takes one request to its handler and its response back to bytes.

What no handler should see is settled here: an API or version that is not served, bytes that cannot be decoded, and
failures that nobody foresaw.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from kafkapy.handlers.call import Call, HangUpError, Node
from kafkapy.protocol.codec import DecodeError
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.message import wires
from kafkapy.protocol.messages.header import RequestHeader
from kafkapy.protocol.request import (
    KEY_AND_VERSION_BYTES,
    Dialect,
    UnsupportedRequestError,
    read_request,
    read_request_head,
)

logger = logging.getLogger(__name__)

Reply = list[Any] | None  # chunks: bytes, or slices of files; None where the client wants no reply


class Broker:
    """Answers requests with the handlers it is given."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._handlers = node.handlers
        self._apis = {key: handler.api for key, handler in node.handlers.items()}
        self._known: dict[bytes, Dialect] = {}  # by the key and version that a request begins with

    def answer(
        self, frame: bytearray, client_host: str, listener: str, endings: dict[object, Callable[[], None]]
    ) -> Reply | CoroutineType[Any, Any, Reply]:
        """The reply to one request, or a coroutine for one that has to wait. Raises HangUpError.

        `endings` is the connection's: what handlers put into it is called when the connection has ended.
        """
        try:
            dialect = self._known.get(bytes(frame[:KEY_AND_VERSION_BYTES]))
            if dialect is None:
                dialect, version, header, request = self._meet(frame)
            else:
                header, request = dialect.read(frame)
                version = dialect.version
        except (DecodeError, UnsupportedRequestError) as error:
            raise HangUpError(str(error)) from None
        api = dialect.api
        call = Call(self._node, api, version, header, client_host, listener, endings)
        try:
            response = self._handlers[api.key].handle(request, call)
        except Exception as error:  # every failure gets its answer, and harms no other connection
            response = self._failed(call, error)
        if isinstance(response, CoroutineType):
            return self._wait_for(dialect, call, response)  # type: ignore[return-value]  # Coroutine is slow to ask for
        return None if response is None else dialect.write(header.correlation_id, response)

    def _meet(self, frame: bytearray) -> tuple[Dialect, int, RequestHeader, Any]:
        """The first request of its API and version: how to answer it, its version, its header and its message."""
        head = read_request_head(self._apis, frame)
        if not head.supported:
            # A client that is newer than we are must still learn what we speak: its ApiVersions has no message here.
            return Dialect(head.api, 0), head.version, head.header, None
        request = read_request(head, frame)
        dialect = self._known[bytes(frame[:KEY_AND_VERSION_BYTES])] = Dialect(head.api, head.version)
        return dialect, head.version, head.header, request

    async def _wait_for(self, dialect: Dialect, call: Call, pending: CoroutineType[Any, Any, Any]) -> Reply:
        try:
            response = await pending
        except Exception as error:  # every failure gets its answer, and harms no other connection
            response = self._failed(call, error)
        return None if response is None else dialect.write(call.header.correlation_id, response)

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
