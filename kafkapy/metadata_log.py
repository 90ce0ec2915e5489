"""`__cluster_metadata-0` on disk: every record that was ever true of the cluster, and the epochs of its leaders.

This broker is the log's only voter: it leads in a new epoch at each start, and what it has synced is committed. A new
directory gets what Apache's `kafka-storage format --standalone` writes: `bootstrap.checkpoint` beside the partitions,
and the snapshot of nothing that names the voter, so that Apache Kafka can take the directory over; one that Apache
formatted or served is taken over from its newest snapshot and the log behind that. Apache's class: KafkaRaftClient,
with a quorum of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kafkapy.metadata import framing, quorum, snapshot
from kafkapy.metadata.bootstrap import bootstrap_records, feature_records
from kafkapy.protocol.batch import build_batch
from kafkapy.protocol.records.control import KRaftVersionFeature, RegisteredVoter, VoterEndpoint
from kafkapy.storage.checkpoint import replace_file
from kafkapy.storage.ids import METADATA_TOPIC, METADATA_TOPIC_ID
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir
from kafkapy.storage.segment import storage_error

_QUORUM_STATE_FILE = "quorum-state"
# Snapshots, not retention, are what will shorten this log.
_CONFIG = LogConfig(retention_ms=-1, retention_bytes=-1, max_message_bytes=8 * 1024 * 1024)
_KRAFT_VERSIONS = KRaftVersionFeature(0, 1)


class MetadataLog:
    """Reads and appends metadata records; `begin_epoch` comes before the first append.

    `controller` is where other voters would reach this one: a new log names it as its voter (KIP-853). It is None where
    the configuration names the voters (`controller.quorum.voters`) and the log must not.
    """

    def __init__(
        self, log_dir: LogDir, node_id: int, clock: Callable[[], int], controller: VoterEndpoint | None = None
    ) -> None:
        self._node_id = node_id
        self._clock = clock
        found = log_dir.logs.get((METADATA_TOPIC, 0))
        self._log: Log = found or log_dir.create(METADATA_TOPIC, 0, METADATA_TOPIC_ID, _CONFIG)
        self._log.config = _CONFIG
        self._disk = self._log.disk
        self._bootstrap = os.path.join(log_dir.path, snapshot.BOOTSTRAP_FILE)
        self._quorum_state = os.path.join(self._log.directory, _QUORUM_STATE_FILE)
        self._snapshot = self._newest_snapshot()
        self._voter = None
        if controller is not None:
            self._voter = RegisteredVoter(node_id, log_dir.directory_id, [controller], _KRAFT_VERSIONS)
        self.epoch = self._last_epoch()

    @property
    def end_offset(self) -> int:
        """The offset that the next record gets."""
        return self._log.log_end_offset

    def replay(self) -> Iterator[Any]:
        """Every record, oldest first.

        Raises FramingError for one that this broker does not know, SnapshotError, KafkaError(CORRUPT_MESSAGE).
        """
        start = 0
        if self._snapshot is not None:
            (start, _), path = self._snapshot
            yield from snapshot.read(self._disk.read(path))
        if start < self._log.log_start_offset:
            why = f"the log begins at {self._log.log_start_offset}, the newest snapshot ends at {start}"
            raise snapshot.SnapshotError(f"{self._log.directory}: {why}; records between them are missing")
        for header, records in self._log.replay(start):
            if header.is_control:
                continue
            for record in records:
                if record.value is not None and record.offset >= start:
                    yield framing.decode(record.value)

    def begin_epoch(self) -> None:
        """Lead the log in the next epoch, and say so in it. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        try:
            voter = self._format() if self._is_new() else None
            state = quorum.QuorumState(self.epoch, self._node_id).elected(self._node_id)
            replace_file(self._disk, self._quorum_state, state.encode())
        except OSError as error:
            raise storage_error(f"beginning an epoch in {self._log.directory}", error) from error
        self.epoch = state.leader_epoch
        self._write(quorum.epoch_batch(self._node_id, self.epoch, self.end_offset, self._clock(), voter))

    def first_records(self) -> Sequence[Any]:
        """What a cluster without any record begins with: this broker's own choice, or what its formatter chose."""
        if not self._disk.exists(self._bootstrap):
            return bootstrap_records()
        return list(snapshot.read(self._disk.read(self._bootstrap)))

    def append(self, messages: Sequence[Any]) -> None:
        """Append the records as one batch and sync them. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self._write(build_batch(framing.to_records(messages, self._clock())))

    def _write(self, batch: bytes) -> None:
        self._log.append_as_leader(batch, self.epoch, self._clock(), from_client=False)
        self._log.flush()

    def _is_new(self) -> bool:
        return self.end_offset == 0 and self._snapshot is None and not self._disk.exists(self._quorum_state)

    def _format(self) -> RegisteredVoter | None:
        """Write what stands before the first epoch; the voter, if the first batch has to name one."""
        now_ms = self._clock()
        voters = [] if self._voter is None else quorum.voter_records(self._voter, 1, now_ms)
        nothing = snapshot.write([], epoch=0, now_ms=now_ms, quorum_records=voters)
        if not self._disk.exists(self._bootstrap):
            features = snapshot.write(feature_records(), epoch=0, now_ms=now_ms)
            replace_file(self._disk, self._bootstrap, b"".join(features))
        # Last: as long as it is missing, a start that was cut short begins here again.
        replace_file(self._disk, os.path.join(self._log.directory, snapshot.file_name(0, 0)), b"".join(nothing))
        return self._voter

    def _newest_snapshot(self) -> tuple[tuple[int, int], str] | None:
        directory = self._log.directory
        named = ((snapshot.parse_file_name(name), f"{directory}/{name}") for name in self._disk.list(directory))
        return max(((parsed, path) for parsed, path in named if parsed is not None), default=None)

    def _last_epoch(self) -> int:
        known = [0, self._log.latest_epoch]
        if self._snapshot is not None:
            known.append(self._snapshot[0][1])
        if self._disk.exists(self._quorum_state):
            known.append(quorum.QuorumState.decode(self._disk.read(self._quorum_state)).leader_epoch)
        return max(known)
