"""What a coordinator knows of the cluster's topics: enough to assign partitions and to see that a topic has changed.

A group keeps a hash of its topics' ids, partitions and racks in its log, and assigns anew when the hash differs. The
hash is Apache's to the bit (KIP-1101, class `Utils` of the group coordinator), so a group does not move when its data
directory does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol
from uuid import UUID

import xxhash

_HASH_VERSION = b"\0"
_NO_TOPICS = 0


@dataclass(frozen=True)
class KnownTopic:
    """A topic; `racks` has for each partition the racks of its replicas, as far as their brokers name one."""

    name: str
    topic_id: UUID
    racks: tuple[tuple[str, ...], ...]

    @property
    def partition_count(self) -> int:
        return len(self.racks)

    @cached_property
    def hash(self) -> int:
        """A number that is another one when anything of the topic is; a signed 64-bit one."""
        parts = [_HASH_VERSION, struct.pack("<QQ", self.topic_id.int >> 64, self.topic_id.int & (1 << 64) - 1)]
        parts += [_text(self.name), struct.pack("<i", self.partition_count)]
        for partition, racks in enumerate(self.racks):
            parts.append(struct.pack("<i", partition))
            for rack in sorted(racks):
                parts += [struct.pack("<i", _units(rack)), _text(rack)]
        return _hash(b"".join(parts))


class KnownTopics(Protocol):
    """The topics as they are now; whoever builds a coordinator provides them."""

    @property
    def version(self) -> int:
        """The metadata's offset, which orders what is known at different times."""

    @property
    def created_version(self) -> int:
        """The version in which a topic was last created, or the first that was seen."""

    @property
    def change_count(self) -> int:
        """Another number after each change of any topic."""

    def names(self) -> Iterable[str]:
        """Every topic's name."""

    def by_name(self, name: str) -> KnownTopic | None: ...

    def by_id(self, topic_id: UUID) -> KnownTopic | None: ...


def group_hash(names: Iterable[str], topics: KnownTopics) -> int:
    """One number for all topics of a group; those that do not exist do not count."""
    found = [topic for name in sorted(names) if (topic := topics.by_name(name)) is not None]
    if not found:
        return _NO_TOPICS
    return _hash(b"".join(struct.pack("<q", topic.hash) for topic in found))


def _text(text: str) -> bytes:
    """Text as the hash takes it: UTF-16 units, then how many."""
    return text.encode("utf-16-le", "surrogatepass") + struct.pack("<i", _units(text))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _hash(data: bytes) -> int:
    value: int = xxhash.xxh3_64_intdigest(data)
    return value - (1 << 64) if value >> 63 else value
