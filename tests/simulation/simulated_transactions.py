"""Transactional producers of a simulated broker: of what they wrote exactly what they committed is read, in order."""

from __future__ import annotations

from typing import Any

import trio

from kafkapy.protocol.batch import read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

TOPIC = "transactions"
PRODUCERS = 2  # each with a partition of its own
_TRANSACTION = 1  # the kind of a coordinator
_READ_COMMITTED = 1
_ABORT = b"\0\0\0\0"
_FENCED = {ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_TXN_STATE}


class Transactions:
    """The producers of one run, and what they were told; `in_the_way` are codes that pass."""

    def __init__(self, run: Any, in_the_way: set[ErrorCode]) -> None:
        self._run = run
        self._passing = {
            *in_the_way,
            ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode.CONCURRENT_TRANSACTIONS,
            ErrorCode.NOT_ENOUGH_REPLICAS,
        }
        self.committed: dict[int, list[str]] = {number: [] for number in range(PRODUCERS)}
        self.unsure: dict[int, list[str]] = {number: [] for number in range(PRODUCERS)}

    async def produce(self, number: int) -> None:
        """Transaction after transaction, committed or aborted; each request is repeated until it is answered."""
        run, name = self._run, f"tx-{number}"
        count = 0
        while True:
            await run.until_done(lambda: self._is_found(name))
            init = InitProducerIdRequest(name, 60_000)
            answer = await run.until_done(lambda init=init: self._ask(INIT_PRODUCER_ID, 4, init))
            who, sequence, code = (answer.producer_id, answer.producer_epoch), 0, ErrorCode.NONE
            # Whatever was decided before, its markers are written: the coordinator lets nobody begin else.
            await self._settle(number)
            while code == ErrorCode.NONE:
                values = []
                for _ in range(run.random.randrange(1, 4)):
                    batch = [f"{number}/{count + at}" for at in range(run.random.randrange(1, 3))]
                    records = run.batch(
                        *batch, producer_id=who[0], producer_epoch=who[1], base_sequence=sequence, transactional=True
                    )
                    code = await self._send(name, number, records)
                    if code != ErrorCode.NONE:
                        break
                    count, sequence, values = count + len(batch), sequence + len(batch), values + batch
                    await run.pause()
                if code != ErrorCode.NONE:
                    break
                commit = run.random.random() < 0.6
                self.unsure[number] = values if commit else []
                request = EndTxnRequest(name, *who, commit)
                ended = await run.until_done(lambda request=request: self._ask(END_TXN, 5, request))
                code = ErrorCode(ended.error_code)
                if code == ErrorCode.NONE:
                    self.committed[number] += self.unsure[number]
                    self.unsure[number] = []
                    if (ended.producer_id, ended.producer_epoch) != who:
                        who, sequence = (ended.producer_id, ended.producer_epoch), 0
                await run.pause(3)

    async def _is_found(self, name: str) -> bool | None:
        request = FindCoordinatorRequest(name, _TRANSACTION)
        found = await self._run.machine.ask(FIND_COORDINATOR, 2, request)
        return True if found.error_code == ErrorCode.NONE else None

    async def _ask(self, api: Any, version: int, request: Any) -> Any:
        answer = await self._run.machine.ask(api, version, request)
        assert answer.error_code in {ErrorCode.NONE, *_FENCED, *self._passing}, ErrorCode(answer.error_code)
        return None if answer.error_code in self._passing else answer

    async def _send(self, name: str, number: int, records: bytes) -> ErrorCode:
        async def attempt() -> ErrorCode | None:
            data = [TopicProduceData(TOPIC, partition_data=[PartitionProduceData(number, records)])]
            response = await self._run.machine.ask(PRODUCE, 12, ProduceRequest(name, -1, 1000, data))
            code = ErrorCode(response.responses[0].partition_responses[0].error_code)
            assert code in {ErrorCode.NONE, *_FENCED, *self._passing}, code
            return None if code in self._passing else code

        return await self._run.until_done(attempt)  # type: ignore[no-any-return]

    async def _settle(self, number: int) -> None:
        """Learn what became of a transaction whose end was not answered."""
        if self.unsure[number]:
            found = await self._run.until_done(lambda: self.read(number))
            if found == self.committed[number] + self.unsure[number]:
                self.committed[number] = found
            self.unsure[number] = []

    async def check(self, *, in_the_end: bool = False) -> None:
        """Nothing else is read than was committed; `in_the_end` all of it is, as soon as its markers are written."""
        for number, committed in self.committed.items():
            maybe = committed + self.unsure[number]
            found = await self.read(number)
            while in_the_end and len(found) < len(committed):
                await trio.sleep(0.1)
                found = await self.read(number)
            assert found == maybe[: len(found)], (found[-5:], maybe[-5:])

    async def read(self, number: int) -> list[str]:
        """What a reader of committed records finds in the producer's partition."""
        found: list[str] = []
        offset = 0
        aborted: set[int] = set()
        while True:
            wanted = FetchPartition(number, fetch_offset=offset, partition_max_bytes=1 << 20)
            topics = [FetchTopic(TOPIC, partitions=[wanted])]
            request = FetchRequest(
                max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, isolation_level=_READ_COMMITTED, topics=topics
            )
            data = (await self._run.machine.ask(FETCH, 12, request)).responses[0].partitions[0]
            if data.error_code in self._passing:
                return found
            assert data.error_code == ErrorCode.NONE, ErrorCode(data.error_code)
            content = data.records or b""
            if not content:
                return found
            coming = sorted((one.first_offset, one.producer_id) for one in data.aborted_transactions or ())
            for at, header in split_batches(content, cut_is_end=True):
                while coming and coming[0][0] <= header.last_offset:
                    aborted.add(coming.pop(0)[1])
                records = read_records(content, at)
                offset = header.next_offset
                if header.is_control:
                    if records[0].key == _ABORT:
                        aborted.discard(header.producer_id)
                elif header.producer_id not in aborted:
                    found += [bytes(record.value or b"").decode() for record in records]
