"""Much of one thing at once: that it works, how long it takes, and what it takes in memory."""

from __future__ import annotations

import time

from benchmarks.driver import Connection, WrongAnswerError, encoded
from benchmarks.figure import cost
from benchmarks.membership import Member, find_coordinator, new_member, settle
from benchmarks.trial import RETRY_S, TIMEOUT_MS, Topic, Trial, ask_until_ready
from benchmarks.work import When, work
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
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
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

CONNECTIONS = 5000
GROUPS = 1000
MEMBERS = 500
HEARTBEAT_S = 0.1  # of so many members, a hundred a second each would be all that a broker does
SUBSCRIPTION_BYTES = 1_000_000  # the group's record, which holds it, must stay below message.max.bytes
OFFSETS, PARTITIONS = 100_000, 1000
TRANSACTIONS = 1000
TRANSACTION = 1  # a type of key of FindCoordinator
READ_COMMITTED = 1  # an isolation level
LATEST = -1
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


@work(
    "transactions-1000",
    "1,000 producers have a transaction open at once, with a record each; then all are committed and read",
    cost("s until all are open"),
    cost("s until all can be read"),
    cost("CPU s"),
    when=When.FIRST,
)
def transactions_1000(trial: Trial) -> tuple[float, ...]:
    topic, connection, count = trial.topic(), trial.connect(), trial.amount(TRANSACTIONS)
    first = FindCoordinatorRequest(key_type=TRANSACTION, coordinator_keys=[topic.name])
    ask_until_ready(connection, FIND_COORDINATOR, first, lambda answer: answer.coordinators[0].error_code)
    begun: list[tuple[str, int, int]] = []
    with trial.watch() as opening:
        for number in range(count):
            name = f"{topic.name}-{number}"
            started = ask_until_ready(
                connection, INIT_PRODUCER_ID, InitProducerIdRequest(name, TIMEOUT_MS), lambda answer: answer.error_code
            )
            begun.append((name, started.producer_id, started.producer_epoch))
            _produce_in_transaction(connection, topic, *begun[-1])
    with trial.watch() as ending:
        for transaction in begun:
            _expect(connection.ask(END_TXN, EndTxnRequest(*transaction, committed=True)).error_code, "EndTxn")
        # The markers are records too.
        wanted = ListOffsetsTopic(topic.name, [ListOffsetsPartition(0, timestamp=LATEST)])
        stable = ListOffsetsRequest(-1, READ_COMMITTED, [wanted])
        while connection.ask(LIST_OFFSETS, stable).topics[0].partitions[0].offset < 2 * count:
            time.sleep(RETRY_S)
    return opening.seconds, ending.seconds, opening.cpu_s + ending.cpu_s


def _produce_in_transaction(connection: Connection, topic: Topic, name: str, producer_id: int, epoch: int) -> None:
    """One record; from v12 on that makes its partition part of the transaction."""
    record = Record(0, time.time_ns() // 1_000_000, None, name.encode())
    batch = build_batch([record], producer_id=producer_id, producer_epoch=epoch, base_sequence=0, transactional=True)
    data = [TopicProduceData(topic.name, topic.id, [PartitionProduceData(0, batch)])]
    answer = connection.ask(PRODUCE, ProduceRequest(name, -1, TIMEOUT_MS, data))
    _expect(answer.responses[0].partition_responses[0].error_code, "Produce")


def _allow_large_commits(connection: Connection) -> None:
    change = AlterableConfig("max.message.bytes", SET, str(LARGE_BATCH_BYTES))
    resource = AlterConfigsResource(TOPIC, OFFSETS_TOPIC, [change])
    answer = connection.ask(INCREMENTAL_ALTER_CONFIGS, IncrementalAlterConfigsRequest([resource]))
    _expect(answer.responses[0].error_code, "IncrementalAlterConfigs")


def _expect(error: int, what: str) -> None:
    if error != ErrorCode.NONE:
        raise WrongAnswerError(f"{what} was refused with error {error}")
