"""What consumers put into JoinGroup and SyncGroup for each other, as the broker reads and writes it.

Only for groups that have members of both protocols. Newer versions are read as the newest known, for they only add
fields. Apache's class: ConsumerProtocol.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from typing import TypeVar
from uuid import UUID

from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.protocol.codec import DecodeError, decode, encode_bytes
from kafkapy.protocol.message import versions_of
from kafkapy.protocol.records.consumer_protocol import (
    AssignedTopic,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)

M = TypeVar("M")
_VERSION = struct.Struct(">h")


class MalformedError(ValueError):
    """The bytes are not what a consumer says; the text tells where they go wrong."""


def read_subscription(data: bytes) -> ConsumerProtocolSubscription:
    """What a consumer said when it joined. Raises MalformedError."""
    return _read(ConsumerProtocolSubscription, data)


def read_assignment(data: bytes) -> ConsumerProtocolAssignment:
    """What a leader gave a consumer. Raises MalformedError."""
    return _read(ConsumerProtocolAssignment, data)


def version_of(data: bytes) -> int:
    """The version that a consumer speaks, by the bytes of its subscription. Raises MalformedError."""
    if len(data) < _VERSION.size:
        raise MalformedError("it is too short to have a version")
    version: int = _VERSION.unpack_from(data)[0]
    if version < 0:
        raise MalformedError(f"there is no version {version}")
    return min(version, versions_of(ConsumerProtocolAssignment).last)


def write_assignment(partitions: Mapping[UUID, Collection[int]], topics: KnownTopics, version: int) -> bytes:
    """An assignment as a consumer reads it; topics that are gone are left out."""
    assigned = [
        AssignedTopic(topic.name, sorted(indexes))
        for topic_id, indexes in partitions.items()
        if (topic := topics.by_id(topic_id)) is not None
    ]
    return _VERSION.pack(version) + encode_bytes(ConsumerProtocolAssignment(assigned), version)


def _read(cls: type[M], data: bytes) -> M:
    version = version_of(data)
    try:
        found, _ = decode(cls, version, data, _VERSION.size)
    except (DecodeError, ValueError) as error:
        raise MalformedError(str(error)) from error
    return found
