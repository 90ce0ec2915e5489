"""Incremental fetch (KIP-227): the broker remembers what a client fetches, so that neither repeats what did not change.

A client opens a session with a full fetch of epoch 0, then sends only the partitions that it changes, in epochs that
count up; the reply has only partitions with news. Sessions are limited in number: one that was idle for long, or
fetches less than the newcomer, gives way. Apache's classes: FetchSession, FetchManager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
Named = Sequence[tuple[Key, "Fetched"]]


@dataclass(slots=True)
class Fetched:
    """One partition of a session: what the client wants of it, and what it was last told."""

    wanted: FetchPartition
    high_watermark: int = -1
    log_start_offset: int = -1

    def has_news(self, data: PartitionData) -> bool:
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
        return news


class _Quiet(NamedTuple):
    """A partition that was read to its end, and as what: another look finds the same until one of these is another."""

    fetched: Fetched
    partition: Partition
    changes: int
    log_start_offset: int


class FetchSession:
    """What one client fetches. Partitions of which there is nothing to tell are not looked at until they change."""

    def __init__(self, session_id: int, uses_topic_ids: bool, last_used_ms: int, named: Named) -> None:
        self.session_id = session_id
        self.uses_topic_ids = uses_topic_ids
        self.last_used_ms = last_used_ms
        self.epoch = 1
        self._due = dict(named)  # in the order in which they take their turn
        self._quiet: dict[Key, _Quiet] = {}

    def __len__(self) -> int:
        return len(self._due) + len(self._quiet)

    def update(self, request: FetchRequest) -> None:
        """Take in what an incremental request adds, changes and forgets."""
        for topic in request.forgotten_topics_data:
            for partition in topic.partitions:
                key = Key(topic.topic, topic.topic_id, partition)
                self._due.pop(key, None)
                self._quiet.pop(key, None)
        for key, wanted in wanted_by(request):
            quiet = self._quiet.pop(key, None)
            known = self._due.get(key) if quiet is None else quiet.fetched
            if known is None:
                known = Fetched(wanted)
            known.wanted = wanted
            self._due[key] = known

    def due(self) -> list[tuple[Key, Fetched]]:
        """The partitions to look at, in their order."""
        woken = [
            key
            for key, (_, partition, changes, log_start_offset) in self._quiet.items()
            if partition.changes != changes or partition.log.log_start_offset != log_start_offset
        ]
        if woken:
            # They had no turn for longer than any other.
            self._due = {key: self._quiet.pop(key).fetched for key in woken} | self._due
        return list(self._due.items())

    def quiet_partitions(self) -> list[Partition]:
        """Those that are not looked at."""
        return [quiet.partition for quiet in self._quiet.values()]

    def tell(self, key: Key, data: PartitionData, partition: Partition | None) -> bool:
        """Whether `data`, read just now, must be sent; plans the partition's next turn."""
        fetched = self._due.get(key)
        if fetched is None:
            return True
        news = fetched.has_news(data)
        if data.records:
            # It goes behind the others, so that all get their turn when space is short.
            self._due[key] = self._due.pop(key)
        elif (
            partition is not None
            and data.error_code == ErrorCode.NONE
            and data.diverging_epoch is None
            and fetched.wanted.fetch_offset >= data.high_watermark
        ):
            self._quiet[key] = _Quiet(self._due.pop(key), partition, partition.changes, data.log_start_offset)
        return news


class FetchContext(NamedTuple):
    """One fetch: the partitions that it names itself, or None for those of its session that have news."""

    named: Named | None
    session: FetchSession | None

    @property
    def session_id(self) -> int:
        return NO_SESSION if self.session is None else self.session.session_id

    @property
    def is_empty(self) -> bool:
        """Whether there is no partition to wait for."""
        return self.named is not None and not self.named

    def partitions(self) -> Named:
        """What to look at now, in order."""
        if self.named is not None:
            return self.named
        assert self.session is not None, "who names no partitions has a session"
        return self.session.due()

    def others(self) -> list[Partition]:
        """What need not be looked at now, and may have news while the fetch waits."""
        return [] if self.session is None else self.session.quiet_partitions()

    def answered(self, results: Iterable[Result]) -> Iterator[tuple[Key, PartitionData]]:
        """Those of the results that belong in the reply."""
        for key, data, partition in results:
            news = self.session is None or self.session.tell(key, data, partition)
            if news or self.named is not None:
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
            return FetchContext(partitions, session)
        session = self._find(request, version)
        session.epoch = 1 if session.epoch == _MAX_INT32 else session.epoch + 1
        session.last_used_ms = now_ms
        self._sessions[session.session_id] = self._sessions.pop(session.session_id)
        session.update(request)
        if not len(session):
            # Nothing is left to remember; the client sees by session id 0 that the session is over.
            del self._sessions[session.session_id]
            return FetchContext([], None)
        return FetchContext(None, session)

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
        session = FetchSession(session_id, uses_topic_ids, now_ms, partitions)
        self._sessions[session_id] = session
        return session

    def _make_room(self, size: int, now_ms: int) -> bool:
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None:
            return False
        idle = now_ms - oldest.last_used_ms > self._eviction_ms
        victim = oldest if idle else min(self._sessions.values(), key=len)
        if not idle and len(victim) >= size:
            return False
        del self._sessions[victim.session_id]
        return True


def by_name(key: Key) -> bool:
    """Whether the client named the topic, rather than its id."""
    return key.topic_id == ZERO_UUID
