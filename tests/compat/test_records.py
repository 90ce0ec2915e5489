"""What clients of other languages write and read."""

import pytest

from asked_client import AskedClient, Record, Refused
from broker_process import BrokerProcess, ForeignBroker

TIMESTAMP = 1_700_000_000_000
CODECS = {None: 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MESSAGE_TOO_LARGE = 10
UNKNOWN_TOPIC = {3, 100}  # by name, or by the id that the client knows no more


def records(count: int, *, size: int = 20, partition: int = 0) -> list[Record]:
    """Records of all kinds: with a key and without, with headers and without, a tombstone, and each second of time."""
    made = [
        {
            "partition": partition,
            "key": None if number % 5 == 1 else f"key-{number}",
            "value": f"value {number} " * size,
            "headers": [] if number % 3 == 1 else [["trace", f"id-{number}"], ["empty", ""]],
            "timestamp": TIMESTAMP + 1000 * number,
        }
        for number in range(count)
    ]
    made[2]["value"] = None
    return made


def at(sent: list[Record], first: int = 0) -> list[Record]:
    """The records as a reader should see them, the first having that offset."""
    return [{**record, "offset": first + number} for number, record in enumerate(sent)]


def attributes(stored: bytes) -> list[int]:
    """The attributes of each v2 batch of a log: length at 8, attributes at 21."""
    found, position = [], 0
    while position < len(stored):
        found.append(int.from_bytes(stored[position + 21 : position + 23]))
        position += 12 + int.from_bytes(stored[position + 8 : position + 12])
    return found


def producer_ids(stored: bytes) -> set[int]:
    """The producer ids of a log's batches: a signed long at 43."""
    found, position = set(), 0
    while position < len(stored):
        found.add(int.from_bytes(stored[position + 43 : position + 51], signed=True))
        position += 12 + int.from_bytes(stored[position + 8 : position + 12])
    return found


@pytest.mark.parametrize(
    "codec",
    [
        None,
        pytest.param("gzip", marks=pytest.mark.needs("gzip")),
        pytest.param("snappy", marks=pytest.mark.needs("snappy")),
        pytest.param("lz4", marks=pytest.mark.needs("lz4")),
        pytest.param("zstd", marks=pytest.mark.needs("zstd")),
    ],
)
def test_records_come_back_as_they_were_sent(
    asked: AskedClient, broker: BrokerProcess | ForeignBroker, new_topic: str, codec: str | None
) -> None:
    sent = records(50)
    asked.create_topic(new_topic)

    acks = asked.produce(new_topic, sent, compression=codec)

    assert acks == [(0, offset) for offset in range(50)]
    assert asked.read(new_topic, 0, 50) == at(sent)
    if isinstance(broker, BrokerProcess):
        assert {one & 7 for one in attributes(broker.stored(new_topic, 0))} == {CODECS[codec]}


def test_reading_starts_where_it_was_asked_to(asked: AskedClient, new_topic: str) -> None:
    sent = records(30, partition=1)
    asked.create_topic(new_topic, 2)
    asked.produce(new_topic, sent)

    assert asked.read(new_topic, 1, 3, offset=20) == at(sent)[20:23]
    assert asked.read(new_topic, 1, 3, timestamp=TIMESTAMP + 1000 * 15 - 1) == at(sent)[15:18]
    assert asked.offsets(new_topic) == {0: (0, 0), 1: (0, 30)}


def test_a_large_record(asked: AskedClient, new_topic: str) -> None:
    sent = [{**records(3)[0], "value": "large " * 700_000}]
    asked.create_topic(new_topic, configs={"max.message.bytes": "10000000"})

    asked.produce(new_topic, sent)

    assert asked.read(new_topic, 0, 1) == at(sent)


@pytest.mark.needs("idempotent")
def test_an_idempotent_producer(asked: AskedClient, broker: BrokerProcess | ForeignBroker, new_topic: str) -> None:
    asked.create_topic(new_topic)

    acks = [asked.produce(new_topic, records(5), idempotent=True) for _ in range(3)]

    assert acks == [[(0, first + offset) for offset in range(5)] for first in (0, 5, 10)]
    assert asked.read(new_topic, 0, 15) == [record for first in (0, 5, 10) for record in at(records(5), first)]
    if isinstance(broker, BrokerProcess):
        [producer_id] = producer_ids(broker.stored(new_topic, 0))
        assert producer_id >= 0


def test_a_record_that_is_larger_than_the_topic_takes(asked: AskedClient, new_topic: str) -> None:
    asked.create_topic(new_topic, configs={"max.message.bytes": "1000"})

    with pytest.raises(Refused) as refused:
        asked.produce(new_topic, [{**records(3)[0], "value": "large " * 1000}])

    assert refused.value.code == MESSAGE_TOO_LARGE
    assert asked.produce(new_topic, [{**records(3)[0], "value": "small"}]) == [(0, 0)]


@pytest.mark.needs("unknown_topic")
def test_a_topic_that_is_not_there(asked: AskedClient, new_topic: str) -> None:
    with pytest.raises(Refused) as refused:
        asked.read(new_topic, 0, 1, offset=0)

    assert refused.value.code in UNKNOWN_TOPIC
    assert new_topic not in asked.topics()
