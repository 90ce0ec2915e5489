"""A whole broker without sockets or disk, under trio's mock clock: bytes go in and come out as from a connection.

A test that is a coroutine function runs inside trio with its broker started; time passes when everybody waits.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields, replace
from types import CoroutineType
from typing import Any
from uuid import UUID

import pytest
import trio
import trio.testing

from kafkapy.broker import Broker
from kafkapy.config.properties import load
from kafkapy.metadata.bootstrap import SUPPORTED_FEATURES
from kafkapy.metadata.brokers import Endpoint
from kafkapy.metadata.registration import Registration
from kafkapy.protocol.api import Api
from kafkapy.protocol.batch import Record, build_batch, read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.legacy import from_batches
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.join_group import (
    JOIN_GROUP,
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.produce import (
    PRODUCE,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from kafkapy.protocol.messages.sync_group import (
    SYNC_GROUP,
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from kafkapy.protocol.request import decode_response, encode_request
from kafkapy.run import Process
from kafkapy.storage.segment import FileSlice

NOW = 1_700_000_000_000
PORT = 9092
GROUP = 0  # a type of key of FindCoordinator
GROUP_FIELDS = {"group_id", "groups", "groups_names", "group_ids"}


async def at_once(action: Callable[..., Any], *arguments: Any) -> Any:
    """What a disk in memory takes no time for."""
    return action(*arguments)


class Client:
    """What a client sees of a broker that runs in this process."""

    def __init__(self, disk: Any) -> None:
        self.disk = disk
        # Kafka's 50 would take most of the tests' time.
        self.properties = [
            "offsets.topic.num.partitions=4",
            "transaction.state.log.num.partitions=4",
            "share.coordinator.state.topic.num.partitions=4",
        ]
        self.listener, self.host = "PLAINTEXT", "127.0.0.1"
        self.endings: dict[object, Callable[[], None]] = {}
        self.aside: Callable[..., Awaitable[Any]] = at_once  # how what takes the disk its time is done
        self._correlation_id = 0
        self.has_coordinator = False  # as far as this client knows

    def configure(self, **properties: object) -> None:
        """Properties of the broker, with _ for the dots; before it runs."""
        self.properties += [f"{name.replace('_', '.')}={value}" for name, value in properties.items()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Client]:
        """The broker starts, and stops at the end."""
        async with trio.open_nursery() as self._nursery:
            await self._start()
            yield self
            self._stop()

    async def restart(self) -> None:
        """Stop the broker cleanly and start it again on the same disk."""
        self._stop()
        await self._start()

    async def _start(self) -> None:
        config = load(None, ["log.dirs=/data", f"listeners=PLAINTEXT://localhost:{PORT}", *self.properties])
        self.process = Process(config, disk=self.disk, clock=self._now, aside=self._run_aside)
        self.process.load()
        self.process.cluster.register(config.advertised("localhost", {"PLAINTEXT": PORT}))
        self.node = self.process.node
        self.broker = Broker(self.node)
        self._alive = trio.CancelScope()
        self._nursery.start_soon(self._keep_time, self._alive)
        await trio.testing.wait_all_tasks_blocked()

    async def _run_aside(self, action: Callable[..., Any], *arguments: Any) -> Any:
        return await self.aside(action, *arguments)

    @staticmethod
    def _now() -> int:
        return NOW + round(trio.current_time() * 1000)

    async def _keep_time(self, alive: trio.CancelScope) -> None:
        with alive:
            await self.process.keep_time()

    def _stop(self) -> None:
        self._alive.cancel()
        self.process.close()

    def disconnect(self) -> None:
        """The connection ends; what is asked next comes by another one."""
        endings, self.endings = self.endings, {}
        for ending in endings.values():
            ending()

    def now(self) -> int:
        return self.node.clock()

    def _find_coordinator(self, api: Api) -> None:
        """As a client does before its first request about groups."""
        if not self.has_coordinator and not GROUP_FIELDS.isdisjoint(one.name for one in fields(api.request)):
            self.has_coordinator = True
            request = FindCoordinatorRequest("any", GROUP)
            assert self.send(FIND_COORDINATOR, 3, request).error_code == ErrorCode.NONE

    def frame(self, api: Api, version: int, request: Any) -> bytearray:
        self._find_coordinator(api)
        self._correlation_id += 1
        return bytearray(encode_request(api, version, self._correlation_id, "me", request))

    async def ask(self, api: Api, version: int, request: Any) -> Any:
        """The response, however long it takes; None where the broker sends none. Raises HangUpError."""
        reply = self.broker.answer(self.frame(api, version, request), self.host, self.listener, self.endings)
        return self._decoded(api, version, await reply if isinstance(reply, Awaitable) else reply)

    def send(self, api: Api, version: int, request: Any) -> Any:
        """The response of a request that must not have to wait, but for the disk."""
        reply = self.broker.answer(self.frame(api, version, request), self.host, self.listener, self.endings)
        if isinstance(reply, CoroutineType):
            try:
                reply.send(None)
            except StopIteration as done:
                reply = done.value
            else:
                reply.close()
                raise AssertionError(f"{api.name} v{version} has to wait")
        return self._decoded(api, version, reply)

    def _decoded(self, api: Api, version: int, reply: Any) -> Any:
        if reply is None:
            return None
        frame = b"".join(chunk.read() if isinstance(chunk, FileSlice) else bytes(chunk) for chunk in reply)
        _, response = decode_response(api, version, frame)
        self.last_body = frame[4 + api.response_header_version(version) :]
        return response

    # What most tests need before they come to their point:

    def create(self, name: str = "t", partitions: int = 1, **configs: object) -> UUID:
        """A topic; its configuration's names with _ for the dots."""
        texts = [CreatableTopicConfig(key.replace("_", "."), str(value)) for key, value in configs.items()]
        topic = CreatableTopic(name, partitions, 1, configs=texts)
        result = self.send(CREATE_TOPICS, 7, CreateTopicsRequest(topics=[topic])).topics[0]
        assert result.error_code == ErrorCode.NONE, result.error_message
        return result.topic_id  # type: ignore[no-any-return]

    def add_broker(self, broker_id: int) -> None:
        """One more broker in the metadata, which nobody runs: it is fenced."""
        broker = Registration(
            broker_id, UUID(int=broker_id), [Endpoint("PLAINTEXT", "elsewhere", 9092)], [UUID(int=99)]
        )
        broker.features.update(SUPPORTED_FEATURES)
        epoch = self.node.cluster.features_epoch + 1
        self.node.cluster.change(lambda controller: controller.register_broker(broker, epoch))

    def produce(self, *values: str | None, topic: str = "t", partition: int = 0, **options: Any) -> int:
        """Append a batch with these values; the result is its offset."""
        answer = self.send(PRODUCE, 9, self.produce_request(self.batch(*values, **options), topic, partition))
        found = self.only_partition(answer)
        assert found.error_code == ErrorCode.NONE, found.error_message
        return found.base_offset

    def batch(
        self, *values: str | None, key: bytes | None = b"k", timestamp: int | None = None, **options: Any
    ) -> bytes:
        start = self.now() if timestamp is None else timestamp
        records = [Record(i, start + i, key, None if v is None else v.encode()) for i, v in enumerate(values)]
        return build_batch(records, **options)

    async def join(self, group: str, member_id: str = "", **options: Any) -> JoinGroupResponse:
        """Join as Kafka 1.0 did, with one protocol."""
        protocols = [JoinGroupRequestProtocol("range", b"subscription")]
        request = JoinGroupRequest(group, 10_000, 10_000, member_id, None, "consumer", protocols)
        return await self.ask(JOIN_GROUP, 2, replace(request, **options))  # type: ignore[no-any-return]

    async def sync(self, group: str, joined: JoinGroupResponse, **assignments: bytes) -> SyncGroupResponse:
        parts = [SyncGroupRequestAssignment(member, part) for member, part in assignments.items()]
        request = SyncGroupRequest(group, joined.generation_id, joined.member_id, assignments=parts)
        return await self.ask(SYNC_GROUP, 2, request)  # type: ignore[no-any-return]

    def commit(self, group: str, topic: str, partition: int, offset: int) -> int:
        """Commit as a client without a group; the result is the error code."""
        partitions = [OffsetCommitRequestPartition(partition, offset, committed_metadata="")]
        request = OffsetCommitRequest(group, topics=[OffsetCommitRequestTopic(topic, partitions=partitions)])
        response = self.send(OFFSET_COMMIT, 3, request)
        return response.topics[0].partitions[0].error_code  # type: ignore[no-any-return]

    def message_set(self, *values: str, magic: int = 1, **options: Any) -> bytes:
        """A producer's message set of format v0 or v1."""
        return from_batches(self.batch(*values, **options), magic, 0)

    def read(self, topic: str = "t", partition: int = 0, offset: int = 0) -> list[str]:
        """The values in a partition from an offset on."""
        answer = self.send(FETCH, 12, self.fetch_request((topic, partition, offset)))
        data = answer.responses[0].partitions[0]
        assert data.error_code == ErrorCode.NONE
        return [value for at, value in self.values_of(data.records) if at >= offset]

    @staticmethod
    def produce_request(
        records: bytes | None, topic: str | UUID = "t", partition: int = 0, *, acks: int = -1, timeout_ms: int = 1000
    ) -> ProduceRequest:
        data = [PartitionProduceData(partition, records)]
        named = TopicProduceData(topic_id=topic, partition_data=data) if isinstance(topic, UUID) else None
        return ProduceRequest(None, acks, timeout_ms, [named or TopicProduceData(str(topic), partition_data=data)])

    @staticmethod
    def only_partition(response: Any) -> PartitionProduceResponse:
        [topic] = response.responses
        [partition] = topic.partition_responses
        return partition  # type: ignore[no-any-return]

    @staticmethod
    def fetch_request(
        *wanted: tuple[str | UUID, int, int],
        max_bytes: int = 1 << 20,
        min_bytes: int = 0,
        max_wait_ms: int = 0,
        partition_max_bytes: int = 1 << 20,
        current_leader_epoch: int = -1,
        last_fetched_epoch: int = -1,
        **options: Any,
    ) -> FetchRequest:
        """A fetch of (topic or topic id, partition, offset)."""
        topics: dict[str | UUID, FetchTopic] = {}
        for topic, partition, offset in wanted:
            if topic not in topics:
                topics[topic] = FetchTopic(topic_id=topic) if isinstance(topic, UUID) else FetchTopic(topic)
            topics[topic].partitions.append(
                FetchPartition(
                    partition,
                    current_leader_epoch,
                    offset,
                    last_fetched_epoch=last_fetched_epoch,
                    partition_max_bytes=partition_max_bytes,
                )
            )
        return FetchRequest(
            max_wait_ms=max_wait_ms, min_bytes=min_bytes, max_bytes=max_bytes, topics=list(topics.values()), **options
        )

    @staticmethod
    def values_of(records: Any) -> list[tuple[int, Any]]:
        """Offset and text of every record."""
        return [
            (record.offset, None if record.value is None else bytes(record.value).decode())
            for position, _ in split_batches(records)
            for record in read_records(records, position)
        ]


@pytest.fixture
def client(memory_disk: Any) -> Client:
    return Client(memory_disk)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function, with its broker."""
    test: Callable[..., Any] = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names: Sequence[str] = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def run() -> None:
        async with AsyncExitStack() as stack:
            for value in arguments.values():
                if isinstance(value, Client):
                    await stack.enter_async_context(value.running())
            try:
                await test(**arguments)
            except Exception as error:  # raised once the broker has stopped: alone, not in a group of trio's
                failed.append(error)

    failed: list[Exception] = []
    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    for error in failed:
        raise error
    return True
