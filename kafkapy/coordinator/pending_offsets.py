"""Offsets that were committed in transactions which have not ended: they count once the transaction is committed.

A transaction's offset is passed over if a later one of the same partition counts already: what was written last is what
the group has, in whatever order the transactions end. Apache: OffsetMetadataManager, pendingTransactionalOffsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from kafkapy.coordinator.records import OffsetChange


class _Key(NamedTuple):
    topic: str
    partition: int


class PendingOffsets:
    """The open transactions of one shard, by producer id and by group."""

    def __init__(self) -> None:
        self._by_producer: dict[int, dict[tuple[str, _Key], tuple[int, OffsetChange]]] = {}
        self._by_group: dict[str, dict[_Key, set[int]]] = {}
        self._stored: dict[tuple[str, _Key], int] = {}  # when what counts was written, where something is pending
        self._order = count()

    def add(self, producer_id: int, change: OffsetChange) -> None:
        """A producer's transaction commits an offset."""
        key = _Key(change.topic, change.partition)
        self._by_producer.setdefault(producer_id, {})[change.group_id, key] = (next(self._order), change)
        self._by_group.setdefault(change.group_id, {}).setdefault(key, set()).add(producer_id)

    def note(self, change: OffsetChange) -> None:
        """Outside of transactions an offset was stored, or forgotten: the latter ends what is pending for it."""
        keys = self._by_group.get(change.group_id)
        key = _Key(change.topic, change.partition)
        if not keys or key not in keys:
            return
        if change.value is not None:
            self._stored[change.group_id, key] = next(self._order)
            return
        for producer_id in list(keys[key]):
            offsets = self._by_producer[producer_id]
            offsets.pop((change.group_id, key), None)
            if not offsets:
                del self._by_producer[producer_id]
            self._close(change.group_id, key, producer_id)

    def end(self, producer_id: int, *, commit: bool) -> list[OffsetChange]:
        """The producer's transaction is over; the offsets that count from now on."""
        counting = []
        for (group_id, key), (order, change) in self._by_producer.pop(producer_id, {}).items():
            if commit and order > self._stored.get((group_id, key), -1):
                counting.append(change)
                self._stored[group_id, key] = order
            self._close(group_id, key, producer_id)
        return counting

    def _close(self, group_id: str, key: _Key, producer_id: int) -> None:
        keys = self._by_group[group_id]
        keys[key].discard(producer_id)
        if not keys[key]:
            del keys[key]
            self._stored.pop((group_id, key), None)
        if not keys:
            del self._by_group[group_id]

    def group_ids(self) -> list[str]:
        """The groups with pending offsets."""
        return list(self._by_group)

    def has_group(self, group_id: str) -> bool:
        return group_id in self._by_group

    def has(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether the partition's offset may change when a transaction ends."""
        keys = self._by_group.get(group_id)
        return keys is not None and _Key(topic, partition) in keys

    def each(self) -> Iterator[tuple[str, str, int]]:
        """Group, topic and partition of everything that is pending."""
        for group_id, keys in self._by_group.items():
            for topic, partition in keys:
                yield group_id, topic, partition
