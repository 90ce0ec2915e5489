"""What log directories say of themselves before anything in them is changed: whose they are, and what is in them.

A directory that contradicts the configuration, or another one, is refused. The identity of each is in its
`meta.properties`. Apache's classes: `MetaPropertiesEnsemble`, `LogManager`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kafkapy.protocol.id_text import IdError, id_text
from kafkapy.storage.disk import Disk
from kafkapy.storage.ids import META_PROPERTIES_FILE, METADATA_TOPIC, MetaProperties

PARTITION = re.compile(r"([A-Za-z0-9._-]+)-(\d+)")
FUTURE_SUFFIX = "-future"
FUTURE = re.compile(rf"([A-Za-z0-9._-]+)-(\d+)\.[0-9a-f]{{32}}{FUTURE_SUFFIX}")
# What Kafka has directories for: partitions, on their way out or in too, and a cache of its tiered storage.
_KAFKAS = re.compile(r"[A-Za-z0-9._-]+-\d+(\.[0-9a-f]{32}-(delete|future|stray))?|remote-log-index-cache")


class LogDirError(Exception):
    """A log directory that must not be used; one line for the person who starts the broker."""


class UnusableError(LogDirError):
    """A log directory that cannot be used: nothing contradicts it, but its disk or what it says of itself is broken."""


@dataclass(frozen=True, slots=True)
class Survey:
    """One directory."""

    path: str
    identity: MetaProperties | None  # None where there is none yet
    partitions: frozenset[str]  # the names of their directories


def survey(disk: Disk, path: str) -> Survey:
    """Look at the directory. Raises LogDirError if it must not be used, UnusableError if it cannot be read."""
    try:
        if not disk.exists(path):
            return Survey(path, None, frozenset())
        if not disk.is_dir(path):
            raise UnusableError(f"the data directory {path} cannot be used: it is not a directory")
        names = sorted(disk.list(path))
        for name in names:
            # Not all in a directory that others use as well is ours to rename and delete.
            if _KAFKAS.fullmatch(name) is None and disk.is_dir(f"{path}/{name}"):
                why = f"{path}/{name} is no directory of Kafka's; move it elsewhere, or name another data directory"
                raise LogDirError(why)
        partitions = [name for name in names if PARTITION.fullmatch(name) and disk.is_dir(f"{path}/{name}")]
        return Survey(path, _identity(disk, path, partitions), frozenset(partitions))
    except OSError as error:
        raise UnusableError(f"the data directory {path} cannot be used: {error.strerror or error}") from error


def _identity(disk: Disk, path: str, partitions: Sequence[str]) -> MetaProperties | None:
    file = f"{path}/{META_PROPERTIES_FILE}"
    try:
        return MetaProperties.decode(disk.read(file))
    except FileNotFoundError:
        if partitions:
            why = f"{file} is missing, but {partitions[0]} is there: bring it back, or name another data directory"
            raise LogDirError(why) from None
        return None
    except IdError as error:
        raise UnusableError(f"{file} cannot be read: {error}") from error


def check_identity(found: Survey, node_id: int, cluster_id: str | None) -> None:
    """Raise LogDirError if the directory is another node's, or another cluster's than the one named."""
    if found.identity is None:
        return
    if (node := found.identity.node_id) != node_id:
        why = f"{found.path} belongs to node {node}, this is node {node_id}; set node.id, or name another directory"
        raise LogDirError(why)
    if cluster_id is not None and (cluster := found.identity.cluster_id) != cluster_id:
        raise LogDirError(f"{found.path} belongs to cluster {cluster}, this is {cluster_id}; name another directory")


def check_together(surveys: Sequence[Survey], node_id: int, metadata_path: str) -> None:
    """Raise LogDirError unless the directories can be one broker's; its metadata is to be in `metadata_path`."""
    cluster_id = next((one.identity.cluster_id for one in surveys if one.identity is not None), None)
    directory_ids: dict[object, str] = {}
    partitions: dict[str, str] = {}
    for found in surveys:
        check_identity(found, node_id, cluster_id)
        directory_id = None if found.identity is None else found.identity.directory_id
        if directory_id is not None and (other := directory_ids.setdefault(directory_id, found.path)) != found.path:
            why = f"{other} and {found.path} have the same directory.id, {id_text(directory_id)}"
            raise LogDirError(f"{why}: one is a copy of the other; name only one")
        for name in sorted(found.partitions):
            if (other := partitions.setdefault(name, found.path)) != found.path:
                why = f"{name} is both in {other} and in {found.path}, as when a directory fails during a move"
                raise LogDirError(f"{why}: take away the older one, which is that of the directory that failed")
    metadata = f"{METADATA_TOPIC}-0"
    if (path := partitions.get(metadata, metadata_path)) != metadata_path:
        raise LogDirError(f"{metadata} is in {path}, not in {metadata_path}: set metadata.log.dir={path}")
