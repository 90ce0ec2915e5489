"""What no client should send, over real sockets: it is answered or cut off, and the next client never notices."""

from __future__ import annotations

import resource
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic

LENGTH, PARTITION_LEADER_EPOCH, MAGIC, CRC, RECORDS_COUNT = 8, 12, 16, 17, 57


@pytest.fixture
def neighbour(shared_broker: Any) -> Iterator[Any]:
    """A client that was there before, must be served after, and reads a log without a traceback."""
    neighbour = shared_broker.client()
    before = len(shared_broker.log())
    yield neighbour
    assert neighbour.is_served()
    assert shared_broker.client().is_served()
    assert "Traceback" not in shared_broker.log()[before:]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a frame of 1195725856 bytes was announced"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "a frame of 369295618 bytes was announced"),
        (b"\xff\xff\xff\xff", "a frame of -1 bytes was announced"),
        (b"\x80\x00\x00\x00", "a frame of -2147483648 bytes was announced"),
        (b"\x7f\xff\xff\xff", "a frame of 2147483647 bytes was announced"),
        (b"\x00\x00\x00\x00", "a request of 0 bytes has no room for an API key and a version"),
        (b"\x00\x00\x00\x03\x00\x12\x00", "a request of 3 bytes has no room"),
        (b"\x00\x00\x00\x08\x00\x12\x00\x00\x00\x00\x00\x01", "RequestHeader"),
        (b"\x00\x00\x00\x0a\x03\xe7\x00\x00\x00\x00\x00\x01\xff\xff", "API key 999 (version 0) is not served"),
        (b"\x00\x00\x00\x0a\x00\x03\x00\x63\x00\x00\x00\x01\xff\xff", "METADATA (key 3) v99 is not served"),
    ],
    ids=["http", "tls", "-1", "lowest", "highest", "empty", "no version", "no client id", "api 999", "metadata 99"],
)
def test_bytes_that_are_no_request_close_the_connection(
    shared_broker: Any, neighbour: Any, sent: bytes, said: str
) -> None:
    client = shared_broker.client()
    before = len(shared_broker.log())
    client.socket.sendall(sent)
    assert client.is_closed()
    assert said.lower() in shared_broker.log()[before:].lower().replace("_", "")


def test_an_unknown_version_of_api_versions_is_answered_in_version_0(shared_broker: Any, neighbour: Any) -> None:
    client = shared_broker.client()
    client.send_frame(struct.pack(">hhih", API_VERSIONS.key, 99, 7, -1))
    answer = client.receive(API_VERSIONS, 0)
    assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert client.ask(API_VERSIONS, 4, ApiVersionsRequest("me", "1")).error_code == ErrorCode.NONE


def test_no_request_may_claim_more_than_it_holds(shared_broker: Any, neighbour: Any) -> None:
    """Bodies of the highest counts and lengths there are, in every version of every API, cost no memory."""
    claims = (b"\x7f\xff\xff\xff" * 8, b"\xff\xff\xff\xff\x0f" * 6, b"\xff\xff\xff\xff\x07" * 6, b"\x7f\xff" * 16)
    before = shared_broker.resident_bytes()
    for api in neighbour.ask(API_VERSIONS, 0, ApiVersionsRequest()).api_keys:
        for version in range(api.min_version, api.max_version + 1):
            for claim in claims:
                client = shared_broker.client()
                client.send_frame(struct.pack(">hhih", api.api_key, version, 1, -1) + claim)
                # Some of these happen to be a request; what counts is that an answer or the end comes at once.
                client.socket.settimeout(5)
                client.socket.recv(1)
                client.close()
    assert shared_broker.resident_bytes() - before < 8_000_000


def damaged(batch: bytes, position: int, value: bytes) -> bytes:
    return batch[:position] + value + batch[position + len(value) :]


