"""Kafka's protocol as bytes and values: no socket, no broker, no state.

    from kafkapy.protocol import decode, encode_bytes
    from kafkapy.protocol.messages.heartbeat import HeartbeatRequest

    data = encode_bytes(HeartbeatRequest(group_id="readers", generation_id=3, member_id="one"), 4)
    request, end = decode(HeartbeatRequest, 4, data)

Each file of `messages` declares an API once for all its versions, each file of `records` what one of Kafka's own logs
holds; `find_apis` is the table of the APIs. A request with its header, as it stands in a frame, and its response:

    from kafkapy.protocol import FrameReader, decode_response, encode_request, framed
    from kafkapy.protocol.messages.heartbeat import HEARTBEAT

    socket.sendall(b"".join(framed([encode_request(HEARTBEAT, 4, 1, "me", request)])))
    for frame in reader.received(socket.recv_into(reader.buffer())):
        correlation_id, response = decode_response(HEARTBEAT, 4, frame)

Record batches are in `batch`, message sets of old in `legacy`.
"""

from kafkapy.protocol.api import Api, find_apis
from kafkapy.protocol.codec import Chunk, DecodeError, decode, encode, encode_bytes
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.frame import FrameError, FrameReader, framed
from kafkapy.protocol.message import Versions
from kafkapy.protocol.request import (
    Dialect,
    RequestHead,
    UnsupportedRequestError,
    decode_response,
    encode_request,
    encode_response,
    read_request,
    read_request_head,
)

__all__ = [
    "Api",
    "Chunk",
    "DecodeError",
    "Dialect",
    "ErrorCode",
    "FrameError",
    "FrameReader",
    "KafkaError",
    "RequestHead",
    "UnsupportedRequestError",
    "Versions",
    "decode",
    "decode_response",
    "encode",
    "encode_bytes",
    "encode_request",
    "encode_response",
    "find_apis",
    "framed",
    "read_request",
    "read_request_head",
]
