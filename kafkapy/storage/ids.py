"""Who owns a directory: `meta.properties` of a log directory, `partition.metadata` of a partition, and new ids.

Apache's classes: `MetaProperties`, `PartitionMetadata`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from kafkapy.protocol.id_text import IdError, id_text, parse_id

META_PROPERTIES_FILE = "meta.properties"
PARTITION_METADATA_FILE = "partition.metadata"
METADATA_TOPIC = "__cluster_metadata"
METADATA_TOPIC_ID = UUID(int=1)  # fixed, since the topic that would tell it is the topic itself
ZERO_ID = UUID(int=0)
_RESERVED = frozenset(map(UUID, (f"{number:032x}" for number in range(100))))
_VERSION = "1"
_PARTITION_VERSION = "0"


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
    directory_id: UUID | None  # None in a file from before directories had ids (KIP-858)

    def encode(self) -> bytes:
        """The file's content."""
        lines = [
            "#",
            f"cluster.id={self.cluster_id}",
            f"node.id={self.node_id}",
            f"version={_VERSION}",
        ]
        if self.directory_id is not None:
            lines.insert(2, f"directory.id={id_text(self.directory_id)}")
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def decode(cls, data: bytes) -> MetaProperties:
        """What the file says. Raises IdError."""
        found = _properties(data, "=")
        if found.get("version") != _VERSION:
            raise IdError(f"version is {found.get('version')}, only {_VERSION} is known")
        try:
            node_id = int(found["node.id"])
            directory = parse_id(found["directory.id"]) if "directory.id" in found else None
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
