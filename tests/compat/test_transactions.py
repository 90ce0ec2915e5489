"""Transactions by every client that has them, with the broker running on or killed between the steps."""

import uuid
from collections.abc import Callable

import pytest

from client_process import ClientProcess
from environments import ENVIRONMENTS, Environment

TRANSACTIONAL = [one for one in ENVIRONMENTS if one.name.startswith(("kafka-python-3", "aiokafka", "confluent"))]


@pytest.fixture(params=TRANSACTIONAL, ids=lambda environment: environment.name)
def client(request: pytest.FixtureRequest, lend: Callable[[Environment], ClientProcess]) -> Callable[[], ClientProcess]:
    environment: Environment = request.param
    return lambda: lend(environment)


@pytest.fixture
def transactional_id() -> str:
    return f"tx-{uuid.uuid4().hex[:8]}"


def test_only_what_is_committed_is_read(
    client: Callable[[], ClientProcess],
    make_topic: Callable[[int], str],
    transactional_id: str,
    between: Callable[[], None],
) -> None:
    topic = make_topic(1)
    producer, reader = client(), client()
    for number, commit in enumerate([True, False, True, False, True]):
        producer.do("begin", transactional_id=transactional_id)
        producer.do("send", topic=topic, values=[f"{number}a", f"{number}b"])
        if number == 1:
            between()
        producer.do("send", topic=topic, values=[f"{number}c"])
        producer.do("end", commit=commit)
        if number == 3:
            between()

    assert reader.do("read", topic=topic, isolation_level="read_committed", last="4c") == [
        f"{number}{part}" for number in (0, 2, 4) for part in "abc"
    ]
    assert len(reader.do("read", topic=topic, isolation_level="read_uncommitted", last="4c")) == 15


def test_offsets_count_with_their_transaction(
    client: Callable[[], ClientProcess],
    make_topic: Callable[[int], str],
    group: str,
    transactional_id: str,
    between: Callable[[], None],
) -> None:
    topic, source = make_topic(1), make_topic(1)
    reader = client()
    for number, (commit, expected) in enumerate([(True, 0), (False, 0), (True, 2)]):
        # librdkafka 2.16.1 waits for ever for a group's coordinator that it knew before the broker was killed: it keeps
        # the handle that it gave up when no broker was there. So each round has a producer of its own.
        producer = client()
        producer.do("begin", transactional_id=transactional_id)
        producer.do("send", topic=topic, values=[str(number)])
        producer.do("send_offset", topic=source, offset=number, group=group)
        between()
        producer.do("end", commit=commit)
        assert reader.do("committed_offset", topic=source, group=group) == expected


def test_a_second_producer_ends_the_first(
    client: Callable[[], ClientProcess], make_topic: Callable[[int], str], transactional_id: str
) -> None:
    topic = make_topic(1)
    first, second, reader = client(), client(), client()
    first.do("begin", transactional_id=transactional_id)
    first.do("send", topic=topic, values=["of the first"])
    second.do("begin", transactional_id=transactional_id)
    second.do("send", topic=topic, values=["of the second"])
    with pytest.raises(AssertionError, match=r"(?i)fenced|epoch"):
        first.do("end", commit=True)
    second.do("end", commit=True)
    read = reader.do("read", topic=topic, isolation_level="read_committed", last="of the second")
    assert read == ["of the second"]


def test_a_producer_that_died_is_replaced(
    client: Callable[[], ClientProcess], make_topic: Callable[[int], str], transactional_id: str
) -> None:
    topic = make_topic(1)
    first, second, reader = client(), client(), client()
    first.do("begin", transactional_id=transactional_id)
    first.do("send", topic=topic, values=["lost"])
    first.kill()
    second.do("begin", transactional_id=transactional_id)
    second.do("send", topic=topic, values=["kept"])
    second.do("end", commit=True)
    assert reader.do("read", topic=topic, isolation_level="read_committed", last="kept") == ["kept"]
    assert reader.do("read", topic=topic, isolation_level="read_uncommitted", last="kept") == ["lost", "kept"]
