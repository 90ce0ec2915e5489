"""A broker stopped by SIGSTOP for longer than sessions last, as by a suspended machine: after SIGCONT all goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from clients import LIBRARIES
from load import Load

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment

SESSION_TIMEOUT_MS = 1000


@contextmanager
def paused(broker: Any) -> Iterator[None]:
    """Stop the broker, and let it go on once every session is over."""
    begun = time.monotonic()
    broker.process.send_signal(signal.SIGSTOP)
    yield
    time.sleep(begun + 1.5 * SESSION_TIMEOUT_MS / 1000 - time.monotonic())  # what is tested is that it takes so long
    broker.process.send_signal(signal.SIGCONT)


class Member:
    """A member of the group g, on a connection of its own."""

    def __init__(self, broker: Any) -> None:
        self.client = broker.client()
        self.client.find_coordinator()
        self.id = ""
        self.generation = -1
        self.leads = False

    def join(self) -> None:
        """Ask to join, without waiting for the answer."""
        protocols = [JoinGroupRequestProtocol("p", b"s")]
        request = JoinGroupRequest("g", SESSION_TIMEOUT_MS, 30_000, self.id, None, "consumer", protocols)
        self.client.send(JOIN_GROUP, 2, request)

    def joined(self) -> None:
        answer = self.client.receive(JOIN_GROUP, 2)
        assert answer.error_code == ErrorCode.NONE
        self.id, self.generation, self.leads = answer.member_id, answer.generation_id, answer.leader == answer.member_id

    def sync(self, *members: Member) -> None:
        given = [SyncGroupRequestAssignment(one.id, one.id.encode()) for one in members] if self.leads else []
        self.client.send(SYNC_GROUP, 2, SyncGroupRequest("g", self.generation, self.id, assignments=given))

    def synced(self) -> None:
        answer = self.client.receive(SYNC_GROUP, 2)
        assert (answer.error_code, bytes(answer.assignment)) == (ErrorCode.NONE, self.id.encode())

    def beat(self) -> None:
        self.client.send(HEARTBEAT, 1, HeartbeatRequest("g", self.generation, self.id))

    def beaten(self) -> ErrorCode:
        return ErrorCode(self.client.receive(HEARTBEAT, 1).error_code)

    def commit(self, offset: int) -> ErrorCode:
        topic = OffsetCommitRequestTopic("t", partitions=[OffsetCommitRequestPartition(0, offset)])
        request = OffsetCommitRequest("g", self.generation, self.id, topics=[topic])
        return ErrorCode(self.client.ask(OFFSET_COMMIT, 3, request).topics[0].partitions[0].error_code)


@pytest.fixture
def members(broker: Any) -> list[Member]:
    """Two, in one stable generation."""
    broker.options = ["--override", f"group.min.session.timeout.ms={SESSION_TIMEOUT_MS}"]
    broker.options += ["--override", "group.initial.rebalance.delay.ms=0"]
    broker.start().client().create("t")
    first, second = members = [Member(broker), Member(broker)]
    first.join()
    first.joined()
    second.join()
    while first.generation < 2:
        first.join()
        first.joined()
    second.joined()
    for member in members:
        member.sync(*members)
    for member in members:
        member.synced()
    return members


def test_who_beat_meanwhile_is_still_a_member(broker: Any, members: list[Member]) -> None:
    """A heartbeat that lies in the socket is older than the end of the session that it lengthens."""
    with paused(broker):
        for member in members:
            member.beat()
    assert [member.beaten() for member in members] == [ErrorCode.NONE] * 2
    assert [member.commit(5) for member in members] == [ErrorCode.NONE] * 2
    assert "rebalances after generation 2" not in broker.log()


def test_who_did_not_beat_is_out_of_the_next_generation(broker: Any, members: list[Member]) -> None:
    lively, silent = members
    with paused(broker):
        lively.beat()
    assert lively.beaten() == ErrorCode.NONE
    lively.join()
    lively.joined()
    assert lively.generation == 3
    lively.sync(lively)
    lively.synced()
    silent.beat()
    assert silent.beaten() == ErrorCode.UNKNOWN_MEMBER_ID
    assert silent.commit(99) == ErrorCode.UNKNOWN_MEMBER_ID
    assert lively.commit(5) == ErrorCode.NONE


@pytest.mark.parametrize("library", LIBRARIES)
def test_clients_go_on(load: Callable[..., Load], library: str) -> None:
    suffering: Any = load(library, session_timeout_ms=SESSION_TIMEOUT_MS)
    suffering.begin()
    for _ in range(2):
        suffering.after("acked", 500)
        suffering.after("committed", 5)
        with paused(suffering.broker):
            pass
    suffering.after("acked", 500)
    suffering.after("committed", 5)
    suffering.end()
