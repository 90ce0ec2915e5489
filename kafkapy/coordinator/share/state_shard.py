"""One partition of `__share_group_state` as what it means: where share partitions are (KIP-932).

Each is written whole as a snapshot now and then, and in between only what changes. Whoever leads a partition, or has
begun its state anew, is known by an epoch: who comes with an older one is refused. `replay` is the only thing that
changes state. Nothing here does I/O or knows a clock. Apache: ShareCoordinatorShard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from kafkapy.coordinator.outcome import Outcome, answered, once_appended, only_append
from kafkapy.coordinator.share.state_batches import StateBatch, combine
from kafkapy.coordinator.share.state_records import (
    SharePartitionKey,
    ShareState,
    Update,
    read_record,
    snapshot_record,
    update_record,
)
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import delete_share_group_state as d
from kafkapy.protocol.messages import initialize_share_group_state as i
from kafkapy.protocol.messages import read_share_group_state as r
from kafkapy.protocol.messages import read_share_group_state_summary as rs
from kafkapy.protocol.messages import write_share_group_state as w

NOT_KNOWN = -1
_COLD_KEY = "snapshots of what does not change"


@dataclass(frozen=True)
class ShareStateConfig:
    """The names are those of the properties after `share.coordinator.`."""

    snapshot_update_records_per_snapshot: int = 500
    cold_partition_snapshot_interval_ms: int = 300_000


@dataclass(slots=True)
class _Tracked:
    """A share partition, and what its records say besides its state."""

    state: ShareState
    leader_epoch: int  # the highest that was seen, of a state that was begun anew too
    state_epoch: int
    updates: int = 0  # since the last snapshot
    snapshot_at: int = 0  # the offset of that


class ShareStateShard:
    """The share partitions whose keys fall into one partition. Feed it the log, call `loaded`, then ask.

    `partition_count` says how many partitions the topic of an id has now, None if there is no such topic.
    """

    def __init__(self, config: ShareStateConfig, timers: Timers, partition_count: Callable[[UUID], int | None]) -> None:
        self._config = config
        self._timers = timers
        self._partition_count = partition_count
        self._tracked: dict[SharePartitionKey, _Tracked] = {}
        self._last_deleted_at = -1

    # The log

    def replay(self, record: Record) -> None:
        """Take in a record of the log: when it is read at start, and when it was just appended."""
        match read_record(record):
            case Update(key, value):
                tracked = self._tracked.get(key)
                if tracked is None:
                    # Its snapshot was lost: what is known is this.
                    state = ShareState(value.snapshot_epoch, 0, value.leader_epoch, value.start_offset, 0)
                    tracked = self._tracked[key] = _Tracked(state, value.leader_epoch, 0, snapshot_at=record.offset)
                before = tracked.state
                start = before.start_offset if value.start_offset == NOT_KNOWN else value.start_offset
                tracked.state = replace(
                    before,
                    start_offset=start,
                    leader_epoch=before.leader_epoch if value.leader_epoch == NOT_KNOWN else value.leader_epoch,
                    delivery_complete_count=value.delivery_complete_count,
                    batches=tuple(combine([*before.batches, *map(StateBatch.of, value.state_batches)], start)),
                )
                tracked.leader_epoch = max(tracked.leader_epoch, value.leader_epoch)
                tracked.updates += 1
            case (key, None):
                self._tracked.pop(key, None)
                self._last_deleted_at = record.offset
            case (key, ShareState() as state):
                tracked = self._tracked.setdefault(key, _Tracked(state, state.leader_epoch, state.state_epoch))
                tracked.state = state
                tracked.leader_epoch = max(tracked.leader_epoch, state.leader_epoch)
                tracked.state_epoch = max(tracked.state_epoch, state.state_epoch)
                if tracked.updates >= self._config.snapshot_update_records_per_snapshot:
                    tracked.updates = 0
                tracked.snapshot_at = record.offset

    def loaded(self, now_ms: int) -> Outcome[None]:
        """Go on from where the log ends."""
        self._plan_cold_snapshots(now_ms)
        return only_append([])

    def unload(self, now_ms: int) -> None:
        """Another broker has it now."""
        self._timers.cancel(_COLD_KEY)

    @property
    def needed_from(self) -> int | None:
        """Every record before this offset is of no use any more; None if nothing is known."""
        if self._tracked:
            return min(tracked.snapshot_at for tracked in self._tracked.values())
        return self._last_deleted_at if self._last_deleted_at >= 0 else None

    # Requests

    def initialize(
        self, group_id: str, topic_id: UUID, wanted: i.PartitionData, now_ms: int
    ) -> Outcome[i.PartitionResult]:
        """Begin the state, or begin it anew at another offset under a later state epoch."""
        key = SharePartitionKey(group_id, topic_id, wanted.partition)
        tracked = self._tracked.get(key)

        def refused(code: ErrorCode, why: str | None = None) -> i.PartitionResult:
            return i.PartitionResult(wanted.partition, code, why)

        try:
            _check_partition(key)
            if tracked is not None:
                _check_state_epoch(key, tracked, wanted.state_epoch)
            self._check_topic(key)
        except KafkaError as error:
            return answered(refused(error.code, error.why))
        state = ShareState(
            snapshot_epoch=0 if tracked is None else tracked.state.snapshot_epoch + 1,
            state_epoch=wanted.state_epoch,
            leader_epoch=0,
            start_offset=wanted.start_offset,
            # Before it is known where consumers begin, there is nothing to count from.
            delivery_complete_count=NOT_KNOWN if wanted.start_offset == NOT_KNOWN else 0,
            create_timestamp=now_ms,
            write_timestamp=now_ms,
        )
        return once_appended([snapshot_record(key, state, now_ms)], i.PartitionResult(wanted.partition), refused)

    def read(self, group_id: str, topic_id: UUID, wanted: r.PartitionData, now_ms: int) -> Outcome[r.PartitionResult]:
        """The state, for who leads the partition: earlier leaders are refused from now on."""
        key = SharePartitionKey(group_id, topic_id, wanted.partition)

        def refused(code: ErrorCode, why: str | None = None) -> r.PartitionResult:
            return r.PartitionResult(wanted.partition, code, why)

        try:
            _check_partition(key)
            tracked = self._initialized(key, "Read")
            _check_leader_epoch(key, tracked, wanted.leader_epoch)
            self._check_topic(key)
        except KafkaError as error:
            return answered(refused(error.code, error.why))
        state = tracked.state
        result = r.PartitionResult(
            partition=wanted.partition,
            state_epoch=state.state_epoch,
            start_offset=state.start_offset,
            state_batches=[r.StateBatch(*batch) for batch in state.batches],
        )
        if wanted.leader_epoch in (NOT_KNOWN, tracked.leader_epoch):
            return answered(result)
        changed = replace(state, leader_epoch=wanted.leader_epoch)
        return once_appended([self._record(key, tracked, changed, [], now_ms)], result, refused)

    def read_summary(
        self, group_id: str, topic_id: UUID, wanted: rs.PartitionData, _: int
    ) -> Outcome[rs.PartitionResult]:
        """Where the share partition begins; of one without a state, that this is not known."""
        key = SharePartitionKey(group_id, topic_id, wanted.partition)
        try:
            _check_partition(key)
            self._check_topic(key)
        except KafkaError as error:
            return answered(rs.PartitionResult(wanted.partition, error.code, error.why))
        tracked = self._tracked.get(key)
        if tracked is None:
            return answered(rs.PartitionResult(wanted.partition, start_offset=NOT_KNOWN))
        result = rs.PartitionResult(
            partition=wanted.partition,
            state_epoch=tracked.state.state_epoch,
            leader_epoch=tracked.state.leader_epoch,
            start_offset=tracked.state.start_offset,
            delivery_complete_count=tracked.state.delivery_complete_count,
        )
        return answered(result)

    def write(self, group_id: str, topic_id: UUID, wanted: w.PartitionData, now_ms: int) -> Outcome[w.PartitionResult]:
        """Take in what has changed; from who leads the partition, since the state was last begun."""
        key = SharePartitionKey(group_id, topic_id, wanted.partition)

        def refused(code: ErrorCode, why: str | None = None) -> w.PartitionResult:
            return w.PartitionResult(wanted.partition, code, why)

        try:
            _check_partition(key)
            tracked = self._initialized(key, "Write")
            _check_leader_epoch(key, tracked, wanted.leader_epoch)
            _check_state_epoch(key, tracked, wanted.state_epoch)
            self._check_topic(key)
        except KafkaError as error:
            return answered(refused(error.code, error.why))
        changed = replace(
            tracked.state,
            start_offset=wanted.start_offset,
            delivery_complete_count=wanted.delivery_complete_count,
        )
        record = self._record(key, tracked, changed, map(StateBatch.of, wanted.state_batches), now_ms)
        return once_appended([record], w.PartitionResult(wanted.partition), refused)

    def delete(self, group_id: str, topic_id: UUID, wanted: d.PartitionData, now_ms: int) -> Outcome[d.PartitionResult]:
        """Forget the state; there is none, if it was forgotten before."""
        key = SharePartitionKey(group_id, topic_id, wanted.partition)

        def refused(code: ErrorCode, why: str | None = None) -> d.PartitionResult:
            return d.PartitionResult(wanted.partition, code, why)

        try:
            _check_partition(key)
            self._check_topic(key)
        except KafkaError as error:
            return answered(refused(error.code, error.why))
        records = [snapshot_record(key, None, now_ms)] if key in self._tracked else []
        return once_appended(records, d.PartitionResult(wanted.partition), refused)

    def remove_topic(self, topic_id: UUID, now_ms: int) -> Outcome[None]:
        """Forget what is known of a topic that was deleted."""
        return only_append([snapshot_record(key, None, now_ms) for key in self._tracked if key.topic_id == topic_id])

    def snapshot_cold(self, now_ms: int) -> Outcome[None]:
        """Write what has not changed for long as a snapshot, so that the log's beginning is not kept for its sake.

        Unless nothing changes at all: then the log does not grow either.
        """
        self._plan_cold_snapshots(now_ms)
        states = [tracked.state for tracked in self._tracked.values()]
        if all(state.create_timestamp != state.write_timestamp for state in states):
            return only_append([])
        records = []
        for key, tracked in self._tracked.items():
            state = tracked.state
            if now_ms - state.write_timestamp >= self._config.cold_partition_snapshot_interval_ms:
                again = replace(state, snapshot_epoch=state.snapshot_epoch + 1, write_timestamp=now_ms)
                records.append(snapshot_record(key, again, now_ms))
        return only_append(records)

    def _plan_cold_snapshots(self, now_ms: int) -> None:
        at_ms = now_ms + self._config.cold_partition_snapshot_interval_ms
        self._timers.set(_COLD_KEY, at_ms, self.snapshot_cold)

    def _record(
        self,
        key: SharePartitionKey,
        tracked: _Tracked,
        changed: ShareState,
        batches: Iterable[StateBatch],
        now_ms: int,
    ) -> Record:
        """An update, or a snapshot when there have been many."""
        if tracked.updates < self._config.snapshot_update_records_per_snapshot:
            update = replace(changed, batches=tuple(combine(batches, changed.start_offset)))
            return update_record(key, update, now_ms)
        before = tracked.state
        start = before.start_offset if changed.start_offset == NOT_KNOWN else changed.start_offset
        snapshot = replace(
            changed,
            snapshot_epoch=before.snapshot_epoch + 1,
            start_offset=start,
            batches=tuple(combine([*before.batches, *batches], start)),
            create_timestamp=now_ms,
            write_timestamp=now_ms,
        )
        return snapshot_record(key, snapshot, now_ms)

    def _initialized(self, key: SharePartitionKey, operation: str) -> _Tracked:
        tracked = self._tracked.get(key)
        if tracked is None:
            why = f"{operation} operation on uninitialized share partition not allowed."
            raise KafkaError(ErrorCode.INVALID_REQUEST, why)
        return tracked

    def _check_topic(self, key: SharePartitionKey) -> None:
        count = self._partition_count(key.topic_id)
        if count is None or key.partition >= count:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{key}: there is no such topic or partition")


def _check_partition(key: SharePartitionKey) -> None:
    if key.partition < 0:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "The partition id cannot be a negative number.")


def _check_leader_epoch(key: SharePartitionKey, tracked: _Tracked, epoch: int) -> None:
    if epoch != NOT_KNOWN and epoch < tracked.leader_epoch:
        why = f"{key}: its partition is led in epoch {tracked.leader_epoch}, the request is from epoch {epoch}"
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH, why)


def _check_state_epoch(key: SharePartitionKey, tracked: _Tracked, epoch: int) -> None:
    if epoch != NOT_KNOWN and epoch < tracked.state_epoch:
        why = f"{key}: its state is in epoch {tracked.state_epoch}, the request is from epoch {epoch}"
        raise KafkaError(ErrorCode.FENCED_STATE_EPOCH, why)
