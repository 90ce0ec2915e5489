"""The offsets that groups committed, and the records that change them.

`replay` alone changes what is stored. Whether a group may commit, and whether it is there, is decided before.
Apache: OffsetMetadataManager. KIP-211 (when offsets expire).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from kafkapy.coordinator.pending_offsets import PendingOffsets
from kafkapy.coordinator.records import NO_EXPIRY, OffsetChange, offset_record
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from kafkapy.protocol.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from kafkapy.protocol.records.groups import OffsetCommitValue
from kafkapy.protocol.wire import ZERO_UUID

NO_OFFSET = -1
_NO_TIME = -1
_NOTHING_COMMITTED = OffsetCommitValue(offset=NO_OFFSET, leader_epoch=-1, metadata="")


class OffsetOwner(Protocol):
    """A group of any type, as far as its offsets go."""

    @property
    def group_id(self) -> str: ...

    @property
    def offsets_may_expire(self) -> bool: ...

    def unused_since_ms(self, commit_timestamp_ms: int) -> int: ...

    def is_subscribed_to(self, topic: str) -> bool: ...


class Offsets:
    """Every group's offsets of one shard: group id, topic, partition."""

    def __init__(self, retention_ms: int, metadata_max_bytes: int) -> None:
        self._retention_ms = retention_ms
        self._metadata_max_bytes = metadata_max_bytes
        self._by_group: dict[str, dict[str, dict[int, OffsetCommitValue]]] = {}
        self.pending = PendingOffsets()

    def replay(self, change: OffsetChange) -> None:
        """Store or forget what the record says."""
        self.pending.note(change)
        self._take_in(change)

    def end_transaction(self, producer_id: int, *, commit: bool) -> None:
        """Let what the producer's transaction committed count, or not."""
        for change in self.pending.end(producer_id, commit=commit):
            self._take_in(change)

    def _take_in(self, change: OffsetChange) -> None:
        if change.value is not None:
            topics = self._by_group.setdefault(change.group_id, {})
            topics.setdefault(change.topic, {})[change.partition] = change.value
            return
        topics = self._by_group.get(change.group_id, {})
        partitions = topics.get(change.topic, {})
        partitions.pop(change.partition, None)
        if not partitions:
            topics.pop(change.topic, None)
        if not topics:
            self._by_group.pop(change.group_id, None)

    def group_ids(self) -> list[str]:
        """The groups that keep offsets."""
        return list(dict.fromkeys([*self._by_group, *self.pending.group_ids()]))

    def topics_of(self, group_id: str) -> dict[str, list[int]]:
        """The partitions with an offset, by topic."""
        return {topic: list(partitions) for topic, partitions in self._by_group.get(group_id, {}).items()}

    def get(self, group_id: str, topic: str, partition: int, topic_id: UUID = ZERO_UUID) -> OffsetCommitValue:
        """What the group committed, or offset -1. With a topic id: not what was committed for an earlier topic."""
        found = self._by_group.get(group_id, {}).get(topic, {}).get(partition)
        if found is None or (ZERO_UUID not in (topic_id, found.topic_id) and topic_id != found.topic_id):
            return _NOTHING_COMMITTED
        return found

    # Each of these says which records would change what is stored.

    def commit(self, request: OffsetCommitRequest, now_ms: int) -> tuple[list[Record], OffsetCommitResponse]:
        """The records of a commit that its group allows, and the answer. Too much metadata is refused per partition."""
        records: list[Record] = []
        response = OffsetCommitResponse()
        for topic in request.topics:
            answer = OffsetCommitResponseTopic(name=topic.name, topic_id=topic.topic_id)
            response.topics.append(answer)
            for partition in topic.partitions:
                metadata = partition.committed_metadata or ""
                # Apache counts characters, whatever the property's name says.
                is_too_large = len(metadata) > self._metadata_max_bytes
                error = ErrorCode.OFFSET_METADATA_TOO_LARGE if is_too_large else ErrorCode.NONE
                answer.partitions.append(OffsetCommitResponsePartition(partition.partition_index, error))
                if not is_too_large:
                    value = _value_of(partition, request.retention_time_ms, topic.topic_id, now_ms)
                    index = partition.partition_index
                    records.append(offset_record(request.group_id, topic.name, index, value, now_ms))
        return records, response

    def commit_in_transaction(
        self, request: TxnOffsetCommitRequest, now_ms: int
    ) -> tuple[list[Record], TxnOffsetCommitResponse]:
        """The same of a commit that counts once its transaction is committed."""
        records: list[Record] = []
        response = TxnOffsetCommitResponse()
        for topic in request.topics:
            answer = TxnOffsetCommitResponseTopic(topic.name)
            response.topics.append(answer)
            for partition in topic.partitions:
                index, metadata = partition.partition_index, partition.committed_metadata or ""
                is_too_large = len(metadata) > self._metadata_max_bytes
                error = ErrorCode.OFFSET_METADATA_TOO_LARGE if is_too_large else ErrorCode.NONE
                answer.partitions.append(TxnOffsetCommitResponsePartition(index, error))
                if not is_too_large:
                    value = OffsetCommitValue(
                        offset=partition.committed_offset,
                        leader_epoch=partition.committed_leader_epoch,
                        metadata=metadata,
                        commit_timestamp=now_ms,
                        expire_timestamp=NO_EXPIRY,
                    )
                    records.append(offset_record(request.group_id, topic.name, index, value, now_ms))
        return records, response

    def forget(self, group_id: str, topic: str, partition: int, now_ms: int) -> list[Record]:
        """Forget one partition's offset, if there is one."""
        if self.get(group_id, topic, partition) is _NOTHING_COMMITTED and not self.pending.has(
            group_id, topic, partition
        ):
            return []
        return [offset_record(group_id, topic, partition, None, now_ms)]

    def forget_group(self, group_id: str, now_ms: int) -> list[Record]:
        """Forget everything that the group committed, in open transactions too."""
        keys = [(topic, index) for topic, index, _ in self._each(group_id)]
        keys += [(topic, index) for group, topic, index in self.pending.each() if group == group_id]
        return [offset_record(group_id, topic, index, None, now_ms) for topic, index in dict.fromkeys(keys)]

    def forget_topic(self, name: str, topic_id: UUID, now_ms: int) -> list[Record]:
        """Forget what any group committed for a deleted topic, but not for a later one of the same name."""
        keys = [
            (group_id, topic, partition)
            for group_id in self._by_group
            for topic, partition, value in self._each(group_id)
            if topic == name and (ZERO_UUID in (topic_id, value.topic_id) or value.topic_id == topic_id)
        ]
        keys += [key for key in self.pending.each() if key[1] == name]
        return [offset_record(*key, None, now_ms) for key in dict.fromkeys(keys)]

    def forget_expired(self, group: OffsetOwner, now_ms: int) -> tuple[list[Record], bool]:
        """Forget the group's offsets that nobody used for too long; the flag says that none is left then."""
        stored = list(self._each(group.group_id))
        is_pending = self.pending.has_group(group.group_id)
        if not stored:
            return [], not is_pending
        if not group.offsets_may_expire:
            return [], False
        records = [
            offset_record(group.group_id, topic, partition, None, now_ms)
            for topic, partition, value in stored
            if not group.is_subscribed_to(topic)
            and self._is_expired(group, value, now_ms)
            and not self.pending.has(group.group_id, topic, partition)
        ]
        return records, len(records) == len(stored) and not is_pending

    def _is_expired(self, group: OffsetOwner, value: OffsetCommitValue, now_ms: int) -> bool:
        if value.expire_timestamp != NO_EXPIRY:
            return now_ms >= value.expire_timestamp
        return now_ms - group.unused_since_ms(value.commit_timestamp) >= self._retention_ms

    def _each(self, group_id: str) -> Iterator[tuple[str, int, OffsetCommitValue]]:
        for topic, partitions in self._by_group.get(group_id, {}).items():
            for partition, value in partitions.items():
                yield topic, partition, value


def _value_of(
    partition: OffsetCommitRequestPartition, retention_ms: int, topic_id: UUID, now_ms: int
) -> OffsetCommitValue:
    return OffsetCommitValue(
        offset=partition.committed_offset,
        leader_epoch=partition.committed_leader_epoch,
        metadata=partition.committed_metadata or "",
        commit_timestamp=now_ms if partition.commit_timestamp == _NO_TIME else partition.commit_timestamp,
        expire_timestamp=NO_EXPIRY if retention_ms == _NO_TIME else now_ms + retention_ms,
        topic_id=topic_id,
    )
