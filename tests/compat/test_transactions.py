"""Transactions by every client that has them, with the broker running on or killed between the steps."""

import uuid
from collections.abc import Callable

import pytest

from asked_client import AskedClient, Refused
from client_process import ClientProcess
from environments import ENVIRONMENTS, Environment
from seed import EXPERIMENT_2, messages
from toolchains import CLIENTS, Client

Transactional = ClientProcess | AskedClient

OUTLIVES = pytest.mark.needs("transactions_outlive_broker")
WRITER = next(environment for environment in ENVIRONMENTS if environment.name.startswith("confluent"))


@pytest.fixture(params=[*ENVIRONMENTS, *CLIENTS], ids=lambda client: client.name)
def client(
    request: pytest.FixtureRequest,
    lend: Callable[[Environment], ClientProcess],
    lend_other: Callable[[Client], AskedClient],
) -> Callable[[], Transactional]:
    """Starts one more of the client under test, be it Python's or another language's."""
    chosen: Environment | Client = request.param
    return lambda: lend(chosen) if isinstance(chosen, Environment) else lend_other(chosen)


@pytest.fixture
def transactional_id() -> str:
    return f"tx-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def source(make_topic: Callable[[int], str], lend: Callable[[Environment], ClientProcess]) -> str:
    """A topic with some records to be read and their offsets committed."""
    topic = make_topic(1)
    lend(WRITER).produce(topic, messages(range(3), EXPERIMENT_2, partition=0))
    return topic


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("between", ["running", pytest.param("killed", marks=OUTLIVES)], indirect=True)
def test_only_what_is_committed_is_read(
    client: Callable[[], Transactional],
    make_topic: Callable[[int], str],
    transactional_id: str,
    between: Callable[[], None],
) -> None:
    topic = make_topic(1)
    producer, reader = client(), client()
    for number, commit in enumerate([True, False, True]):
        producer.begin(transactional_id)
        producer.send(topic, [f"{number}a", f"{number}b"])
        if number == 2:
            between()
        producer.send(topic, [f"{number}c"])
        producer.end(commit=commit)

    assert reader.values(topic, 6, "read_committed") == ["0a", "0b", "0c", "2a", "2b", "2c"]
    assert reader.values(topic, 9, "read_uncommitted") == ["0a", "0b", "0c", "1a", "1b", "1c", "2a", "2b", "2c"]


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("between", ["running", pytest.param("killed", marks=OUTLIVES)], indirect=True)
def test_offsets_count_with_their_transaction(
    client: Callable[[], Transactional],
    make_topic: Callable[[int], str],
    source: str,
    group: str,
    transactional_id: str,
    between: Callable[[], None],
) -> None:
    topic = make_topic(1)
    reader = client()
    for offset, commit, expected in [(1, True, 1), (2, False, 1), (3, True, 3)]:
        # librdkafka 2.16.1 waits for ever for a group's coordinator that it knew before the broker was killed: it keeps
        # the handle that it gave up when no broker was there. So each round has a producer of its own.
        producer = client()
        producer.begin(transactional_id, group=group, source=source)
        producer.send(topic, [str(offset)])
        producer.send_offset(source, offset, group)
        if offset == 2:
            between()
        producer.end(commit=commit)
        assert reader.committed_offset(source, group) == expected
    assert reader.values(topic, 2, "read_committed") == ["1", "3"]


@pytest.mark.needs("transactional_offsets")
def test_a_transaction_of_offsets_alone(
    client: Callable[[], Transactional], source: str, group: str, transactional_id: str
) -> None:
    reader = client()
    for offset, commit, expected in [(1, True, 1), (2, False, 1), (3, True, 3)]:
        producer = client()
        producer.begin(transactional_id, group=group, source=source)
        producer.send_offset(source, offset, group)
        producer.end(commit=commit)
        assert reader.committed_offset(source, group) == expected


@pytest.mark.needs("transactions")
def test_a_second_producer_ends_the_first(
    client: Callable[[], Transactional], make_topic: Callable[[int], str], transactional_id: str
) -> None:
    topic = make_topic(1)
    first, second, reader = client(), client(), client()
    first.begin(transactional_id)
    first.send(topic, ["of the first"])
    second.begin(transactional_id)
    second.send(topic, ["of the second"])
    with pytest.raises((AssertionError, Refused), match=r"(?i)fenced|epoch|error 90"):
        first.end(commit=True)
    second.end(commit=True)
    assert reader.values(topic, 1, "read_committed") == ["of the second"]


@pytest.mark.needs("transactions")
def test_a_producer_that_died_is_replaced(
    client: Callable[[], Transactional], make_topic: Callable[[int], str], transactional_id: str
) -> None:
    topic = make_topic(1)
    first, second, reader = client(), client(), client()
    first.begin(transactional_id)
    first.send(topic, ["lost"])
    first.kill()
    second.begin(transactional_id)
    second.send(topic, ["kept"])
    second.end(commit=True)
    assert reader.values(topic, 1, "read_committed") == ["kept"]
    assert reader.values(topic, 2, "read_uncommitted") == ["lost", "kept"]


@pytest.mark.needs("read_committed")
def test_several_aborted_transactions_in_one_fetch(
    asked: AskedClient,
    lend: Callable[[Environment], ClientProcess],
    make_topic: Callable[[int], str],
    transactional_id: str,
) -> None:
    topic = make_topic(1)
    writer = lend(WRITER)
    for number, commit in enumerate([False, True, False, False, True]):
        writer.begin(transactional_id)
        writer.send(topic, [str(number)])
        writer.end(commit=commit)
    assert asked.values(topic, 2, "read_committed") == ["1", "4"]
    assert asked.values(topic, 5, "read_uncommitted") == ["0", "1", "2", "3", "4"]
