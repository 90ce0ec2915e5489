"""Decode and encode messages: the emitted code of each version, made when it is first needed.

    heartbeat, end = decode(HeartbeatRequest, 4, data)
    chunks = encode(heartbeat, 4)

What cannot be decoded raises DecodeError, which names the field: the interpreted schema is asked, since the emitted
code only knows that something is wrong.
"""

from __future__ import annotations

import struct
from typing import Any, Protocol, TypeVar

from construct import ConstructError

from kafkapy.protocol.emit import TruncatedError
from kafkapy.protocol.emit_decoder import Decoder, compile_decoder
from kafkapy.protocol.emit_encoder import Encoder, compile_encoder
from kafkapy.protocol.message import schema

M = TypeVar("M")


class Chunk(Protocol):
    """A piece of an encoded message: bytes, or a range of a file that is still to be read."""

    def __len__(self) -> int: ...


class DecodeError(Exception):
    """Bytes that are not the message they should be; the text says which field and where."""


UNDECODABLE = (TruncatedError, IndexError, struct.error)  # what an emitted decoder raises
_MAX_EXPLAINED_BYTES = 64 * 1024

_DECODERS: dict[tuple[type, int], Decoder] = {}
_ENCODERS: dict[tuple[type, int], Encoder] = {}
_ELEMENT_ENCODERS: dict[tuple[type, str, int], Encoder] = {}


def decoder(cls: type, version: int) -> Decoder:
    """The emitted decoder of one version. Raises ValueError for a version the message is not declared for."""
    found = _DECODERS.get((cls, version))
    if found is None:
        found = _DECODERS[cls, version] = compile_decoder(schema(cls, version), f"{cls.__name__} v{version}")
    return found


def encoder(cls: type, version: int) -> Encoder:
    """The emitted encoder of one version. Raises ValueError for a version the message is not declared for."""
    found = _ENCODERS.get((cls, version))
    if found is None:
        found = _ENCODERS[cls, version] = compile_encoder(schema(cls, version), f"{cls.__name__} v{version}")
    return found


def decode(cls: type[M], version: int, data: Any, position: int = 0) -> tuple[M, int]:
    """The message at `position`, and the position behind it. Records fields are views of `data`."""
    try:
        return decoder(cls, version)(data, position)
    except UNDECODABLE as error:
        raise DecodeError(_explain(cls, version, data, position, error)) from None


def encode(message: Any, version: int) -> list[Any]:
    """The message as chunks, in order: bytes, and the values of records fields as they stand."""
    chunks: list[Any] = []
    encoder(type(message), version)(message, chunks.append)
    return chunks


def encode_element(cls: type, field: str, version: int, element: Any) -> bytes:
    """One element of a message's list, as bytes that may stand for it where the list is declared as `kept`."""
    key = (cls, field, version)
    found = _ELEMENT_ENCODERS.get(key)
    if found is None:
        item = dict(schema(cls, version).fields)[field].element
        found = _ELEMENT_ENCODERS[key] = compile_encoder(item, f"{cls.__name__} v{version}, one of its {field}")
    chunks: list[Any] = []
    found(element, chunks.append)
    return b"".join(chunks)


def encode_bytes(message: Any, version: int) -> bytes:
    """The message as one bytes object; every records field must hold bytes."""
    return b"".join(encode(message, version))


def _explain(cls: type, version: int, data: Any, position: int, error: Exception) -> str:
    what = f"{cls.__name__} v{version}"
    # The schema takes some 500 ns for a byte: enough bytes would hold everyone up for as long as their sender likes.
    if len(data) - position <= _MAX_EXPLAINED_BYTES:
        try:
            schema(cls, version).parse(bytes(data[position:]))
        except ConstructError as found:
            return f"{what}: {found}".replace("\n", " ")
    return (
        f"{what}: {str(error) or 'a length, count or tag does not fit'} ({len(data) - position} bytes from {position})"
    )
