"""The deadlines of a group's members, each of which ends with the member fenced from its group.

    session    not heard of for too long
    rebalance  asked to give partitions or tasks back, and did not within its rebalance timeout
    join       of the classic protocol: told to join again, and did not
    sync       of the classic protocol: joined, and did not fetch its part

A deadline that finds its member gone, or gone on, does nothing. Apache: the timers of GroupMetadataManager.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kafkapy.coordinator.outcome import Outcome, only_append
from kafkapy.coordinator.timers import Timers

Fence = Callable[[str, str, str, int], Outcome[None]]
"""Fences a member: group id, member id, why, now."""

_KINDS = ("session", "rebalance", "join", "sync")


class Member(Protocol):
    """A member of a group of any kind, as far as its deadlines go."""

    @property
    def member_id(self) -> str: ...

    @property
    def member_epoch(self) -> int: ...

    @property
    def rebalance_timeout_ms(self) -> int: ...


class Deadlines:
    """Sets and ends the deadlines of one shard's groups of one type."""

    def __init__(
        self, group_type: str, timers: Timers, fence: Fence, epoch_of: Callable[[str, str], int | None]
    ) -> None:
        self._group_type = group_type
        self._timers = timers
        self._fence = fence
        self._epoch_of = epoch_of
        self._awaited_joins: set[tuple[str, str]] = set()

    def restart_session(self, group_id: str, member_id: str, timeout_ms: int, now_ms: int) -> None:
        """The member was heard of."""
        self._set("session", group_id, member_id, now_ms + timeout_ms, "it was not heard of within its session timeout")

    def await_revocation(self, group_id: str, member: Member, now_ms: int) -> None:
        """The member must leave its epoch, by giving back what it was asked for."""
        member_id, epoch = member.member_id, member.member_epoch

        def expire(then_ms: int) -> Outcome[None]:
            if self._epoch_of(group_id, member_id) != epoch:
                return only_append([])
            why = f"it did not leave epoch {epoch} within {member.rebalance_timeout_ms} ms"
            return self._fence(group_id, member_id, why, then_ms)

        self._timers.set(self._key("rebalance", group_id, member_id), now_ms + member.rebalance_timeout_ms, expire)

    def end_revocation(self, group_id: str, member_id: str) -> None:
        self._timers.cancel(self._key("rebalance", group_id, member_id))

    def await_join(self, group_id: str, member: Member, now_ms: int) -> None:
        """The member was told to join again: the first time counts."""
        if (group_id, member.member_id) not in self._awaited_joins:
            self._awaited_joins.add((group_id, member.member_id))
            at_ms = now_ms + member.rebalance_timeout_ms
            self._set("join", group_id, member.member_id, at_ms, "it did not join again in time")

    def end_join(self, group_id: str, member_id: str) -> None:
        self._awaited_joins.discard((group_id, member_id))
        self._timers.cancel(self._key("join", group_id, member_id))

    def await_sync(self, group_id: str, member: Member, now_ms: int) -> None:
        """The member joined, and must fetch its part."""
        at_ms = now_ms + member.rebalance_timeout_ms
        self._set("sync", group_id, member.member_id, at_ms, "it did not sync in time")

    def end_sync(self, group_id: str, member_id: str) -> None:
        self._timers.cancel(self._key("sync", group_id, member_id))

    def end_all(self, group_id: str, member_id: str) -> None:
        """Nothing is expected of the member any more."""
        self._awaited_joins.discard((group_id, member_id))
        for kind in _KINDS:
            self._timers.cancel(self._key(kind, group_id, member_id))

    def _set(self, kind: str, group_id: str, member_id: str, at_ms: int, why: str) -> None:
        def expire(now_ms: int) -> Outcome[None]:
            if kind == "join":
                self._awaited_joins.discard((group_id, member_id))
            return self._fence(group_id, member_id, why, now_ms)

        self._timers.set(self._key(kind, group_id, member_id), at_ms, expire)

    def _key(self, kind: str, group_id: str, member_id: str) -> str:
        return f"{self._group_type} {kind} {group_id} {member_id}"
