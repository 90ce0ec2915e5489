"""Members of a classic group, each on its own connection, that join, sync, and follow rebalances together."""

from __future__ import annotations

import time
from selectors import EVENT_READ, DefaultSelector

from benchmarks.driver import LIMIT_S, Connection, WrongAnswerError, encoded
from benchmarks.trial import NOT_YET, RETRY_S, Trial, ask_until_ready
from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest, MemberIdentity
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment

HEARTBEAT_S = 0.01
SESSION_MS, REBALANCE_MS = 45_000, 300_000
TYPE, PROTOCOL = "consumer", "range"
METADATA = bytes(50)  # as much as a member says of one topic


class Member:
    """One member; `advance` takes it to its next step each time an answer has come."""

    def __init__(self, connection: Connection, group: str, metadata: bytes = METADATA) -> None:
        self.connection = connection
        self.group = group
        self.metadata = metadata
        self.id = ""
        self.generation = -1
        self.is_stable = False
        self._asked: Api | None = None

    def join(self) -> None:
        self.is_stable = False
        protocols = [JoinGroupRequestProtocol(PROTOCOL, self.metadata)]
        self._ask(JOIN_GROUP, JoinGroupRequest(self.group, SESSION_MS, REBALANCE_MS, self.id, None, TYPE, protocols))

    def beat(self) -> None:
        """Ask whether the group has moved on, unless an answer is due anyway."""
        if self._asked is None:
            self._ask(HEARTBEAT, HeartbeatRequest(self.group, self.generation, self.id))

    def leave(self) -> None:
        """Leave, and wait for the answer."""
        while self._asked is not None:
            self.advance()
        answer = self.connection.ask(LEAVE_GROUP, LeaveGroupRequest(self.group, members=[MemberIdentity(self.id)]))
        self._expect(LEAVE_GROUP, answer.error_code)

    def advance(self) -> None:
        """Take the answer that is due, and go on."""
        api, self._asked = self._asked, None
        assert api is not None
        answer = self.connection.answer(api)
        error = answer.error_code
        if error == ErrorCode.MEMBER_ID_REQUIRED:
            self.id = answer.member_id
            self.join()
        elif error == ErrorCode.REBALANCE_IN_PROGRESS:
            self.join()
        elif error in NOT_YET and api is JOIN_GROUP:
            time.sleep(RETRY_S)
            self.join()
        elif error != ErrorCode.NONE:
            self._expect(api, error)
        elif api is JOIN_GROUP:
            self.id, self.generation = answer.member_id, answer.generation_id
            shares = [SyncGroupRequestAssignment(one.member_id, METADATA) for one in answer.members]
            self._ask(SYNC_GROUP, SyncGroupRequest(self.group, self.generation, self.id, None, TYPE, PROTOCOL, shares))
        elif api is SYNC_GROUP:
            self.is_stable = True

    def _ask(self, api: Api, message: object) -> None:
        self._asked = api
        self.connection.send(encoded(api, message))

    def _expect(self, api: Api, error: int) -> None:
        if error != ErrorCode.NONE:
            raise WrongAnswerError(f"{api.name} of a member of {self.group} was refused with error {error}")


def find_coordinator(connection: Connection, group: str) -> None:
    """Until the group has a coordinator: the first one asked for makes the topic that keeps them."""
    request = FindCoordinatorRequest(coordinator_keys=[group])
    ask_until_ready(connection, FIND_COORDINATOR, request, lambda answer: answer.coordinators[0].error_code)


def new_member(trial: Trial, group: str) -> Member:
    """The group's first member, stable."""
    member = Member(trial.connect(), group)
    find_coordinator(member.connection, group)
    member.join()
    settle([member])
    return member


def settle(members: list[Member], after: int = -1, heartbeat_s: float = HEARTBEAT_S) -> float:
    """Wait until all are stable in generations of one number after that one; the seconds that took.

    Each beats often meanwhile, to learn of a rebalance.
    """

    def are_together() -> bool:
        first = members[0].generation
        return first > after and all(one.is_stable and one.generation == first for one in members)

    begun = time.perf_counter()
    due = begun + heartbeat_s
    with DefaultSelector() as selector:
        for member in members:
            selector.register(member.connection.socket, EVENT_READ, member)
        while not are_together():
            for key, _ in selector.select(max(0.0, due - time.perf_counter())):
                key.data.advance()
            now = time.perf_counter()
            if now >= due:
                due = now + heartbeat_s
                for member in members:
                    member.beat()
            if now > begun + LIMIT_S:
                raise WrongAnswerError(f"{len(members)} members are not together after {LIMIT_S} s")
    return time.perf_counter() - begun
