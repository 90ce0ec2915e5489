"""Incremental fetch (KIP-227): the broker remembers what a client fetches, so that neither repeats what did not change.

A client opens a session with a full fetch of epoch 0, then sends only the partitions that it changes, in epochs that
count up; the reply has only partitions with news. Sessions are limited in number: one that was idle for long, or
fetches less than the newcomer, gives way. Apache's classes: FetchSession, FetchManager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.fetch import FetchPartition, FetchRequest, PartitionData
from kafkapy.protocol.wire import ZERO_UUID
from kafkapy.replication.partition import Partition

NO_SESSION = 0
FULL_EPOCH = 0
FINAL_EPOCH = -1
_MAX_INT32 = 2**31 - 1
_FIRST_VERSION_WITH_IDS = 13


class Key(NamedTuple):
    """A partition as the client names it: by topic name before Fetch v13, by topic id since."""

    topic: str
    topic_id: UUID
    partition: int


Result = tuple[Key, PartitionData, Partition | None]  # what was found of a partition, which an error may lack


@dataclass(slots=True)
class Fetched:
    """One partition of a session: what the client wants of it, and what it was last told."""

    wanted: FetchPartition
    high_watermark: int = -1
    log_start_offset: int = -1
    _quiet: tuple[Partition, int, FetchPartition] | None = None  # when there was nothing left to tell

    @property
    def quiet(self) -> Partition | None:
        """The partition, if a look at it would find no more than the last one, after which nothing was left to tell."""
        if self._quiet is None:
            return None
        partition, changes, wanted = self._quiet
        if partition.changes != changes or wanted is not self.wanted:
            return None
        return partition if partition.log.log_start_offset == self.log_start_offset else None

    def has_news(self, data: PartitionData, partition: Partition | None) -> bool:
        """Whether `data`, read just now, must be sent; remembers it as sent."""
        news = (
            data.error_code != ErrorCode.NONE
            or bool(data.records)
            or data.high_watermark != self.high_watermark
            or data.log_start_offset != self.log_start_offset
            or data.diverging_epoch is not None
        )
        # After an error the client must hear of the partition again, however little has changed.
        self.high_watermark = data.high_watermark if data.error_code == ErrorCode.NONE else -1
        self.log_start_offset = data.log_start_offset
        at_end = data.error_code == ErrorCode.NONE and self.wanted.fetch_offset >= data.high_watermark
        is_quiet = at_end and not data.records and data.diverging_epoch is None
        self._quiet = (partition, partition.changes, self.wanted) if is_quiet and partition is not None else None
        return news


@dataclass(slots=True)
class FetchSession:
    """What one client fetches, in the order in which partitions take their turn."""

    session_id: int
    uses_topic_ids: bool
    epoch: int = 1
    last_used_ms: int = 0
    partitions: dict[Key, Fetched] = field(default_factory=dict)

    def update(self, request: FetchRequest) -> None:
        """Take in what an incremental request adds, changes and forgets."""
        for topic in request.forgotten_topics_data:
            for partition in topic.partitions:
                self.partitions.pop(Key(topic.topic, topic.topic_id, partition), None)
        for key, wanted in wanted_by(request):
            known = self.partitions.get(key)
            if known is None:
                self.partitions[key] = Fetched(wanted)
            else:
                known.wanted = wanted

    def moved_last(self, key: Key) -> None:
        """A partition that had data goes behind the others, so that all get their turn when space is short."""
        self.partitions[key] = self.partitions.pop(key)


class FetchContext(NamedTuple):
    """One fetch: its partitions in order, its session if there is one, and whether only news is answered."""

    partitions: list[tuple[Key, Fetched]]
    session: FetchSession | None
    incremental: bool

    @property
    def session_id(self) -> int:
        return NO_SESSION if self.session is None else self.session.session_id

    def answered(self, results: Iterable[Result]) -> Iterator[tuple[Key, PartitionData]]:
        """Those of the results that belong in the reply."""
        for key, data, partition in results:
            fetched = None if self.session is None else self.session.partitions.get(key)
            if self.session is None or fetched is None:
                yield key, data
                continue
            news = fetched.has_news(data, partition)
            if data.records:
                self.session.moved_last(key)
            if news or not self.incremental:
                yield key, data


def wanted_by(request: FetchRequest) -> Iterator[tuple[Key, FetchPartition]]:
    """Every partition of a request, in order."""
    for topic in request.topics:
        for partition in topic.partitions:
            yield Key(topic.topic, topic.topic_id, partition.partition), partition


class FetchSessions:
    """The sessions of all clients, at most `max_sessions`."""

    def __init__(self, max_sessions: int, eviction_ms: int, new_id: Callable[[], int]) -> None:
        self._max_sessions = max_sessions
        self._eviction_ms = eviction_ms
        self._new_id = new_id
        self._sessions: dict[int, FetchSession] = {}  # the one unused for longest first

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, request: FetchRequest, version: int, now_ms: int) -> FetchContext:
        """The partitions that a request means.

        Raises KafkaError: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR.
        """
        if request.session_epoch in (FULL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            # Of one that is named twice, the last counts.
            partitions = [(key, Fetched(wanted)) for key, wanted in dict(wanted_by(request)).items()]
            session = None
            if request.session_epoch == FULL_EPOCH:
                session = self._create(partitions, version >= _FIRST_VERSION_WITH_IDS, now_ms)
            return FetchContext(partitions, session, incremental=False)
        session = self._find(request, version)
        session.epoch = 1 if session.epoch == _MAX_INT32 else session.epoch + 1
        session.last_used_ms = now_ms
        self._sessions[session.session_id] = self._sessions.pop(session.session_id)
        session.update(request)
        if not session.partitions:
            # Nothing is left to remember; the client sees by session id 0 that the session is over.
            del self._sessions[session.session_id]
            return FetchContext([], None, incremental=True)
        return FetchContext(list(session.partitions.items()), session, incremental=True)

    def _find(self, request: FetchRequest, version: int) -> FetchSession:
        session = self._sessions.get(request.session_id)
        if session is None:
            why = f"there is no fetch session {request.session_id}; open one with epoch 0"
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, why)
        if session.epoch != request.session_epoch:
            why = (
                f"fetch session {request.session_id} is in epoch {session.epoch}, the client in {request.session_epoch}"
            )
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH, why)
        if session.uses_topic_ids != (version >= _FIRST_VERSION_WITH_IDS):
            named = "by id" if session.uses_topic_ids else "by name"
            why = f"fetch session {request.session_id} has its topics {named}, the request the other way"
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, why)
        return session

    def _create(self, partitions: list[tuple[Key, Fetched]], uses_topic_ids: bool, now_ms: int) -> FetchSession | None:
        if len(self._sessions) >= self._max_sessions and not self._make_room(len(partitions), now_ms):
            return None
        session_id = self._new_id()
        while session_id in self._sessions or session_id == NO_SESSION:
            session_id = self._new_id()
        session = FetchSession(session_id, uses_topic_ids, last_used_ms=now_ms)
        session.partitions = dict(partitions)
        self._sessions[session_id] = session
        return session

    def _make_room(self, size: int, now_ms: int) -> bool:
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None:
            return False
        idle = now_ms - oldest.last_used_ms > self._eviction_ms
        victim = oldest if idle else min(self._sessions.values(), key=lambda session: len(session.partitions))
        if not idle and len(victim.partitions) >= size:
            return False
        del self._sessions[victim.session_id]
        return True


def by_name(key: Key) -> bool:
    """Whether the client named the topic, rather than its id."""
    return key.topic_id == ZERO_UUID
