"""A transactional id of both brokers, brought into any of its states, and what asks about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from records import batch
from sides import LIMIT_S, Connection, Sides, Two

from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.describe_transactions import DESCRIBE_TRANSACTIONS, DescribeTransactionsRequest
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

OLD, NEW = 1, 2  # the protocols: up to Kafka 3.9's, and with an epoch for each transaction
LAST_OF = {  # the last version of an API that speaks it
    OLD: {PRODUCE: 11, ADD_PARTITIONS_TO_TXN: 3, ADD_OFFSETS_TO_TXN: 3, END_TXN: 4, TXN_OFFSET_COMMIT: 4},
    NEW: {PRODUCE: 12, ADD_PARTITIONS_TO_TXN: 3, ADD_OFFSETS_TO_TXN: 4, END_TXN: 5, TXN_OFFSET_COMMIT: 5},
}
TIMEOUT_MS = 60_000


def new_topic(line: Connection, sides: Sides, partitions: int = 2) -> tuple[str, Two]:
    """Its name, and its ids."""
    name = sides.new_name()
    made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, partitions, 1)]))
    sides.settle()
    return name, made.topics[0].topic_id


class Transactional:
    """A transactional id that is nobody else's, and its producer."""

    def __init__(self, line: Connection, sides: Sides, topic: str = "", protocol: int = NEW) -> None:
        self.line, self.name, self.topic, self.protocol = line, sides.new_name("tx"), topic, protocol
        self.producer_id, self.epoch = Two(-1, -1), 0
        self.sequence = 0

    def version(self, api: Api) -> int:
        return LAST_OF[self.protocol][api]

    def init(self, version: int = 4) -> Transactional:
        """As a producer that starts: it is told its id and epoch."""
        answer = self.line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(self.name, TIMEOUT_MS))
        return self._is_now(answer)

    def _is_now(self, answer: Two) -> Transactional:
        with suppress(AttributeError):  # one hung up, which is told
            self.producer_id, epoch = answer.producer_id, answer.producer_epoch
            self.epoch, self.sequence = epoch.kafkapy, 0
        return self

    def add(self, version: int | None = None, *partitions: int, **who: Any) -> Two:
        topics = [AddPartitionsToTxnTopic(self.topic, list(partitions or (0,)))]
        request = AddPartitionsToTxnRequest([], *self.who(**who), topics)
        return self.line.ask(ADD_PARTITIONS_TO_TXN, 3 if version is None else version, request)

    def add_offsets(self, group: str, version: int | None = None, **who: Any) -> Two:
        request = AddOffsetsToTxnRequest(*self.who(**who), group)
        return self.line.ask(ADD_OFFSETS_TO_TXN, self._version(ADD_OFFSETS_TO_TXN, version), request)

    def end(self, *, commit: bool, version: int | None = None, **who: Any) -> Two:
        used = self._version(END_TXN, version)
        answer = self.line.ask(END_TXN, used, EndTxnRequest(*self.who(**who), commit))
        if used >= LAST_OF[NEW][END_TXN] and not who and answer.error_code.kafkapy == ErrorCode.NONE:
            self._is_now(answer)
        return answer

    def ended(self, *, commit: bool) -> Transactional:
        """End it, and wait until its markers are written."""
        self.end(commit=commit)
        return self.wait_ended()

    def commit_offset(self, group: str, offset: int = 1, version: int | None = None, **who: Any) -> Two:
        member = {name: who.pop(name) for name in ("generation_id", "member_id", "group_instance_id") if name in who}
        name, producer_id, epoch = self.who(**who)
        topics = [TxnOffsetCommitRequestTopic(self.topic, [TxnOffsetCommitRequestPartition(0, offset, -1, "m")])]
        request = TxnOffsetCommitRequest(name, group, producer_id, epoch, **member, topics=topics)
        return self.line.ask(TXN_OFFSET_COMMIT, self._version(TXN_OFFSET_COMMIT, version), request)

    def produce(self, *values: str, partition: int = 0, version: int | None = None, **who: Any) -> Two:
        """A batch of the transaction; both brokers get their own producer's."""
        count = len(values or ("a",))
        sequence = who.pop("sequence", self.sequence)
        transactional = who.pop("transactional", True)
        name, producer_id, epoch = self.who(**who)

        def records(one: int) -> bytes:
            return batch(
                *(values or ("a",)),
                producer_id=one,
                producer_epoch=epoch,
                base_sequence=sequence,
                transactional=transactional,
            )

        data = producer_id.map(records) if isinstance(producer_id, Two) else records(producer_id)
        topic = TopicProduceData(self.topic, partition_data=[PartitionProduceData(partition, data)])
        request = ProduceRequest(name, -1, 5000, [topic])
        answer = self.line.ask(PRODUCE, self._version(PRODUCE, version), request)
        with suppress(AttributeError, IndexError):
            if answer.responses[0].partition_responses[0].error_code.both() == (0, 0):
                self.sequence = sequence + count
        return answer

    def begun(self) -> Transactional:
        """A transaction is open that has the topic's first partition, and a record in it."""
        if self.protocol == OLD:
            self.add()
        self.produce()
        return self

    def who(self, name: str | None = "", producer_id: Any = None, epoch: int | None = None, by: int = 0) -> Any:
        """Transactional id, producer id and epoch, as its own or as told; `by` is added to its epoch."""
        return (
            self.name if name == "" else name,
            self.producer_id if producer_id is None else producer_id,
            self.epoch + by if epoch is None else epoch,
        )

    def describe(self) -> Two:
        return self.line.ask(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest([self.name]))

    def wait_ended(self) -> Transactional:
        """Wait until nothing of it is being carried out at either broker."""
        wait_until(
            lambda: self.line.ask_unseen(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest([self.name])),
            lambda answer: not answer.transaction_states[0].transaction_state.startswith("Prepare"),
        )
        return self

    def _version(self, api: Api, version: int | None) -> int:
        return self.version(api) if version is None else version


def wait_until(ask: Callable[[], Two], is_so: Callable[[Any], bool]) -> None:
    """Ask both until it is so at both."""
    end = time.monotonic() + LIMIT_S
    while not all(map(is_so, ask().both())):
        assert time.monotonic() < end, "both brokers do not come to it"