@pytest.mark.parametrize(
    ("position", "value", "errors"),
    [
        (CRC, b"\0\0\0\0", {ErrorCode.CORRUPT_MESSAGE}),
        (LENGTH, b"\0\0\0\0", {ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD}),
        (LENGTH, b"\x7f\xff\xff\xff", {ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD}),
        (LENGTH, b"\xff\xff\xff\xff", {ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD}),
        (MAGIC, b"\x03", {ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD}),
        (RECORDS_COUNT, b"\x7f\xff\xff\xff", {ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD}),
    ],
    ids=["crc", "length 0", "length high", "length negative", "magic", "count"],
)
def test_a_damaged_batch_is_refused(
    shared_broker: Any, neighbour: Any, batch: Any, position: int, value: bytes, errors: set[ErrorCode]
) -> None:
    client = shared_broker.client()
    if "damaged" not in client.topics():
        client.create("damaged")
    whole = batch("a", "b")
    assert client.produce(damaged(whole, position, value), "damaged").error_code in errors
    before = len(client.read("damaged"))
    assert client.produce(whole, "damaged").error_code == ErrorCode.NONE
    assert len(client.read("damaged")) == before + 2


@pytest.mark.parametrize("cut", [0, 1, 20, 60, -1])
def test_half_a_batch_is_refused(shared_broker: Any, neighbour: Any, batch: Any, cut: int) -> None:
    client = shared_broker.client()
    if "half" not in client.topics():
        client.create("half")
    assert client.produce(batch("a")[:cut], "half").error_code in (
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.INVALID_RECORD,
    )
    assert client.read("half") == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc", "a" * 250, "a b", "ü", "a\0b"])
def test_a_topic_name_that_kafka_refuses(shared_broker: Any, neighbour: Any, name: str) -> None:
    client = shared_broker.client()
    created = client.ask(CREATE_TOPICS, 5, CreateTopicsRequest(topics=[CreatableTopic(name, 1, 1)]))
    assert created.topics[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    found = client.ask(METADATA, 4, MetadataRequest([MetadataRequestTopic(name=name)], allow_auto_topic_creation=True))
    assert found.topics[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert name not in client.topics()


def test_a_group_that_does_not_exist(shared_broker: Any, neighbour: Any) -> None:
    client = shared_broker.client()
    client.find_coordinator()
    beaten = client.ask(HEARTBEAT, 3, HeartbeatRequest("nobody", 1, "me"))
    assert beaten.error_code == ErrorCode.UNKNOWN_MEMBER_ID
    described = client.ask(DESCRIBE_GROUPS, 5, DescribeGroupsRequest(["nobody"]))
    assert described.groups[0].group_state == "Dead"


def test_a_request_larger_than_the_limit_is_refused_before_it_comes(broker: Any) -> None:
    broker.start("--override", "socket.request.max.bytes=100000")
    client, neighbour = broker.client(), broker.client()
    client.socket.sendall(struct.pack(">i", 100_001))
    assert client.is_closed()
    assert neighbour.is_served()
    assert "at most 100000 are taken (socket.request.max.bytes)" in broker.log()


def test_clients_that_announce_much_and_send_nothing_cost_little(shared_broker: Any, neighbour: Any) -> None:
    before = shared_broker.resident_bytes()
    clients = [shared_broker.client() for _ in range(50)]
    for client in clients:
        client.socket.sendall(struct.pack(">i", 100_000_000) + b"\0\0")
    assert neighbour.is_served()
    assert shared_broker.resident_bytes() - before < 20_000_000


def test_more_clients_than_there_are_descriptors_wait_until_others_leave(broker: Any) -> None:
    broker.start()
    resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE, (40, 40))
    crowd = [broker.client() for _ in range(60)]
    # Those inside are served all the time that it takes the broker to find out that no more fit.
    for _ in range(100_000):
        assert crowd[0].is_served()
        if "Too many open files" in broker.log():
            break
    for client in crowd:
        client.close()
    assert broker.client().is_served()
    assert "Too many open files" in broker.log()
    assert "Traceback" not in broker.log()
