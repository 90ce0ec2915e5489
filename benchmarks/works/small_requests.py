"""What clients ask beside records, over the raw driver, many at once."""

from __future__ import annotations

from benchmarks.driver import Check, Request, WrongAnswerError, encoded, newest
from benchmarks.figure import cost, rate
from benchmarks.membership import new_member
from benchmarks.pipeline import Load, run
from benchmarks.trial import Trial
from benchmarks.work import work
from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.request import decode_response

CONNECTIONS, IN_FLIGHT = 4, 5
PARTITIONS = 10
HOW = "pipelined, 4 connections × 5 in flight"
THRICE = (rate("requests/s", 3), cost("CPU s per 1,000 requests"))


@work("metadata", f"Metadata of a topic of 10 partitions, {HOW}", *THRICE)
def metadata(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic(PARTITIONS)
    asked = MetadataRequest([MetadataRequestTopic(topic.id, topic.name)], allow_auto_topic_creation=False)
    return _pipelined(trial, METADATA, asked, 6000)


@work("find-coordinator", f"FindCoordinator of one group, {HOW}", *THRICE)
def find_coordinator(trial: Trial) -> tuple[float, ...]:
    member = new_member(trial, trial.topic().name)
    return _pipelined(trial, FIND_COORDINATOR, FindCoordinatorRequest(coordinator_keys=[member.group]), 12_000)


@work("heartbeat", f"Heartbeat of a member, {HOW}", *THRICE)
def heartbeat(trial: Trial) -> tuple[float, ...]:
    member = new_member(trial, trial.topic().name)
    return _pipelined(trial, HEARTBEAT, HeartbeatRequest(member.group, member.generation, member.id), 12_000)


@work("offset-commit", f"OffsetCommit of a member, one partition, {HOW}", *THRICE)
def offset_commit(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic()
    member = new_member(trial, topic.name)
    topics = [
        OffsetCommitRequestTopic(topic.name, topic.id, [OffsetCommitRequestPartition(0, 1, committed_metadata="")])
    ]
    asked = OffsetCommitRequest(member.group, member.generation, member.id, topics=topics)
    return _pipelined(trial, OFFSET_COMMIT, asked, 6000)


def _pipelined(trial: Trial, api: Api, message: object, count: int) -> tuple[float, ...]:
    """Each connection sends the message `count` times."""
    request = encoded(api, message)
    check = _like(trial, api, request)
    loads = [Load(trial.connect(), [request] * trial.amount(count), check) for _ in range(CONNECTIONS)]
    pace = run(trial, loads, IN_FLIGHT)
    return pace.requests_per_s, pace.cpu_s_per_1000


def _like(trial: Trial, api: Api, request: Request) -> Check:
    """A check that a response has, behind its correlation id, the very bytes of a first one, which has no error."""
    first = bytearray()

    def keep(head: memoryview, size: int) -> None:
        first.extend(head)

    trial.connect().round_trip(request, keep)
    for error in _errors(decode_response(api, newest(api), first)[1]):
        if error != ErrorCode.NONE:
            raise WrongAnswerError(f"{api.name} was refused with error {error}")
    expected = bytes(first[4:])

    def check(head: memoryview, size: int) -> None:
        if head[4:] != expected:
            raise WrongAnswerError(f"an answer to {api.name} differs from the first")

    return check


def _errors(message: object) -> list[int]:
    """Every error code in a message, however deep."""
    found: list[int] = []
    for name in getattr(type(message), "__slots__", ()):
        value = getattr(message, name)
        if name == "error_code":
            found.append(value)
        for one in value if isinstance(value, list) else ():
            found += _errors(one)
    return found
