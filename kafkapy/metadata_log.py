"""`__cluster_metadata-0` on disk: every record that was ever true of the cluster, and the epochs of its leaders.

This broker is the log's only voter: it leads in a new epoch at each start, and what it has synced is committed.
Apache's class: KafkaRaftClient, with a quorum of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kafkapy.metadata import framing, quorum
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.storage.ids import METADATA_TOPIC, METADATA_TOPIC_ID
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

_QUORUM_STATE_FILE = "quorum-state"
# Snapshots, not retention, are what will shorten this log.
_CONFIG = LogConfig(retention_ms=-1, retention_bytes=-1, max_message_bytes=8 * 1024 * 1024)


class MetadataLog:
    """Reads and appends metadata records; `begin_epoch` comes before the first append."""

    def __init__(self, log_dir: LogDir, node_id: int, clock: Callable[[], int]) -> None:
        self._node_id = node_id
        self._clock = clock
        found = log_dir.logs.get((METADATA_TOPIC, 0))
        self._log: Log = found or log_dir.create(METADATA_TOPIC, 0, METADATA_TOPIC_ID, _CONFIG)
        self._log.config = _CONFIG
        self._disk = self._log.disk
        self._quorum_state = os.path.join(self._log.directory, _QUORUM_STATE_FILE)
        self.epoch = self._last_epoch()

    @property
    def end_offset(self) -> int:
        """The offset that the next record gets."""
        return self._log.log_end_offset

    def replay(self) -> Iterator[Any]:
        """Every record, oldest first. Raises FramingError for one that this broker does not know."""
        for header, records in self._log.replay(self._log.log_start_offset):
            if header.is_control:
                continue
            for record in records:
                if record.value is not None:
                    yield framing.decode(record.value)

    def begin_epoch(self) -> None:
        """Lead the log in the next epoch, and say so in it."""
        self.epoch += 1
        state = quorum.QuorumState(self.epoch, self._node_id)
        self._disk.write(self._quorum_state, state.encode(), sync=True)
        self._write(quorum.epoch_batch(self._node_id, self.epoch, self.end_offset, self._clock()))

    def append(self, messages: Sequence[Any]) -> None:
        """Append the records as one batch and sync them. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        now_ms = self._clock()
        self._write(build_batch(Record(at, now_ms, None, framing.encode(one)) for at, one in enumerate(messages)))

    def _write(self, batch: bytes) -> None:
        self._log.append_as_leader(batch, self.epoch, self._clock(), from_client=False)
        self._log.flush()

    def _last_epoch(self) -> int:
        if not self._disk.exists(self._quorum_state):
            return max(0, self._log.latest_epoch)
        state = quorum.QuorumState.decode(self._disk.read(self._quorum_state))
        return max(state.leader_epoch, self._log.latest_epoch)
