"""Share sessions (KIP-932): the broker remembers which partitions a share consumer fetches.

A member of a group has one session with a broker. A fetch of epoch 0 begins it, requests count its epoch up, one of
epoch -1 ends it; so does the end of the connection that began it, since whoever has records must be there. Their
number is limited, and none gives way to another. Apache's classes: ShareSession, ShareSessionCache.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.share_fetch import SharePartitionData

FIRST_EPOCH = 0
FINAL_EPOCH = -1
_MAX_INT32 = 2**31 - 1


class SessionKey(NamedTuple):
    group_id: str
    member_id: str


class TopicPartition(NamedTuple):
    """A partition as share consumers name it."""

    topic_id: UUID
    partition: int


@dataclass(slots=True)
class ShareSession:
    """What one consumer fetches; True for a partition of which the next response must tell, news or not."""

    key: SessionKey
    epoch: int = FIRST_EPOCH + 1
    partitions: dict[TopicPartition, bool] = field(default_factory=dict)

    def update(self, added: Iterable[TopicPartition], forgotten: Iterable[TopicPartition]) -> None:
        """Take in what a request adds and takes away."""
        for partition in added:
            self.partitions.setdefault(partition, True)
        for partition in forgotten:
            self.partitions.pop(partition, None)

    def must_tell(self, partition: TopicPartition, data: SharePartitionData) -> bool:
        """Whether the response has the partition; remembers it as told."""
        was_due = self.partitions.get(partition)
        if was_due is None:
            return True
        has_records, failed = bool(data.records), data.error_code != ErrorCode.NONE
        self.partitions[partition] = failed
        if has_records:
            # It goes behind the others.
            self.partitions[partition] = self.partitions.pop(partition)
        return was_due or has_records or failed

    def count_up(self) -> None:
        self.epoch = 1 if self.epoch == _MAX_INT32 else self.epoch + 1


class ShareSessions:
    """The sessions of all members, at most `max_sessions`."""

    def __init__(self, max_sessions: int) -> None:
        self._max_sessions = max_sessions
        self._sessions: dict[SessionKey, ShareSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: SessionKey) -> ShareSession | None:
        return self._sessions.get(key)

    def begin(self, key: SessionKey, partitions: Iterable[TopicPartition]) -> ShareSession:
        """A new session, in place of the member's last one. Raises KafkaError(SHARE_SESSION_LIMIT_REACHED)."""
        self._sessions.pop(key, None)
        if len(self._sessions) >= self._max_sessions:
            why = f"{self._max_sessions} share sessions are open, group.share.max.share.sessions allows no more"
            raise KafkaError(ErrorCode.SHARE_SESSION_LIMIT_REACHED, why)
        session = self._sessions[key] = ShareSession(key, partitions=dict.fromkeys(partitions, False))
        return session

    def go_on(self, key: SessionKey, epoch: int) -> ShareSession:
        """The session that a request of this epoch is in, which counts its epoch up unless the request ends it.

        Raises KafkaError: SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH.
        """
        session = self._sessions.get(key)
        if session is None:
            why = f"member {key.member_id} of group {key.group_id} has no share session; begin one with epoch 0"
            raise KafkaError(ErrorCode.SHARE_SESSION_NOT_FOUND, why)
        if epoch == FINAL_EPOCH:
            return session
        if session.epoch != epoch:
            why = f"the share session of member {key.member_id} is in epoch {session.epoch}, the request in {epoch}"
            raise KafkaError(ErrorCode.INVALID_SHARE_SESSION_EPOCH, why)
        session.count_up()
        return session

    def end(self, key: SessionKey) -> ShareSession | None:
        """Forget the session."""
        return self._sessions.pop(key, None)

    def end_all(self) -> None:
        """Forget all of them."""
        self._sessions.clear()

    def has_group(self, group_id: str) -> bool:
        """Whether a member of the group has a session."""
        return any(key.group_id == group_id for key in self._sessions)
