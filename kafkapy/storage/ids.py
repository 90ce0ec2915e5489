"""Who owns a directory: `meta.properties` of a log directory, `partition.metadata` of a partition, and Kafka's ids.

An id is a `uuid.UUID` inside and 22 characters of URL-safe base64 outside. Apache's classes: `Uuid`, `MetaProperties`,
`PartitionMetadata`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID, uuid4

META_PROPERTIES_FILE = "meta.properties"
PARTITION_METADATA_FILE = "partition.metadata"
METADATA_TOPIC = "__cluster_metadata"
METADATA_TOPIC_ID = UUID(int=1)  # fixed, since the topic that would tell it is the topic itself
ZERO_ID = UUID(int=0)
_RESERVED = frozenset(map(UUID, (f"{number:032x}" for number in range(100))))
_TEXT_LENGTH = 22
_VERSION = "1"
_PARTITION_VERSION = "0"


class IdError(ValueError):
    """Text that does not say which id it is."""


def id_text(value: UUID) -> str:
    """The id as Kafka writes it."""
    return base64.urlsafe_b64encode(value.bytes)[:_TEXT_LENGTH].decode()


def parse_id(text: str) -> UUID:
    """The id that Kafka writes as `text`. Raises IdError."""
    try:
        raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
        return UUID(bytes=raw)
    except (binascii.Error, ValueError):
        raise IdError(f"{text!r} is not an id: 22 characters of URL-safe base64 are") from None


def random_id() -> UUID:
    """A new id; none that Kafka keeps for itself, and none that a command line would take for an option."""
    while (value := uuid4()) in _RESERVED or id_text(value).startswith("-"):
        pass
    return value


@dataclass(frozen=True, slots=True)
class MetaProperties:
    """Whose log directory it is; version 1 of the file, as KRaft has it."""

    cluster_id: str
    node_id: int
    directory_id: UUID

    def encode(self) -> bytes:
        """The file's content."""
        lines = (
            "#",
            f"cluster.id={self.cluster_id}",
            f"directory.id={id_text(self.directory_id)}",
            f"node.id={self.node_id}",
            f"version={_VERSION}",
        )
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def decode(cls, data: bytes) -> MetaProperties:
        """What the file says. Raises IdError."""
        found = _properties(data, "=")
        if found.get("version") != _VERSION:
            raise IdError(f"version is {found.get('version')}, only {_VERSION} is known")
        try:
            node_id = int(found["node.id"])
            directory = parse_id(found["directory.id"]) if "directory.id" in found else random_id()
            return cls(found["cluster.id"], node_id, directory)
        except KeyError as error:
            raise IdError(f"there is no {error.args[0]}") from None
        except ValueError as error:
            raise IdError(str(error)) from None


def encode_partition_metadata(topic_id: UUID) -> bytes:
    """The content of `partition.metadata`."""
    return f"version: {_PARTITION_VERSION}\ntopic_id: {id_text(topic_id)}".encode()


def decode_partition_metadata(data: bytes) -> UUID:
    """The topic's id. Raises IdError."""
    found = _properties(data, ":")
    if found.get("version") != _PARTITION_VERSION or "topic_id" not in found:
        raise IdError(f"{data[:80]!r} is not version {_PARTITION_VERSION} with a topic_id")
    return parse_id(found["topic_id"])


def _properties(data: bytes, separator: str) -> dict[str, str]:
    found = {}
    for line in data.decode(errors="replace").splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "!")):
            name, _, value = line.partition(separator)
            found[name.strip()] = value.strip().replace("\\", "")
    return found
