"""A partition that this broker has a replica of: its log, who leads it, who is in sync, and what is committed.

Invariant: the high watermark is the lowest log end offset of the in-sync replicas, never moves back while this broker
leads, and is never past the end of the log. With one replica it follows every append at once; followers report theirs
through `replica_reached`. Apache's class: `kafka.cluster.Partition`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Protocol
from uuid import UUID

from kafkapy.protocol.batch import BatchHeader
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker, build_marker
from kafkapy.protocol.octets import Bytes
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.log import Appended, Log
from kafkapy.storage.segment import FileSlice

ACKS_ALL = -1
ACKS_LEADER = 1
ACKS_NONE = 0
READ_COMMITTED = 1  # the isolation level; 0 reads all that is committed to the log
NO_LEADER = -1
NO_EPOCH = -1


class Watcher(Protocol):
    """Something that waits for a partition's committed data."""

    def grew(self, size: int) -> None:
        """`size` more bytes may be read; also called, with 0, when the partition changes hands or is deleted."""


class Partition:
    """This broker's replica of one partition."""

    def __init__(self, log: Log, node_id: int, leader: int, leader_epoch: int, isr: list[int]) -> None:
        self.log = log
        self.node_id = node_id
        self.leader = leader
        self.leader_epoch = leader_epoch
        self.isr = isr
        self.min_insync_replicas = 1
        self.high_watermark = log.log_start_offset
        self.watchers: set[Watcher] = set()
        self.stable_watchers: set[Watcher] = set()  # those that wait for what no open transaction holds back
        self.changes = 0  # how often watchers had cause to look
        self._reached = {node_id: log.log_end_offset}
        self._commits: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._advance()

    @property
    def topic(self) -> str:
        return self.log.topic

    @property
    def index(self) -> int:
        return self.log.partition

    @property
    def topic_id(self) -> UUID:
        return self.log.topic_id

    @property
    def last_stable_offset(self) -> int:
        """Up to where read_committed consumers may read: to before the first transaction that may still end as it will.

        Without any that is the high watermark.
        """
        producers = self.log.producers
        if not producers.open and not producers.ended:
            return self.high_watermark
        first = producers.first_unstable_offset()
        if first is None or first >= self.high_watermark:
            return self.high_watermark
        return max(first, self.log.log_start_offset)

    def check_leader(self, current_leader_epoch: int = NO_EPOCH) -> None:
        """Raise NOT_LEADER_OR_FOLLOWER, or, if the client knows another epoch, FENCED_ or UNKNOWN_LEADER_EPOCH."""
        if self.leader != self.node_id:
            why = f"{self.topic}-{self.index} is led by broker {self.leader}; ask for the metadata again"
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, why)
        if current_leader_epoch in (NO_EPOCH, self.leader_epoch):
            return
        is_old = current_leader_epoch < self.leader_epoch
        code = ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH
        why = f"{self.topic}-{self.index} is in leader epoch {self.leader_epoch}, the client in {current_leader_epoch}"
        raise KafkaError(code, why)

    def append(
        self,
        records: Bytes,
        now_ms: int,
        *,
        acks: int = ACKS_ALL,
        from_client: bool = True,
        first: BatchHeader | None = None,
    ) -> Appended:
        """Append as the leader, and tell the watchers what became committed.

        `first` is the header that the records begin with, if that was read already.
        Raises KafkaError: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (acks=all with too few in sync), and what
        `Log.append_as_leader` raises.
        """
        self.check_leader()
        if acks == ACKS_ALL and len(self.isr) < self.min_insync_replicas:
            why = f"{self.topic}-{self.index} has {len(self.isr)} replicas in sync, {self.min_insync_replicas} needed"
            raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, why)
        appended = self.log.append_as_leader(records, self.leader_epoch, now_ms, from_client=from_client, first=first)
        if not appended.duplicate:
            self.replica_reached(self.node_id, self.log.log_end_offset, len(records))
        return appended

    def end_transaction(
        self, producer_id: int, epoch: int, marker: Marker, transaction_version: int, now_ms: int
    ) -> Appended:
        """Write that the producer's transaction has ended, and wake who waits for its records.

        Raises KafkaError: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, and what `append` raises.
        """
        self.check_leader()
        self.log.producers.check_marker(producer_id, epoch, marker.coordinator_epoch, transaction_version)
        return self.append(build_marker(producer_id, epoch, marker, now_ms), now_ms, from_client=False)

    def replica_reached(self, replica: int, end_offset: int, size: int = 0) -> None:
        """A replica has everything below `end_offset`; `size` is how many bytes that may have committed."""
        self._reached[replica] = end_offset
        self._advance(size)

    def when_committed(self, offset: int, callback: Callable[[], None]) -> None:
        """Call back once `offset` is below the high watermark: at once if it is already."""
        if offset < self.high_watermark:
            callback()
        else:
            heapq.heappush(self._commits, (offset, next(self._order), callback))

    def read(
        self,
        offset: int,
        max_bytes: int,
        *,
        committed_only: bool = False,
        at_least_one_batch: bool = True,
        cached_only: bool = False,
    ) -> FileSlice | None:
        """What a consumer may read from `offset` on. Raises what `Log.read` does."""
        end = self.last_stable_offset if committed_only else self.high_watermark
        return self.log.read(offset, max_bytes, end, at_least_one_batch=at_least_one_batch, cached_only=cached_only)

    def aborted_transactions(self, offset: int, found: FileSlice) -> list[AbortedTransaction]:
        """The aborted transactions whose records may be in a slice that `read` found for `offset`.

        Raises KafkaError(KAFKA_STORAGE_ERROR).
        """
        try:
            return self.log.segments.aborted_transactions(offset, found, self.log.log_end_offset)
        except OSError as error:
            raise self.log.disk_error("looking for aborted transactions", error) from error

    def delete_records(self, before: int | None) -> int:
        """Give up every record below `before`, or all that is committed; the offset that the partition begins at now.

        Raises KafkaError: NOT_LEADER_OR_FOLLOWER, POLICY_VIOLATION (the topic's cleanup.policy is only
        compact), OFFSET_OUT_OF_RANGE (before 0, or beyond the high watermark).
        """
        self.check_leader()
        if self.log.config.cleanup_policy == {"compact"}:
            why = f"{self.topic}-{self.index} deletes no records: its cleanup.policy is only compact"
            raise KafkaError(ErrorCode.POLICY_VIOLATION, why)
        offset = self.high_watermark if before is None else before
        if not 0 <= offset <= self.high_watermark:
            why = f"{self.topic}-{self.index}: offset {offset} is not between 0 and {self.high_watermark}"
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
        self.log.advance_log_start_offset(offset)
        return self.log.log_start_offset

    def end_offset_for_epoch(self, leader_epoch: int) -> tuple[int, int]:
        """The largest epoch that is not above `leader_epoch`, and where it ends; (-1, -1) if there is none.

        The current epoch counts even while it has no record: it begins where the log ends.
        """
        latest = self.log.latest_epoch
        if latest < leader_epoch <= self.leader_epoch or (latest == NO_EPOCH and leader_epoch < NO_EPOCH):
            is_known = leader_epoch == self.leader_epoch or latest == NO_EPOCH
            return leader_epoch if is_known else latest, self.log.log_end_offset
        return self.log.end_offset_for_epoch(leader_epoch)

    def epoch_of(self, offset: int) -> int:
        """The leader epoch that the record at `offset` has, or, at the end of the log, will have."""
        return self.leader_epoch if offset >= self.log.log_end_offset else self.log.epoch_of(offset)

    def become(self, leader: int, leader_epoch: int, isr: list[int]) -> None:
        """Take over what the cluster's metadata says of this partition now."""
        changed = (leader, leader_epoch) != (self.leader, self.leader_epoch)
        self.leader, self.leader_epoch, self.isr = leader, leader_epoch, isr
        self._advance()
        if changed:
            self._tell(0)

    def close(self) -> None:
        """The partition is deleted or offline: it is not led here, and who waits for it learns that."""
        self.leader = NO_LEADER
        self._tell(0)

    def _tell(self, size: int) -> None:
        self.changes += 1
        if self.watchers:
            for watcher in tuple(self.watchers):
                watcher.grew(size)
        if self.stable_watchers and (size == 0 or self.last_stable_offset == self.high_watermark):
            self._tell_stable(size)

    def _tell_stable(self, size: int) -> None:
        for watcher in tuple(self.stable_watchers):
            watcher.grew(size)

    def _advance(self, size: int = 0) -> None:
        committed = min([self._reached.get(replica, 0) for replica in self.isr]) if self.isr else self.high_watermark
        if committed <= self.high_watermark:
            return
        self.high_watermark = committed
        ended = self.log.producers.ended
        if ended:
            self.log.producers.committed_to(committed)
        while self._commits and self._commits[0][0] < committed:
            heapq.heappop(self._commits)[2]()
        self._tell(size)
        if ended and self.stable_watchers:
            self._tell_stable(0)  # what came before the marker was not counted
