"""Transactions as producers and consumers see them, in both protocols, over restarts and timeouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from transactional_producer import Producer, fetched, read_committed

from kafkapy.coordinator.transactions.records import transaction_record
from kafkapy.coordinator.transactions.transaction import TopicPartition, Transaction, TransactionState
from kafkapy.protocol.batch import build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.describe_producers import DESCRIBE_PRODUCERS, DescribeProducersRequest, TopicRequest
from kafkapy.protocol.messages.describe_transactions import DESCRIBE_TRANSACTIONS, DescribeTransactionsRequest
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.list_transactions import LIST_TRANSACTIONS, ListTransactionsRequest
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest
from kafkapy.protocol.messages.write_txn_markers import (
    WRITE_TXN_MARKERS,
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)

Make = Callable[..., Producer]
both = pytest.mark.parametrize("version", [0, 2])


def latest(client: Any, isolation_level: int) -> int:
    request = ListOffsetsRequest(-1, isolation_level, [ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=-1)])])
    return client.send(LIST_OFFSETS, 5, request).topics[0].partitions[0].offset  # type: ignore[no-any-return]


def committed(client: Any, group: str, *, stable: bool = False) -> tuple[int, int]:
    """The group's offset of t-0, and the error."""
    groups = [OffsetFetchRequestGroup(group, topics=[OffsetFetchRequestTopics("t", partition_indexes=[0])])]
    answer = client.send(OFFSET_FETCH, 8, OffsetFetchRequest(groups=groups, require_stable=stable))
    [partition] = answer.groups[0].topics[0].partitions
    return partition.committed_offset, partition.error_code


def described(client: Any, name: str = "tx") -> Any:
    return client.send(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest([name])).transaction_states[0]


@both
async def test_what_is_committed_is_read_and_what_is_aborted_is_not(client: Any, version: int) -> None:
    client.create("t")
    producer = Producer(client, version=version)
    assert await producer.send("a", "b") is ErrorCode.NONE
    assert read_committed(client) == []
    assert (latest(client, 0), latest(client, 1)) == (2, 0)
    assert producer.end(commit=True) is ErrorCode.NONE
    assert read_committed(client) == ["a", "b"]
    assert (latest(client, 0), latest(client, 1)) == (3, 3)

    await producer.send("c")
    client.produce("outside")
    assert read_committed(client) == ["a", "b"]
    assert client.read() != []
    assert producer.end(commit=False) is ErrorCode.NONE
    assert read_committed(client) == ["a", "b", "outside"]
    [aborted] = fetched(client).aborted_transactions
    assert (aborted.producer_id, aborted.first_offset) == (producer.who[0], 3)


async def test_the_epoch_is_that_of_the_protocol(client: Any) -> None:
    client.create("t")
    old, new = Producer(client, "old", version=0), Producer(client, "new", version=2)
    for producer in (old, new):
        for _ in range(3):
            await producer.send("a")
            producer.end(commit=True)
    assert (old.who[1], new.who[1]) == (0, 3)


@both
async def test_everything_is_the_same_after_a_restart(client: Any, version: int) -> None:
    client.create("t")
    producer = Producer(client, version=version)
    await producer.send("a")
    producer.end(commit=False)
    await producer.send("b")
    await client.restart()
    assert read_committed(client) == []
    assert producer.end(commit=True) is ErrorCode.NONE
    assert read_committed(client) == ["b"]
    assert await producer.send("c") is ErrorCode.NONE
    assert described(client).transaction_state == "Ongoing"


async def test_a_commit_that_was_cut_short_is_finished_at_the_next_start(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    await producer.send("a")
    name = TopicPartition("t", 0)
    prepared = Transaction("tx", producer.who[0], 60_000, producer_epoch=0, partitions=frozenset([name]), start_ms=1)
    prepared = prepared._replace(state=TransactionState.PREPARE_COMMIT)
    # The broker dies when it has written the decision, and nothing else.
    log = client.node.replicas.get("__transaction_state", client.node.transactions.partition_of("tx"))
    log.append(build_batch([transaction_record(prepared, 2, client.now())]), client.now(), from_client=False)
    await client.restart()
    assert read_committed(client) == ["a"]
    assert described(client).transaction_state == "CompleteCommit"


async def test_a_topic_that_is_gone_needs_no_marker(client: Any) -> None:
    client.create("t")
    client.create("other")
    producer = Producer(client, version=0)
    await producer.send("a")
    await producer.send("b", topic="other")
    client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["other"]))
    assert producer.end(commit=True) is ErrorCode.NONE
    assert described(client).transaction_state == "CompleteCommit"


