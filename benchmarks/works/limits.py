"""Much of one thing at once: that it works, how long it takes, and what it takes in memory."""

from __future__ import annotations

from benchmarks.driver import Connection, WrongAnswerError, encoded
from benchmarks.figure import cost
from benchmarks.membership import Member, find_coordinator, new_member, settle
from benchmarks.trial import Trial
from benchmarks.work import When, work
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)

CONNECTIONS = 5000
GROUPS = 1000
MEMBERS = 500
HEARTBEAT_S = 0.1  # of so many members, a hundred a second each would be all that a broker does
SUBSCRIPTION_BYTES = 1_000_000  # the group's record, which holds it, must stay below message.max.bytes
OFFSETS, PARTITIONS = 100_000, 1000
TOPIC, SET = 2, 0  # in IncrementalAlterConfigs
OFFSETS_TOPIC = "__consumer_offsets"
LARGE_BATCH_BYTES = 32 << 20


@work(
    "connections-5000",
    "5,000 clients connect, each asks for the versions and stays",
    cost("s"),
    cost("CPU s"),
    cost("MB more"),
    when=When.FIRST,
)
def connections_5000(trial: Trial) -> tuple[float, ...]:
    request = ApiVersionsRequest("bench", "1")
    before = trial.broker.resident_mb()
    with trial.watch() as span:
        for _ in range(trial.amount(CONNECTIONS)):
            _expect(trial.connect().ask(API_VERSIONS, request).error_code, "ApiVersions")
    return span.seconds, span.cpu_s, trial.broker.resident_mb() - before


@work(
    "groups-1000",
    "1,000 groups of one member each are begun at once, and listed when all are stable",
    cost("s"),
    cost("CPU s"),
    when=When.FIRST,
)
def groups_1000(trial: Trial) -> tuple[float, ...]:
    # A new group waits some seconds for more members, as configured; all of them wait at the same time.
    topic, count = trial.topic().name, trial.amount(GROUPS)
    find_coordinator(trial.connect(), topic)
    with trial.watch() as span:
        members = [Member(trial.connect(), f"{topic}-{number}") for number in range(count)]
        for member in members:
            member.join()
        settle(members, heartbeat_s=HEARTBEAT_S)
        listed = {group.group_id for group in trial.connect().ask(LIST_GROUPS, ListGroupsRequest()).groups}
    if missing := {member.group for member in members} - listed:
        raise WrongAnswerError(f"ListGroups lacks {len(missing)} of {count} groups")
    return span.seconds, span.cpu_s


@work(
    "group-500",
    "a group of one is joined by 499 members at once; then one leaves; heartbeats every 100 ms",
    cost("s until 500 are together"),
    cost("s until 499 are together"),
    cost("CPU s"),
    when=When.FIRST,
)
def group_500(trial: Trial) -> tuple[float, ...]:
    members = [new_member(trial, trial.topic().name)]
    newcomers = [Member(trial.connect(), members[0].group) for _ in range(trial.amount(MEMBERS) - 1)]
    with trial.watch() as span:
        for member in newcomers:
            member.join()
        members += newcomers
        joined = settle(members, heartbeat_s=HEARTBEAT_S)
        generation = members[0].generation
        members.pop().leave()
        left = settle(members, after=generation, heartbeat_s=HEARTBEAT_S)
    return joined, left, span.cpu_s


@work(
    "subscription-1m",
    "a member with a subscription of 1 MB joins a group of ten, whose leader is told of it",
    cost("s until 11 are together"),
    cost("CPU s"),
    when=When.FIRST,
)
def subscription_1m(trial: Trial) -> tuple[float, ...]:
    members = [new_member(trial, trial.topic().name)]
    members += [Member(trial.connect(), members[0].group) for _ in range(9)]
    for member in members[1:]:
        member.join()
    settle(members)
    generation = members[0].generation
    with trial.watch() as span:
        members.append(Member(trial.connect(), members[0].group, bytes(trial.amount(SUBSCRIPTION_BYTES))))
        members[-1].join()
        joined = settle(members, after=generation)
    return joined, span.cpu_s


@work(
    "commit-100000",
    "100,000 offsets in one OffsetCommit, and an OffsetFetch of all that the group committed; "
    "__consumer_offsets has max.message.bytes=32 MiB",
    cost("s to commit"),
    cost("s to fetch"),
    when=When.FIRST,
)
def commit_100000(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic(PARTITIONS)
    connection = trial.connect()
    find_coordinator(connection, topic.name)
    _allow_large_commits(connection)
    # The same partitions again and again: each offset is a record, whichever partition it is for.
    indexes = [number % PARTITIONS for number in range(trial.amount(OFFSETS, PARTITIONS))]
    wanted = [OffsetCommitRequestPartition(index, 1, committed_metadata="") for index in indexes]
    topics = [OffsetCommitRequestTopic(topic.name, topic.id, wanted)]
    request = encoded(OFFSET_COMMIT, OffsetCommitRequest(topic.name, topics=topics))
    with trial.watch() as committing:
        connection.send(request)
        answer = connection.answer(OFFSET_COMMIT)
    for error in {one.error_code for one in answer.topics[0].partitions}:
        _expect(error, "OffsetCommit")
    named = [OffsetFetchRequestTopics(topic.name, topic.id, list(range(PARTITIONS)))]
    with trial.watch() as fetching:
        found = connection.ask(
            OFFSET_FETCH, OffsetFetchRequest(groups=[OffsetFetchRequestGroup(topic.name, topics=named)])
        )
    if {one.committed_offset for one in found.groups[0].topics[0].partitions} != {1}:
        raise WrongAnswerError("OffsetFetch does not tell what was committed")
    return committing.seconds, fetching.seconds


def _allow_large_commits(connection: Connection) -> None:
    change = AlterableConfig("max.message.bytes", SET, str(LARGE_BATCH_BYTES))
    resource = AlterConfigsResource(TOPIC, OFFSETS_TOPIC, [change])
    answer = connection.ask(INCREMENTAL_ALTER_CONFIGS, IncrementalAlterConfigsRequest([resource]))
    _expect(answer.responses[0].error_code, "IncrementalAlterConfigs")


def _expect(error: int, what: str) -> None:
    if error != ErrorCode.NONE:
        raise WrongAnswerError(f"{what} was refused with error {error}")
