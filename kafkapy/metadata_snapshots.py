"""The snapshots beside the metadata log: which there are, reading the newest, writing one more, dropping the oldest.

A file with a snapshot's name is whole: it is written under another name, synced and renamed. What fails to be read is
refused with the file's name, never passed over: without its newest snapshot the log tells of another cluster.
Apache's classes: KafkaMetadataLog, SnapshotGenerator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kafkapy.metadata import snapshot
from kafkapy.metadata.framing import FramingError
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.checkpoint import replace_file
from kafkapy.storage.discarded import Discard, discard_file
from kafkapy.storage.disk import Disk


class SnapshotId(NamedTuple):
    """Which records a snapshot stands for: those below `end_offset`, of which the last is of `epoch`."""

    end_offset: int
    epoch: int


class Snapshots:
    """The `.checkpoint` files in the metadata log's directory; `ids` has them, the oldest first."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._directory = directory
        named = (snapshot.parse_file_name(name) for name in disk.list(directory))
        self.ids = sorted(SnapshotId(*parsed) for parsed in named if parsed is not None)

    @property
    def newest(self) -> SnapshotId | None:
        return self.ids[-1] if self.ids else None

    def path(self, snapshot_id: SnapshotId) -> str:
        """Where it is."""
        return f"{self._directory}/{snapshot.file_name(*snapshot_id)}"

    def read(self, snapshot_id: SnapshotId) -> tuple[list[Any], list[Record]]:
        """Its messages, and the quorum's control records. Raises SnapshotError, OSError."""
        path = self.path(snapshot_id)
        data = self._disk.read(path)
        return list(read_snapshot(path, data)), snapshot.quorum_records(data)

    def timestamp(self, snapshot_id: SnapshotId) -> int:
        """When the last record that it stands for was written, in ms; 0 if it stands for none. Raises OSError."""
        return snapshot.last_timestamp(self._disk.read(self.path(snapshot_id)))

    def write(
        self,
        snapshot_id: SnapshotId,
        messages: Iterable[Any],
        quorum_records: Iterable[Record],
        *,
        now_ms: int,
        last_timestamp_ms: int,
    ) -> None:
        """One more; durable when this returns. Raises OSError."""
        batches = snapshot.write(
            messages,
            epoch=snapshot_id.epoch,
            now_ms=now_ms,
            last_timestamp_ms=last_timestamp_ms,
            quorum_records=quorum_records,
        )
        replace_file(self._disk, self.path(snapshot_id), b"".join(batches))
        if snapshot_id not in self.ids:
            self.ids = sorted([*self.ids, snapshot_id])

    def size(self) -> int:
        """Bytes of all of them. Raises OSError."""
        return sum(self._disk.size(self.path(snapshot_id)) for snapshot_id in self.ids)

    def drop_oldest(self, discard: Discard) -> None:
        """Discard the oldest. Raises OSError."""
        discard_file(self._disk, self.path(self.ids[0]), discard)
        self.ids = self.ids[1:]


def read_snapshot(path: str, data: bytes) -> Iterator[Any]:
    """The messages of the file. Raises SnapshotError, which names it."""
    try:
        yield from snapshot.read(data)
    except (snapshot.SnapshotError, FramingError, KafkaError, ValueError) as error:
        raise snapshot.SnapshotError(f"{path}: {error}") from error
