"""Producers with transactional ids that live through changes of the broker, and note what each of them tells them."""

from __future__ import annotations

import time
from typing import Any

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

TOPIC = "t"
_BUSY = {
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.CONCURRENT_TRANSACTIONS,
}


class Transactor:
    """One transactional id, which speaks version 1 or 2 of the protocol and writes to a partition of its own."""

    def __init__(self, name: str, version: int, partition: int, timeout_ms: int = 600_000) -> None:
        self.id = f"{name} {version}"
        self.version, self.partition = version, partition
        self.timeout_ms = timeout_ms
        self.client: Any = None
        self.producer = self._before = (-1, -1)
        self.told: list[Any] = []  # of each step what was answered, no matter by whom
        self._first: int | None = None  # the producer id that it was given first
        self._sequence = 0

    def init(self, *, again: bool = False) -> None:
        """Become the producer; `again`: as one that has met an error, and says who it is."""
        who = self.producer if again else (-1, -1)
        request = InitProducerIdRequest(self.id, self.timeout_ms, *who)
        answer = self._patiently(INIT_PRODUCER_ID, 5 if self.version > 1 else 4, request)
        if answer.error_code == ErrorCode.NONE:
            self._take(answer.producer_id, answer.producer_epoch)
        self._note("init", answer.error_code)

    def send(self, *values: str) -> None:
        """Write to the partition, which version 1 adds to the transaction first."""
        if self.version == 1:
            topics = [AddPartitionsToTxnTopic(TOPIC, [self.partition])]
            request = AddPartitionsToTxnRequest([], self.id, *self.producer, topics)
            added = self._patiently(ADD_PARTITIONS_TO_TXN, 3, request)
            code = added.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
            if code != ErrorCode.NONE:
                self._note("add", code)
                return
        now_ms = time.time_ns() // 1_000_000
        batch = build_batch(
            [Record(at, now_ms, None, value.encode()) for at, value in enumerate(values)],
            producer_id=self.producer[0],
            producer_epoch=self.producer[1],
            base_sequence=self._sequence,
            transactional=True,
        )
        data = [TopicProduceData(TOPIC, partition_data=[PartitionProduceData(self.partition, batch)])]
        version = 12 if self.version > 1 else 11
        answer = self._patiently(PRODUCE, version, ProduceRequest(self.id, -1, 10_000, data))
        code = answer.responses[0].partition_responses[0].error_code
        if code == ErrorCode.NONE:
            self._sequence += len(values)
        self._note("send", code)

    def commit_offset(self, group: str, offset: int, member: str = "", generation: int = -1) -> None:
        """Commit the group's offset of the producer's partition, which version 1 adds to the transaction first."""
        if self.version == 1:
            self._patiently(ADD_OFFSETS_TO_TXN, 3, AddOffsetsToTxnRequest(self.id, *self.producer, group))
        topics = [TxnOffsetCommitRequestTopic(TOPIC, [TxnOffsetCommitRequestPartition(self.partition, offset)])]
        request = TxnOffsetCommitRequest(self.id, group, *self.producer, generation, member, None, topics)
        answer = self._patiently(TXN_OFFSET_COMMIT, 5 if self.version > 1 else 3, request)
        self._note("offset", answer.topics[0].partitions[0].error_code)

    def end(self, *, commit: bool, again: bool = False) -> None:
        """End the transaction; `again`: as one that has not heard what became of it."""
        who = self._before if again else self.producer
        answer = self._patiently(END_TXN, 5 if self.version > 1 else 4, EndTxnRequest(self.id, *who, commit))
        self._before = who
        if self.version > 1 and answer.error_code == ErrorCode.NONE:
            self._take(answer.producer_id, answer.producer_epoch)
        self._note("commit" if commit else "abort", answer.error_code)

    def grow_old(self, epoch: int) -> None:
        """Have this epoch, without having asked for it."""
        self.producer, self._sequence = (self.producer[0], epoch), 0

    def _take(self, producer_id: int, epoch: int) -> None:
        if self.producer != (producer_id, epoch):
            self._sequence = 0
        self.producer = (producer_id, epoch)
        self._first = producer_id if self._first is None else self._first

    def _note(self, step: str, code: int) -> None:
        who = "same id" if self.producer[0] == self._first else "another id"
        self.told.append((step, ErrorCode(code).name, who, self.producer[1]))

    def _patiently(self, api: Any, version: int, request: Any) -> Any:
        """The answer, once the coordinators are ready."""
        end = time.monotonic() + 30
        while True:
            answer = self.client.ask(api, version, request)
            if not _BUSY.intersection(_codes(answer)) or time.monotonic() > end:
                return answer


def _codes(answer: Any) -> list[int]:
    """Every error code that is somewhere in the answer."""
    if isinstance(answer, list):
        return [code for item in answer for code in _codes(item)]
    fields = getattr(answer, "__dataclass_fields__", ())
    codes = [getattr(answer, name) for name in fields if name.endswith("error_code")]
    return codes + [code for name in fields for code in _codes(getattr(answer, name))]
