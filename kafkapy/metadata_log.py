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
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafkapy.metadata import framing, quorum, snapshot
from kafkapy.metadata.bootstrap import bootstrap_records, feature_records
from kafkapy.metadata_snapshots import SnapshotId, Snapshots, read_snapshot
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.records.control import KRaftVersionFeature, RegisteredVoter, VoterEndpoint
from kafkapy.storage.checkpoint import replace_file
from kafkapy.storage.flush import BatchSync
from kafkapy.storage.ids import METADATA_TOPIC, METADATA_TOPIC_ID
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

_QUORUM_STATE_FILE = "quorum-state"
_KRAFT_VERSIONS = KRaftVersionFeature(0, 1)
_MAX_BATCH_BYTES = 8 * 1024 * 1024
_NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class MetadataLogRules:
    """When a snapshot is due, and how much of the past is kept behind the newest one."""

    max_bytes_between_snapshots: int = 1024 * 1024
    max_snapshot_interval_ms: int = 3_600_000  # 0 for never
    retention_bytes: int = 100 * 1024 * 1024  # of log and snapshots together; -1 for no limit
    retention_ms: int = 604_800_000  # -1 for no limit
    segment_bytes: int = 1024 * 1024 * 1024
    segment_ms: int = 604_800_000

    def log_config(self) -> LogConfig:
        """The log's own. Snapshots, not its retention, are what shorten it."""
        return LogConfig(
            segment_bytes=self.segment_bytes,
            segment_ms=self.segment_ms,
            retention_ms=_NO_LIMIT,
            retention_bytes=_NO_LIMIT,
            max_message_bytes=_MAX_BATCH_BYTES,
        )


class QuorumView(NamedTuple):
    """Who votes on the log, and how far it is. Without voters in the log, the configuration names them (KIP-853)."""

    kraft_version: int
    leader_epoch: int
    end_offset: int
    voters: list[RegisteredVoter]


_DEFAULT_RULES = MetadataLogRules()


