"""One member of a classic group: what it said when it joined, its part of the assignment, and the replies it waits for.

Apache: ClassicGroupMember.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.join_group import JoinGroupRequestProtocol, JoinGroupResponse
from kafkapy.protocol.messages.sync_group import SyncGroupResponse


class MemberProtocol(NamedTuple):
    """A way to divide the partitions that a member knows, and what it says under it; the metadata is opaque."""

    name: str
    metadata: bytes


def protocols_of(requested: Iterable[JoinGroupRequestProtocol]) -> list[MemberProtocol]:
    """A JoinGroup's protocols, in the member's order of preference."""
    return [MemberProtocol(protocol.name, protocol.metadata) for protocol in requested]


@dataclass(slots=True, eq=False)
class Member:
    """A member, static if it has an instance id (KIP-345). A new one has not been told its member id by a JoinGroup."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocol_type: str
    protocols: list[MemberProtocol]
    assignment: bytes = b""
    is_new: bool = False
    waiting_join: Promise[JoinGroupResponse] | None = None
    waiting_sync: Promise[SyncGroupResponse] | None = None

    @property
    def is_static(self) -> bool:
        return self.group_instance_id is not None

    @property
    def is_excused_from_heartbeat(self) -> bool:
        """A member whose reply is parked here cannot send heartbeats; a new one may be gone without our knowing."""
        return not self.is_new and (self.waiting_join is not None or self.waiting_sync is not None)

    @property
    def protocol_names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.protocols)

    def metadata(self, protocol: str) -> bytes:
        """What the member said under `protocol`, which it must support."""
        for name, metadata in self.protocols:
            if name == protocol:
                return metadata
        raise ValueError(f"member {self.member_id} does not know protocol {protocol}")

    def vote(self, candidates: Container[str]) -> str:
        """The candidate that the member likes best; it must know one of them."""
        return next(name for name, _ in self.protocols if name in candidates)

    def wait_for_join(self, reply: Promise[JoinGroupResponse] | None) -> None:
        """Park a JoinGroup. One that was parked before is from a connection given up: it is told to join again."""
        self.answer_join(JoinGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS, member_id=self.member_id))
        self.waiting_join = reply

    def wait_for_sync(self, reply: Promise[SyncGroupResponse]) -> None:
        """Park a SyncGroup, and answer one that was parked before."""
        self.answer_sync(SyncGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
        self.waiting_sync = reply

    def answer_join(self, response: JoinGroupResponse) -> bool:
        """Answer the parked JoinGroup, if there is one; says whether there was."""
        reply, self.waiting_join = self.waiting_join, None
        if reply is not None:
            reply.set(response)
        return reply is not None

    def answer_sync(self, response: SyncGroupResponse) -> bool:
        """Answer the parked SyncGroup, if there is one; says whether there was."""
        reply, self.waiting_sync = self.waiting_sync, None
        if reply is not None:
            reply.set(response)
        return reply is not None

    def dismiss(self, error: ErrorCode, *, told_id: str) -> None:
        """Answer whatever the member waits for with `error`; a JoinGroup is also told the member id to use next."""
        self.answer_join(JoinGroupResponse(error_code=error, member_id=told_id))
        self.answer_sync(SyncGroupResponse(error_code=error))
