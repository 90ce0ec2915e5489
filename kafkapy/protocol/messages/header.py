"""The headers before every request and response.

Request: v1 client id; v2 flexible encoding, in which the client id stays as it was, since a broker must be able to
read the header of an ApiVersions request it does not know. v0, without a client id, only ever stood before
ControlledShutdown v0. Response: v1 flexible encoding. Which API's versions take which, `api.Api` says.
"""

from __future__ import annotations

from kafkapy.protocol.message import Int16, Int32, String, message, wire


@message(versions="0-2", flexible="2+")
class RequestHeader:
    request_api_key: int = wire(Int16)
    request_api_version: int = wire(Int16)
    correlation_id: int = wire(Int32)
    client_id: str | None = wire(String, "1+", nullable="1+", flexible=False)


@message(versions="0-1", flexible="1+")
class ResponseHeader:
    correlation_id: int = wire(Int32)