@pytest.mark.parametrize("version", [2, 3, 4, 5])
async def test_a_second_producer_fences_the_first(client: Any, version: int) -> None:
    client.create("t")
    first = Producer(client, version=0)
    await first.send("a")
    first.end(commit=True)
    second = Producer(client, version=0)
    assert second.who == (first.who[0], first.who[1] + 1)
    fenced, old = ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH
    assert first.add(0) is fenced
    assert first.add(0, api_version=1) is old
    assert first.end(commit=True) is fenced
    assert first.end(commit=True, api_version=1) is old
    if version >= 3:
        assert first.init(first.who, api_version=version) is (fenced if version >= 4 else old)
    assert second.add(0) is ErrorCode.NONE


@both
async def test_an_open_transaction_of_the_first_is_aborted(client: Any, version: int) -> None:
    client.create("t")
    first = Producer(client, version=version)
    await first.send("a")
    second = Producer.__new__(Producer)
    second.__dict__.update(first.__dict__)
    assert second.init() is ErrorCode.CONCURRENT_TRANSACTIONS
    assert second.init() is ErrorCode.NONE
    assert second.who[1] > first.who[1]
    assert read_committed(client) == []
    assert latest(client, 1) == 2
    assert await first.send("b") in (ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH)
    assert await second.send("c") is ErrorCode.NONE


