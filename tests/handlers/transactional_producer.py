"""A transactional producer, by requests of either protocol: up to Kafka 3.9's, or with an epoch per transaction."""

from __future__ import annotations

from typing import Any

from kafkapy.protocol.batch import read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.marker import read_marker
from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

NO_PRODUCER = (-1, -1)


class Producer:
    """One that has called init_transactions."""

    def __init__(self, client: Any, name: str = "tx", *, version: int = 2, timeout_ms: int = 60_000) -> None:
        self.client, self.name, self.version, self.timeout_ms = client, name, version, timeout_ms
        client.send(FIND_COORDINATOR, 3, FindCoordinatorRequest(name, 1))
        assert self.init() is ErrorCode.NONE

    def init(self, expected: tuple[int, int] = NO_PRODUCER, api_version: int = 4) -> ErrorCode:
        request = InitProducerIdRequest(self.name, self.timeout_ms, *expected)
        answer = self.client.send(INIT_PRODUCER_ID, api_version, request)
        if answer.error_code == ErrorCode.NONE:
            self.who = answer.producer_id, answer.producer_epoch
            self.sequence = 0
        return ErrorCode(answer.error_code)

    def add(self, *partitions: int, topic: str = "t", api_version: int = 3) -> ErrorCode:
        topics = [AddPartitionsToTxnTopic(topic, list(partitions))]
        request = AddPartitionsToTxnRequest([], self.name, *self.who, topics)
        [answer] = self.client.send(ADD_PARTITIONS_TO_TXN, api_version, request).results_by_topic_v3_and_below
        [code] = {one.partition_error_code for one in answer.results_by_partition}
        return ErrorCode(code)

    async def send(
        self, *values: str, added: bool = True, topic: str = "t", api_version: int | None = None
    ) -> ErrorCode:
        """Write to the topic's only partition, which an old producer adds to the transaction first."""
        client = self.client
        if self.version < 2 and added:
            code = self.add(0, topic=topic)
            if code is not ErrorCode.NONE:
                return code
        producer_id, epoch = self.who
        batch = client.batch(
            *values, producer_id=producer_id, producer_epoch=epoch, base_sequence=self.sequence, transactional=True
        )
        request = client.produce_request(batch, topic)
        request.transactional_id = self.name
        used = api_version or (12 if self.version >= 2 else 9)
        answer = client.only_partition(await client.ask(PRODUCE, used, request))
        if answer.error_code == ErrorCode.NONE:
            self.sequence += len(values)
        return ErrorCode(answer.error_code)

    def end(self, *, commit: bool, api_version: int | None = None) -> ErrorCode:
        used = api_version or (5 if self.version >= 2 else 3)
        answer = self.client.send(END_TXN, used, EndTxnRequest(self.name, *self.who, commit))
        if answer.error_code == ErrorCode.NONE and used >= 5:
            self.who = answer.producer_id, answer.producer_epoch
            self.sequence = 0
        return ErrorCode(answer.error_code)

    async def send_offsets(self, group: str, offset: int, *, added: bool = True, **member: Any) -> ErrorCode:
        """Commit the group's offset of t-0 in the transaction."""
        if self.version < 2 and added:
            request = AddOffsetsToTxnRequest(self.name, *self.who, group)
            code = self.client.send(ADD_OFFSETS_TO_TXN, 3, request).error_code
            if code:
                return ErrorCode(code)
        topics = [TxnOffsetCommitRequestTopic("t", [TxnOffsetCommitRequestPartition(0, offset, -1, "m")])]
        commit = TxnOffsetCommitRequest(self.name, group, *self.who, topics=topics, **member)
        answer = await self.client.ask(TXN_OFFSET_COMMIT, 5 if self.version >= 2 else 3, commit)
        return ErrorCode(answer.topics[0].partitions[0].error_code)


def fetched(client: Any, offset: int = 0, topic: str = "t", **options: Any) -> Any:
    """The answer to a read_committed fetch of the topic's first partition."""
    answer = client.send(FETCH, 12, client.fetch_request((topic, 0, offset), isolation_level=1, **options))
    [partition] = answer.responses[0].partitions
    assert partition.error_code == ErrorCode.NONE
    return partition


def read_committed(client: Any, topic: str = "t") -> list[str]:
    """What a consumer of committed records makes of that: control batches and aborted records are left out."""

    data = fetched(client, topic=topic)
    aborted = sorted((one.first_offset, one.producer_id) for one in data.aborted_transactions)
    skipped: set[int] = set()
    values = []
    for position, header in split_batches(data.records):
        while aborted and aborted[0][0] <= header.last_offset:
            skipped.add(aborted.pop(0)[1])
        records = read_records(data.records, position)
        if header.is_control:
            marker = read_marker(records[0])
            if marker is not None and not marker.is_commit:
                skipped.discard(header.producer_id)
        elif not (header.is_transactional and header.producer_id in skipped):
            values += [bytes(record.value or b"").decode() for record in records]
    return values