class MetadataLog:
    """Reads and appends metadata records; `replay` to its end, then `begin_epoch`, come before the first append.

    `controller` is where other voters would reach this one: a new log names it as its voter (KIP-853). It is None where
    the configuration names the voters (`controller.quorum.voters`) and the log must not.
    """

    def __init__(
        self,
        log_dir: LogDir,
        node_id: int,
        clock: Callable[[], int],
        controller: VoterEndpoint | None = None,
        rules: MetadataLogRules = _DEFAULT_RULES,
    ) -> None:
        self._node_id = node_id
        self._clock = clock
        self._rules = rules
        config = rules.log_config()
        found = log_dir.logs.get((METADATA_TOPIC, 0))
        self._log: Log = found or log_dir.create(METADATA_TOPIC, 0, METADATA_TOPIC_ID, config)
        self._log.config = config
        self._disk = self._log.disk
        self._bootstrap = os.path.join(log_dir.path, snapshot.BOOTSTRAP_FILE)
        self._quorum_state = os.path.join(self._log.directory, _QUORUM_STATE_FILE)
        self._snapshots = Snapshots(self._disk, self._log.directory)
        self._quorum_records: dict[int, Record] = {}  # by type: which voters there are by now
        self._last_timestamp_ms = 0
        self._bytes_since_snapshot = 0
        self._last_snapshot_ms = clock()
        self._unsynced_from: int | None = None
        self._voter = None
        if controller is not None:
            self._voter = RegisteredVoter(node_id, log_dir.directory_id, [controller], _KRAFT_VERSIONS)
        self.epoch = self._last_epoch()

    @property
    def end_offset(self) -> int:
        """How far the log is true: the offset behind the last record that was synced."""
        return self._log.log_end_offset if self._unsynced_from is None else self._unsynced_from

    @property
    def quorum(self) -> QuorumView:
        """Who votes on this log, as it says itself, and how far it is."""
        version, voters = (self._quorum_records.get(kind) for kind in (quorum.KRAFT_VERSION, quorum.KRAFT_VOTERS))
        return QuorumView(
            0 if version is None else quorum.kraft_version_of(version),
            self.epoch,
            self.end_offset,
            [] if voters is None else quorum.voters_of(voters),
        )

    def replay(self) -> Iterator[Any]:
        """Every record, oldest first.

        Raises FramingError for one that this broker does not know, SnapshotError, KafkaError(CORRUPT_MESSAGE).
        """
        start = 0
        if (newest := self._snapshots.newest) is not None:
            start = newest.end_offset
            messages, quorum_records = self._snapshots.read(newest)
            self._note_quorum(quorum_records)
            self._last_timestamp_ms = self._snapshots.timestamp(newest)
            yield from messages
        directory = self._log.directory
        if start < self._log.log_start_offset:
            why = f"the log begins at {self._log.log_start_offset}, the newest snapshot ends at {start}"
            raise snapshot.SnapshotError(f"{directory}: {why}; records between them are missing")
        self._bytes_since_snapshot = 0
        try:
            yield from self._replay_log(start)
        except framing.FramingError as error:
            raise framing.FramingError(f"{directory}: {error}") from error
        except KafkaError as error:
            raise KafkaError(error.code, f"{directory}: {error.why}") from error

    def _replay_log(self, start: int) -> Iterator[Any]:
        for header, records in self._log.replay(start):
            self._note(header.size, header.max_timestamp)
            if header.is_control:
                self._note_quorum(records)
                continue
            for record in records:
                if record.value is not None and record.offset >= start:
                    yield framing.decode(record.value)

    def begin_epoch(self) -> None:
        """Lead the log in the next epoch, and say so in it. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        try:
            newest = self._snapshots.newest
            if newest is not None and newest.end_offset > self.end_offset:
                # As Apache does: the snapshot is what is committed, and the log goes on behind it.
                self._log.start_at(newest.end_offset)
            voter = self._format() if self._is_new() else None
            state = quorum.QuorumState(self.epoch, self._node_id).elected(self._node_id)
            replace_file(self._disk, self._quorum_state, state.encode())
        except OSError as error:
            raise self._log.disk_error("beginning an epoch", error) from error
        self.epoch = state.leader_epoch
        if voter is not None:
            self._note_quorum(quorum.voter_records(voter, 0, self._clock()))
        self._log.flush_rolled()  # as a crash may have left it; from here on each append is synced
        self._write(quorum.epoch_batch(self._node_id, self.epoch, self.end_offset, self._clock(), voter))
        sync = self.begin_sync()
        sync.sync()
        self.end(sync)

    def first_records(self) -> Sequence[Any]:
        """What a cluster without any record begins with: this broker's own choice, or what its formatter chose.

        Raises SnapshotError.
        """
        if not self._disk.exists(self._bootstrap):
            return bootstrap_records()
        return list(read_snapshot(self._bootstrap, self._disk.read(self._bootstrap)))

    def append(self, messages: Sequence[Any]) -> None:
        """Append the records as one batch, which is true once it is synced. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self._write(build_batch(framing.to_records(messages, self._clock())))

    def begin_sync(self) -> BatchSync:
        """What syncs all that was appended, in any thread; then `end` is to be called.

        Raises KafkaError(KAFKA_STORAGE_ERROR).
        """
        return BatchSync(self._log)

    def end(self, sync: BatchSync) -> None:
        """What was appended is true. Raises KafkaError(KAFKA_STORAGE_ERROR) if nobody knows whether it is on disk."""
        sync.end()
        self._unsynced_from = None

    def is_snapshot_due(self) -> bool:
        """Whether enough was written since the newest snapshot, or anything at all long enough ago."""
        rules = self._rules
        if self._bytes_since_snapshot >= rules.max_bytes_between_snapshots:
            return True
        waited_ms = self._clock() - self._last_snapshot_ms
        return bool(self._bytes_since_snapshot) and 0 < rules.max_snapshot_interval_ms <= waited_ms

    def snapshot(self, messages: Sequence[Any]) -> Callable[[], None]:
        """What writes these records, which are the image's as it is now, as a snapshot of the log up to here.

        It may run in a thread of its own. Raises KafkaError(KAFKA_STORAGE_ERROR); the snapshot then stays due.
        """
        now_ms = self._clock()
        snapshot_id, stood_for = SnapshotId(self.end_offset, self.epoch), self._bytes_since_snapshot
        quorum_records = [self._quorum_records[control_type] for control_type in sorted(self._quorum_records)]
        last_timestamp_ms = self._last_timestamp_ms

        def write() -> None:
            try:
                self._snapshots.write(
                    snapshot_id, messages, quorum_records, now_ms=now_ms, last_timestamp_ms=last_timestamp_ms
                )
            except OSError as error:
                raise self._log.disk_error(f"writing {self._snapshots.path(snapshot_id)}", error) from error
            self._bytes_since_snapshot -= stood_for
            self._last_snapshot_ms = now_ms

        return write

    def trim(self) -> None:
        """Forget the oldest snapshots, and the log before the oldest that stays, as retention allows.

        The newest snapshot stays in any case. Raises KafkaError(KAFKA_STORAGE_ERROR).
        """
        snapshots, log = self._snapshots, self._log
        try:
            while len(snapshots.ids) > 1 and self._is_past_retention(snapshots.ids[0]):
                log.advance_log_start_offset(snapshots.ids[1].end_offset)
                log.drop_oldest(sum(later.base_offset <= log.log_start_offset for later in log.segments[1:]))
                snapshots.drop_oldest(log.discard)
        except OSError as error:
            raise log.disk_error("trimming", error) from error

    def _is_past_retention(self, oldest: SnapshotId) -> bool:
        rules = self._rules
        if rules.retention_bytes != _NO_LIMIT and self._log.size + self._snapshots.size() > rules.retention_bytes:
            return True
        age_ms = self._clock() - self._snapshots.timestamp(oldest)
        return rules.retention_ms != _NO_LIMIT and age_ms > rules.retention_ms

    def _write(self, batch: bytes) -> None:
        now_ms, end_offset = self._clock(), self.end_offset
        self._log.append_as_leader(batch, self.epoch, now_ms, from_client=False)
        self._unsynced_from = end_offset
        self._note(len(batch), now_ms)

    def _note(self, size: int, timestamp_ms: int) -> None:
        self._bytes_since_snapshot += size
        self._last_timestamp_ms = max(self._last_timestamp_ms, timestamp_ms)

    def _note_quorum(self, records: Sequence[Record]) -> None:
        for record in records:
            control_type = quorum.control_type_of(record)
            if control_type in (quorum.KRAFT_VERSION, quorum.KRAFT_VOTERS):
                self._quorum_records[control_type] = record

    def _is_new(self) -> bool:
        return self.end_offset == 0 and self._snapshots.newest is None and not self._disk.exists(self._quorum_state)

    def _format(self) -> RegisteredVoter | None:
        """Write what stands before the first epoch; the voter, if the first batch has to name one."""
        now_ms = self._clock()
        voters = [] if self._voter is None else quorum.voter_records(self._voter, 1, now_ms)
        if not self._disk.exists(self._bootstrap):
            features = snapshot.write(feature_records(), epoch=0, now_ms=now_ms)
            replace_file(self._disk, self._bootstrap, b"".join(features))
        # Last: as long as it is missing, a start that was cut short begins here again.
        self._snapshots.write(SnapshotId(0, 0), [], voters, now_ms=now_ms, last_timestamp_ms=0)
        return self._voter

    def _last_epoch(self) -> int:
        known = [0, self._log.latest_epoch]
        if self._snapshots.newest is not None:
            known.append(self._snapshots.newest.epoch)
        if self._disk.exists(self._quorum_state):
            try:
                known.append(quorum.QuorumState.decode(self._disk.read(self._quorum_state)).leader_epoch)
            except quorum.QuorumStateError as error:
                raise quorum.QuorumStateError(f"{self._quorum_state}: {error}") from error
        return max(known)
