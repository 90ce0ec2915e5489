"""The transaction coordinator's machine without a broker: what may follow what, whatever happens.

However often it is killed, what was decided is carried out, each partition gets the marker of that decision, and the
log read from its start gives the state that lives.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import pytest

from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.records import (
    forget_record,
    read_transaction_record,
    transaction_record,
)
from kafkapy.coordinator.transactions.shard import Ending, TransactionConfig, TransactionShard
from kafkapy.coordinator.transactions.transaction import TopicPartition, Transaction, TransactionState
from kafkapy.protocol.batch import Record, build_batch, read_records
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.list_transactions import ListTransactionsRequest

T = TypeVar("T")
START_MS = 1_700_000_000_000
ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)


class Timers:
    def __init__(self) -> None:
        self.deadlines: dict[str, tuple[int, Callable[[int], Outcome[None]]]] = {}

    def set(self, key: str, at_ms: int, operation: Callable[[int], Outcome[None]]) -> None:
        self.deadlines[key] = (at_ms, operation)

    def cancel(self, key: str) -> None:
        self.deadlines.pop(key, None)


class Coordinator:
    """A shard with a list for a log; `endings` are the transactions whose markers were asked for."""

    def __init__(self, level: int = 2) -> None:
        self.level = level
        self.log: list[Record] = []
        self.now_ms = START_MS
        self.refuse: KafkaError | None = None
        self.held: list[Callable[[], None]] | None = None
        self._ids = count(100)
        self.start()

    def start(self) -> None:
        """As after a crash, too."""
        self.timers = Timers()
        self.endings: list[Ending] = []
        self.held = None
        self.shard = TransactionShard(
            TransactionConfig(), self.timers, lambda: next(self._ids), lambda: self.level, self.endings.append
        )
        for record in self.log:
            self.shard.replay(record)
        self.run(self.shard.loaded(self.now_ms))

    def run(self, outcome: Outcome[T]) -> Promise[T]:
        appended = outcome.appended or (lambda error: None)
        if outcome.records and self.refuse is not None:
            appended(self.refuse)
            return outcome.reply
        for record in outcome.records:
            self.log.append(read_records(build_batch([record]))[0])
            self.shard.replay(record)
        if self.held is not None and outcome.records:
            self.held.append(lambda: appended(None))
        else:
            appended(None)
        return outcome.reply

    def advance(self, ms: int) -> None:
        self.now_ms += ms
        for key, (at_ms, operation) in list(self.timers.deadlines.items()):
            if at_ms <= self.now_ms:
                self.timers.deadlines.pop(key)
                self.run(operation(self.now_ms))

    def init(self, expected: tuple[int, int] | None = None, timeout_ms: int = 60_000) -> Any:
        return self.run(self.shard.init_producer_id("tx", timeout_ms, expected, self.now_ms)).result()

    def add(self, who: tuple[int, int], *partitions: TopicPartition, version: int = 2) -> ErrorCode:
        return self.run(self.shard.add_partitions("tx", *who, frozenset(partitions), version, self.now_ms)).result()

    def end(self, who: tuple[int, int], *, commit: bool, version: int = 2) -> Any:
        return self.run(self.shard.end("tx", *who, commit=commit, client_version=version, now_ms=self.now_ms)).result()

    def write_markers(self, *partitions: TopicPartition) -> Ending:
        ending = self.endings[-1]
        self.run(self.shard.markers_written(ending, frozenset(partitions or ending.partitions), self.now_ms))
        return ending

    @property
    def state(self) -> str:
        return self.shard.describe("tx").transaction_state

    def everything(self) -> Any:
        listed = self.shard.list_transactions(ListTransactionsRequest(), self.now_ms)
        return [(one.transactional_id, self.shard.describe(one.transactional_id)) for one in listed]


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


def begun(coordinator: Coordinator, *partitions: TopicPartition) -> tuple[int, int]:
    answer = coordinator.init()
    who = (answer.producer_id, answer.producer_epoch)
    assert coordinator.add(who, *(partitions or (ONE, TWO))) is ErrorCode.NONE
    return who


def test_a_transaction_is_over_when_every_partition_has_its_marker(coordinator: Coordinator) -> None:
    who = begun(coordinator)
    answer = coordinator.end(who, commit=True)
    assert answer == (ErrorCode.NONE, who[0], who[1] + 1)
    assert coordinator.state == "PrepareCommit"
    assert coordinator.write_markers(ONE).is_commit
    assert coordinator.state == "PrepareCommit"
    assert [(topic.topic, topic.partitions) for topic in coordinator.shard.describe("tx").topics] == [("t", [1])]
    coordinator.write_markers(TWO)
    assert coordinator.state == "CompleteCommit"


def test_meanwhile_nothing_else_happens(coordinator: Coordinator) -> None:
    who = begun(coordinator)
    after = coordinator.end(who, commit=False)
    concurrent = ErrorCode.CONCURRENT_TRANSACTIONS
    assert coordinator.add((after.producer_id, after.producer_epoch), ONE) is concurrent
    assert coordinator.init().error is concurrent
    assert coordinator.end(who, commit=False).error is concurrent
    assert coordinator.end(who, commit=True).error is ErrorCode.INVALID_TXN_STATE


def test_nothing_is_answered_before_it_is_committed(coordinator: Coordinator) -> None:
    who = begun(coordinator)
    coordinator.held = []
    promise = coordinator.run(
        coordinator.shard.end("tx", *who, commit=True, client_version=2, now_ms=coordinator.now_ms)
    )
    assert not promise.is_done
    assert coordinator.endings == []
    assert coordinator.end(who, commit=True).error is ErrorCode.CONCURRENT_TRANSACTIONS
    for commit in coordinator.held:
        commit()
    assert promise.result().error is ErrorCode.NONE
    assert len(coordinator.endings) == 1


def test_a_record_that_is_refused_changes_nothing(coordinator: Coordinator) -> None:
    who = begun(coordinator)
    coordinator.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    assert coordinator.end(who, commit=True).error is ErrorCode.NOT_COORDINATOR
    assert coordinator.add(who, TopicPartition("new", 0)) is ErrorCode.NOT_COORDINATOR
    coordinator.refuse = None
    assert coordinator.state == "Ongoing"
    assert coordinator.end(who, commit=True).error is ErrorCode.NONE


def test_the_end_is_written_later_if_the_log_refuses_it(coordinator: Coordinator) -> None:
    who = begun(coordinator)
    coordinator.end(who, commit=True)
    coordinator.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    coordinator.write_markers()
    coordinator.refuse = None
    coordinator.advance(2_000)
    assert coordinator.state == "CompleteCommit"


@pytest.mark.parametrize("commit", [True, False])
def test_what_was_decided_is_carried_out_after_a_crash(coordinator: Coordinator, commit: bool) -> None:
    who = begun(coordinator)
    coordinator.end(who, commit=commit)
    coordinator.write_markers(ONE)
    coordinator.start()
    ending = coordinator.write_markers()
    assert (ending.is_commit, ending.partitions) == (commit, {ONE, TWO})
    assert coordinator.state == ("CompleteCommit" if commit else "CompleteAbort")


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_timeout_fences_the_producer(level: int) -> None:
    coordinator = Coordinator(level)
    who = begun(coordinator)
    coordinator.advance(60_001)
    ending = coordinator.write_markers()
    assert (ending.producer_epoch, ending.is_commit) == (who[1] + 1, False)
    assert coordinator.state == "CompleteAbort"
    assert coordinator.add(who, ONE) is ErrorCode.PRODUCER_FENCED
    assert coordinator.end(who, commit=True, version=0).error is ErrorCode.PRODUCER_FENCED


def test_a_producer_id_is_changed_when_its_epochs_are_used_up(coordinator: Coordinator) -> None:
    first = begun(coordinator)
    near = Transaction("tx", first[0], 60_000, producer_epoch=32766, state=TransactionState.ONGOING, start_ms=START_MS)
    coordinator.shard.replay(transaction_record(near, 2, START_MS))
    answer = coordinator.end((first[0], 32766), commit=True)
    assert answer.producer_id > first[0]
    assert answer.producer_epoch == 0
    ending = coordinator.write_markers()
    assert (ending.producer_id, ending.producer_epoch) == (first[0], 32767)
    assert coordinator.end((first[0], 32766), commit=True) == answer, "repeated"
    assert coordinator.add((answer.producer_id, 0), ONE) is ErrorCode.NONE


TABLE = [
    # state, is it repeated, commit: what EndTxn v5 is told
    ("Empty", False, False, ErrorCode.NONE),
    ("Empty", False, True, ErrorCode.INVALID_TXN_STATE),
    ("Empty", True, False, ErrorCode.PRODUCER_FENCED),
    ("Empty", True, True, ErrorCode.PRODUCER_FENCED),
    ("CompleteAbort", False, False, ErrorCode.NONE),
    ("CompleteAbort", False, True, ErrorCode.INVALID_TXN_STATE),
    ("CompleteAbort", True, False, ErrorCode.NONE),
    ("CompleteAbort", True, True, ErrorCode.INVALID_TXN_STATE),
    ("CompleteCommit", False, False, ErrorCode.NONE),
    ("CompleteCommit", False, True, ErrorCode.INVALID_TXN_STATE),
    ("CompleteCommit", True, False, ErrorCode.INVALID_TXN_STATE),
    ("CompleteCommit", True, True, ErrorCode.NONE),
]


@pytest.mark.parametrize(("state", "again", "commit", "code"), TABLE)
def test_the_table_of_kip_890(coordinator: Coordinator, state: str, again: bool, commit: bool, code: ErrorCode) -> None:
    if state == "Empty":
        coordinator.init()
        answer = coordinator.init()
    else:
        answer = coordinator.end(begun(coordinator), commit=state == "CompleteCommit")
        coordinator.write_markers()
    assert coordinator.state == state
    who = (answer.producer_id, answer.producer_epoch - again)
    before = len(coordinator.log)
    told = coordinator.end(who, commit=commit)
    assert told.error is code
    bumped = code is ErrorCode.NONE and not again
    assert len(coordinator.log) - before == bumped
    if bumped:
        assert told.producer_epoch == answer.producer_epoch + 1


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_record_says_what_it_is_made_of(level: int) -> None:
    transaction = Transaction(
        "tx",
        7,
        60_000,
        previous_producer_id=7 if level else -1,
        next_producer_id=9 if level else -1,
        producer_epoch=3,
        state=TransactionState.PREPARE_ABORT,
        partitions=frozenset((ONE, TWO, TopicPartition("u", 4))),
        start_ms=START_MS,
        update_ms=START_MS + 1,
        client_version=level,
    )
    if not level:
        transaction = transaction._replace(client_version=0)
    record = transaction_record(transaction, level, START_MS)
    read = read_transaction_record(read_records(build_batch([record]))[0])
    assert read == read_transaction_record(record) == ("tx", transaction)
    assert read_transaction_record(forget_record("tx", START_MS)) == ("tx", None)


def test_records_of_a_newer_kafka_are_passed_over(coordinator: Coordinator) -> None:
    begun(coordinator)
    key = coordinator.log[0].key
    coordinator.shard.replay(Record(9, START_MS, b"\0\x09", b"\0\1"))
    coordinator.shard.replay(Record(9, START_MS, key, b"\0\x09"))
    assert coordinator.state == "Ongoing"
    with pytest.raises(KafkaError, match="CORRUPT_MESSAGE"):
        coordinator.shard.replay(Record(9, START_MS, key, b"\0\1\1"))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens(seed: int) -> None:
    rng = random.Random(seed)
    level = rng.choice([0, 2])
    coordinator = Coordinator(level)
    decided: dict[tuple[int, int], bool] = {}  # with epochs per transaction
    producers: list[tuple[int, int]] = []
    seen = 0

    def note_endings() -> None:
        for ending in coordinator.endings if level else ():
            key = (ending.producer_id, ending.producer_epoch)
            assert decided.setdefault(key, ending.is_commit) == ending.is_commit

    for _ in range(2_000):
        luck = rng.random()
        who = rng.choice(producers[-3:]) if producers else (1, 0)
        if coordinator.refuse is not None and luck < 0.3:
            coordinator.refuse = None
        elif luck < 0.1:
            answer = coordinator.init(who if rng.random() < 0.3 else None)
            if answer.error is ErrorCode.NONE:
                producers.append((answer.producer_id, answer.producer_epoch))
        elif luck < 0.5:
            coordinator.add(who, TopicPartition("t", rng.randrange(4)), version=level)
        elif luck < 0.65:
            answer = coordinator.end(who, commit=rng.random() < 0.5, version=level)
            if answer.error is ErrorCode.NONE and level:
                producers.append((answer.producer_id, answer.producer_epoch))
        elif luck < 0.9 and coordinator.endings:
            ending = rng.choice(coordinator.endings[-2:])
            part = frozenset(one for one in ending.partitions if rng.random() < 0.8)
            coordinator.run(coordinator.shard.markers_written(ending, part, coordinator.now_ms))
            seen += 1
        elif luck < 0.93:
            coordinator.advance(rng.choice([100, 11_000, 61_000]))
        elif luck < 0.95:
            coordinator.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        elif luck < 0.97:
            note_endings()
            before = coordinator.state
            coordinator.start()
            assert coordinator.state == before
        note_endings()
    # However it stands, it ends.
    coordinator.refuse = None
    coordinator.start()
    coordinator.advance(70_000)
    if coordinator.endings:
        coordinator.write_markers()
    assert coordinator.state in ("Empty", "CompleteCommit", "CompleteAbort")
    assert seen > 50
    log = Coordinator(level)
    log.log, log.now_ms = coordinator.log, coordinator.now_ms
    log.start()
    assert log.everything() == coordinator.everything()