async def test_a_producer_goes_on_after_an_error(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    before = producer.who
    assert producer.init(before) is ErrorCode.NONE
    assert producer.who == (before[0], before[1] + 1)
    assert producer.init(before) is ErrorCode.NONE, "the answer may have been lost"
    assert producer.who == (before[0], before[1] + 1)
    assert producer.init((before[0] + 99, 0)) is ErrorCode.PRODUCER_FENCED


@both
async def test_a_transaction_that_takes_too_long_is_aborted(client: Any, version: int) -> None:
    client.create("t")
    producer = Producer(client, version=version, timeout_ms=5_000)
    await producer.send("a")
    await trio.sleep(25)
    assert latest(client, 1) == latest(client, 0)
    assert read_committed(client) == []
    assert described(client).transaction_state == "CompleteAbort"
    assert producer.end(commit=True) in (ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_TXN_STATE)


@pytest.fixture
def forgetful(client: Any) -> Any:
    client.configure(
        transactional_id_expiration_ms=1_000, transaction_remove_expired_transaction_cleanup_interval_ms=10_000
    )
    return client


async def test_a_transactional_id_that_nobody_uses_is_forgotten(forgetful: Any) -> None:
    client = forgetful
    client.create("t")
    producer = Producer(client)
    await producer.send("a")
    producer.end(commit=True)
    await trio.sleep(15)
    assert described(client).error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
    assert producer.end(commit=False) is ErrorCode.INVALID_PRODUCER_ID_MAPPING


@pytest.mark.parametrize(
    ("api_version", "code"), [(9, ErrorCode.INVALID_TXN_STATE), (11, ErrorCode.TRANSACTION_ABORTABLE)]
)
async def test_a_partition_that_was_not_added_takes_no_records(client: Any, api_version: int, code: ErrorCode) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    assert await producer.send("a", added=False, api_version=api_version) is code
    assert await producer.send("a") is ErrorCode.NONE
    assert await producer.send("b", added=False) is ErrorCode.NONE, "the log knows that the transaction is open"
    producer.end(commit=True)
    assert await producer.send("c", added=False, api_version=api_version) is code


async def test_unless_it_is_not_verified(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    client.send(*alter_broker("transaction.partition.verification.enable", "false"))
    assert await producer.send("a", added=False) is ErrorCode.NONE


def alter_broker(name: str, value: str) -> Any:
    request = IncrementalAlterConfigsRequest([AlterConfigsResource(4, "", [AlterableConfig(name, 0, value)])])
    return INCREMENTAL_ALTER_CONFIGS, 1, request


async def test_a_new_producers_first_sequence_is_zero(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    producer.sequence = 5
    assert await producer.send("a") is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


async def test_what_follows_a_refused_batch_waits_for_it(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    assert await producer.send("a", added=False) is ErrorCode.INVALID_TXN_STATE
    producer.add(0)
    producer.sequence = 1
    assert await producer.send("b") is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    producer.sequence = 0
    assert [await producer.send(value) for value in "ab"] == [ErrorCode.NONE, ErrorCode.NONE]


async def test_a_request_has_one_producers_transaction(client: Any) -> None:
    client.create("t", 3)
    one, other = Producer(client, "one"), Producer(client, "other")
    request = client.produce_request(None)
    request.transactional_id = "one"
    request.topic_data[0].partition_data = [
        PartitionProduceData(index, client.batch("a", producer_id=who[0], producer_epoch=0, base_sequence=0, **more))
        for index, (who, more) in enumerate(
            [(one.who, {"transactional": True}), (other.who, {"transactional": True}), ((-1, -1), {})]
        )
    ]
    answers = (await client.ask(PRODUCE, 12, request)).responses[0].partition_responses
    assert [answer.error_code for answer in answers] == [ErrorCode.INVALID_PRODUCER_ID_MAPPING] * 3
    assert [latest(client, 0)] == [0]
    assert described(client, "one").transaction_state == "Empty"


async def test_without_a_transactional_id_nothing_of_a_request_is_written(client: Any) -> None:
    client.create("t", 2)
    marked = client.batch("a", producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
    request = client.produce_request(client.batch("b"))
    request.topic_data[0].partition_data.append(PartitionProduceData(1, marked))
    for asked in (request, client.produce_request(marked, "no-such")):
        [answered] = (await client.ask(PRODUCE, 9, asked)).responses
        codes = {answer.error_code for answer in answered.partition_responses}
        assert codes == {ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}
    assert latest(client, 0) == 0


async def test_the_largest_timestamp_that_is_committed(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    await producer.send("a")
    asked = ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=-3)])
    found = [client.send(LIST_OFFSETS, 7, ListOffsetsRequest(-1, level, [asked])) for level in (0, 1)]
    assert [one.topics[0].partitions[0].offset for one in found] == [0, -1]


async def test_no_offsets_without_a_group(client: Any) -> None:
    client.create("t")
    assert await Producer(client).send_offsets("", 1) is ErrorCode.INVALID_GROUP_ID


async def test_no_offsets_of_an_epoch_that_is_over(client: Any) -> None:
    """Told by the group's partition, whatever the transaction's coordinator knows."""
    client.create("t")
    producer = Producer(client)
    assert await producer.send_offsets("g", 1) is ErrorCode.NONE
    producer.end(commit=True)
    producer.name, producer.who = "nobody", (producer.who[0], -1)
    assert await producer.send_offsets("g", 2) is ErrorCode.INVALID_PRODUCER_EPOCH


async def test_a_share_group_commits_nothing(client: Any) -> None:
    client.create("t")
    client.send(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest("sharers", "m", 0, None, ["t"]))
    assert await Producer(client).send_offsets("sharers", 1) is ErrorCode.GROUP_ID_NOT_FOUND


async def test_markers_are_answered_once_for_each_producer(client: Any) -> None:
    client.create("t", 2)
    markers = [
        WritableTxnMarker(producer_id, 0, True, [WritableTxnMarkerTopic("t", list(indexes))], 0, 0)
        for producer_id, *indexes in ((7, 0), (8, 0), (7, 1), (9,))
    ]
    answers = client.send(WRITE_TXN_MARKERS, 1, WriteTxnMarkersRequest(markers)).markers
    told = [(one.producer_id, [p.partition_index for p in one.topics[0].partitions]) for one in answers]
    assert told == [(7, [0, 1]), (8, [0])]


async def test_a_missing_partition_fails_all_of_a_transaction(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    topics = [AddPartitionsToTxnTopic("t", [0, 7])]
    request = AddPartitionsToTxnRequest([], "tx", *producer.who, topics)
    [answer] = client.send(ADD_PARTITIONS_TO_TXN, 3, request).results_by_topic_v3_and_below
    assert [one.partition_error_code for one in answer.results_by_partition] == [
        ErrorCode.OPERATION_NOT_ATTEMPTED,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]


async def test_brokers_ask_for_several_transactions_at_once(client: Any) -> None:
    client.create("t")
    one, two = Producer(client, "one", version=0), Producer(client, "two", version=0)
    one.add(0)
    topics = [AddPartitionsToTxnTopic("t", [0])]
    wanted = [AddPartitionsToTxnTransaction(p.name, *p.who, True, topics) for p in (one, two)]
    answer = client.send(ADD_PARTITIONS_TO_TXN, 5, AddPartitionsToTxnRequest(wanted))
    codes = [r.topic_results[0].results_by_partition[0].partition_error_code for r in answer.results_by_transaction]
    assert codes == [ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE]


async def test_the_end_that_is_repeated_gets_the_same_answer(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    await producer.send("a")
    before = producer.who
    producer.end(commit=True)
    after, producer.who = producer.who, before
    assert producer.end(commit=True) is ErrorCode.NONE
    assert producer.who == after
    producer.who = before
    assert producer.end(commit=False) is ErrorCode.INVALID_TXN_STATE
    producer.who = after
    assert producer.end(commit=True) is ErrorCode.INVALID_TXN_STATE, "there is nothing to commit"
    assert producer.end(commit=False) is ErrorCode.NONE, "a producer may not know whether it began"


@both
async def test_epochs_that_are_used_up_give_another_producer_id(client: Any, version: int) -> None:
    client.create("t")
    producer = Producer(client, version=version)
    shard, runtime = client.node.transactions.find("tx")
    first = producer.who[0]
    used_up = shard._transactions["tx"]._replace(producer_epoch=32766)
    runtime.run(lambda now_ms: shard._change(used_up, now_ms, ErrorCode.NONE))
    producer.who = (first, 32766)
    if version:
        await producer.send("a")
        assert producer.end(commit=True) is ErrorCode.NONE
    else:
        assert producer.init() is ErrorCode.NONE
    assert producer.who[0] > first
    assert producer.who[1] == 0
    assert await producer.send("b") is ErrorCode.NONE


async def test_who_waits_for_committed_records_is_woken_by_the_marker(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    request = client.fetch_request(("t", 0, 0), isolation_level=1, min_bytes=50, max_wait_ms=60_000)
    answers: list[Any] = []

    async def wait() -> None:
        answers.append((await client.ask(FETCH, 12, request), trio.current_time()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.sleep(1)
        await producer.send("a" * 200)
        await trio.sleep(1)
        assert answers == []
        start = trio.current_time()
        producer.end(commit=True)
    assert answers[0][1] == start
    assert len(answers[0][0].responses[0].partitions[0].records) > 200


@both
async def test_offsets_count_once_they_are_committed(client: Any, version: int) -> None:
    client.create("t")
    producer = Producer(client, version=version)
    client.commit("g", "t", 0, 5)
    assert await producer.send_offsets("g", 7) is ErrorCode.NONE
    assert committed(client, "g") == (5, ErrorCode.NONE)
    assert committed(client, "g", stable=True) == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    await client.restart()
    assert committed(client, "g", stable=True) == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    producer.end(commit=True)
    assert committed(client, "g", stable=True) == (7, ErrorCode.NONE)
    await producer.send_offsets("g", 9)
    producer.end(commit=False)
    assert committed(client, "g", stable=True) == (7, ErrorCode.NONE)
    await client.restart()
    assert committed(client, "g", stable=True) == (7, ErrorCode.NONE)


async def test_a_later_commit_outside_of_the_transaction_stays(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    await producer.send_offsets("g", 7)
    client.commit("g", "t", 0, 8)
    producer.end(commit=True)
    assert committed(client, "g") == (8, ErrorCode.NONE)
    await client.restart()
    assert committed(client, "g") == (8, ErrorCode.NONE)


async def test_only_members_commit_a_groups_offsets(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    joined = await client.join("g")
    await client.sync("g", joined)
    assert await producer.send_offsets("g", 1, generation_id=9, member_id="who") is ErrorCode.UNKNOWN_MEMBER_ID
    member = {"member_id": joined.member_id}
    assert await producer.send_offsets("g", 1, generation_id=9, **member) is ErrorCode.ILLEGAL_GENERATION
    assert await producer.send_offsets("g", 1, generation_id=joined.generation_id, **member) is ErrorCode.NONE
    assert await producer.send_offsets("nobody", 1, generation_id=1) is ErrorCode.ILLEGAL_GENERATION


async def test_offsets_of_a_transaction_must_be_announced(client: Any) -> None:
    client.create("t")
    producer = Producer(client, version=0)
    assert await producer.send_offsets("g", 7, added=False) is ErrorCode.INVALID_TXN_STATE


async def test_what_is_open_can_be_seen(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    started_ms = client.now()
    await producer.send("a")
    state = described(client)
    assert (state.transaction_state, state.transaction_timeout_ms) == ("Ongoing", 60_000)
    assert (state.producer_id, state.producer_epoch, state.transaction_start_time_ms) == (*producer.who, started_ms)
    assert [(topic.topic, topic.partitions) for topic in state.topics] == [("t", [0])]

    def listed(*filters: Any) -> list[str]:
        answer = client.send(LIST_TRANSACTIONS, 2, ListTransactionsRequest(*filters))
        return [one.transactional_id for one in answer.transaction_states]

    assert listed() == listed(["Ongoing"]) == listed([], [producer.who[0]]) == listed([], [], -1, "t.") == ["tx"]
    assert listed(["Empty"]) == listed([], [99]) == listed([], [], 1) == listed([], [], -1, "t") == []
    unknown = client.send(LIST_TRANSACTIONS, 2, ListTransactionsRequest(["Strange"]))
    assert unknown.unknown_state_filters == ["Strange"]
    for wrong in ("(", "x*+"):  # the second one Python's own `re` knows
        bad = client.send(LIST_TRANSACTIONS, 2, ListTransactionsRequest(transactional_id_pattern=wrong))
        assert bad.error_code == ErrorCode.INVALID_REGULAR_EXPRESSION

    answer = client.send(DESCRIBE_PRODUCERS, 0, DescribeProducersRequest([TopicRequest("t", [0, 9])]))
    found, missing = answer.topics[0].partitions
    [active] = found.active_producers
    assert (active.producer_id, active.current_txn_start_offset, active.last_sequence) == (producer.who[0], 0, 0)
    assert missing.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_an_administrator_ends_a_transaction_that_hangs(client: Any) -> None:
    client.create("t")
    producer = Producer(client)
    await producer.send("a")

    def write(epoch: int, topic: str = "t", partition: int = 0) -> int:
        topics = [WritableTxnMarkerTopic(topic, [partition])]
        marker = WritableTxnMarker(producer.who[0], epoch, False, topics, 0)
        answer = client.send(WRITE_TXN_MARKERS, 1, WriteTxnMarkersRequest([marker]))
        return answer.markers[0].topics[0].partitions[0].error_code  # type: ignore[no-any-return]

    assert write(0, partition=4) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert write(-1) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert write(producer.who[1]) == ErrorCode.NONE
    assert read_committed(client) == []
    assert latest(client, 1) == 2


async def test_the_topic_of_transactions_is_made_for_the_first_one(client: Any) -> None:
    assert client.node.cluster.image.topic("__transaction_state") is None
    answer = client.send(FIND_COORDINATOR, 4, FindCoordinatorRequest("", 1, ["tx", "other"]))
    assert {one.node_id for one in answer.coordinators} == {client.node.config.node_id}
    config = client.node.cluster.topic_config("__transaction_state")
    assert set(config.cleanup_policy) == {"compact"}
