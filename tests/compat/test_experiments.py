"""The document's three experiments, by every client, with the broker running on or killed between the steps."""

from collections.abc import Callable
from typing import Any

import pytest

from client_process import ClientProcess
from seed import EXPERIMENT_1, EXPERIMENT_2, EXPERIMENT_3, PARTITION_OF_KEY, Printed, expected, messages

Client = Callable[[], ClientProcess]


def check(records: list[dict[str, Any]], rows: tuple[Printed, ...], topic: str, reader: ClientProcess) -> None:
    """Each row of the document is among the records, field by field."""
    found = {(record["partition"], record["offset"]): record for record in records}
    shows_checksum = reader.environment.shows_checksum
    for row in rows:
        record = found[row.partition, row.offset]
        if not shows_checksum:
            record = {**record, "checksum": None}
        assert record == expected(row, topic, checksum=shows_checksum)


def test_a_consumer_without_group_prints_every_record(client: Client, make_topic: Callable[[int], str]) -> None:
    topic = make_topic(1)
    producer, consumer = client(), client()
    consumer.consume(topic)
    assert consumer.wait_for_partitions(0) == {0: 0}

    producer.produce(topic, messages(range(125), EXPERIMENT_1))
    acks = producer.produce(topic, messages(range(125, 130), EXPERIMENT_1), flush_each=True)

    assert acks == [(0, offset) for offset in range(125, 130)]
    records = consumer.wait_for_records(130)
    assert [(record["offset"], record["key"], record["value"]) for record in records] == [
        (number, str(number), str(number)) for number in range(130)
    ]
    check(records, EXPERIMENT_1, topic, consumer)


def test_keys_choose_their_partitions(
    client: Client, make_topic: Callable[[int], str], between: Callable[[], None]
) -> None:
    topic = make_topic(2)
    one = client()
    one.produce(topic, messages(range(100, 111), EXPERIMENT_2, partition=0))
    one.produce(topic, messages(range(100, 106), EXPERIMENT_2, partition=1))
    between()

    acks = one.produce(
        topic,
        [message for message in messages(range(13, 23), EXPERIMENT_2) if message["key"] in PARTITION_OF_KEY],
        flush_each=True,
    )

    assert {key: partition for key, (partition, _) in zip(PARTITION_OF_KEY, acks, strict=True)} == PARTITION_OF_KEY
    between()
    one.consume(topic, offset_reset="earliest")
    records = one.wait_for_records(17 + 9)
    assert [(record["key"], record["partition"]) for record in records if record["offset"] < 6] == [
        (str(100 + record["offset"]), record["partition"]) for record in records if record["offset"] < 6
    ]
    check(records, EXPERIMENT_2, topic, one)


@pytest.mark.parametrize("leaving", ["closed", "killed"])
def test_a_group_survives_a_member(
    client: Client, make_topic: Callable[[int], str], group: str, between: Any, leaving: str
) -> None:
    topic = make_topic(2)
    first, second, producer = client(), client(), client()
    # Closing commits by itself what was read. Of a killed member only what it had committed before counts; and so it
    # does of one that may be closed before it has found its coordinator again, for which old clients do not wait.
    commits = leaving == "killed" or between.kills

    def send(numbers: range, *partitions: int) -> None:
        for partition in partitions:
            producer.produce(topic, messages(numbers, EXPERIMENT_2, partition=partition))

    def join(member: ClientProcess) -> None:
        member.consume(topic, group=group, offset_reset="earliest", auto_commit=not commits, commit=commits)

    send(range(5), 0, 1)
    join(first)
    assert first.wait_for_partitions(0, 1) == {0: 0, 1: 0}
    first.wait_for_records(10)
    join(second)
    mine = first.wait_for("assigned", lambda event: len(event["positions"]) == 1)["positions"]
    other = second.wait_for("assigned", lambda event: len(event["positions"]) == 1)["positions"]
    assert {**mine, **other} == {"0": 5, "1": 5}

    between()
    ((kept, _),) = mine.items()
    ((left, _),) = other.items()
    send(range(5, 8), 0, 1)
    for member in (first, second):
        assert [record["offset"] for record in member.wait_for_records(3)] == [5, 6, 7]
    if commits:
        second.wait_for("committed", lambda event: event["offset"] == 8)
        first.wait_for("committed", lambda event: event["offset"] == 8)
    if leaving == "killed":
        second.kill()
    else:
        second.close_consumer()
    send(range(8, 10), int(left))

    assert first.wait_for_partitions(0, 1) == {int(kept): 8, int(left): 8}
    assert [(record["partition"], record["offset"]) for record in first.wait_for_records(2)] == [
        (int(left), 8),
        (int(left), 9),
    ]
    send(range(8, 10), int(kept))
    assert [(record["partition"], record["offset"]) for record in first.wait_for_records(2)] == [
        (int(kept), 8),
        (int(kept), 9),
    ]


def test_positions_and_commits(
    client: Client, make_topic: Callable[[int], str], group: str, between: Callable[[], None]
) -> None:
    topic = make_topic(1)
    one = client()

    def start(*, commit: bool = False, until: int | None = None) -> dict[int, int]:
        one.consume(
            topic,
            group=group,
            assign=[0],
            offset_reset="earliest",
            auto_commit=False,
            commit=commit,
            until=until,
        )
        return one.wait_for_partitions(0)

    one.produce(topic, messages(range(835), EXPERIMENT_3))
    for _ in range(2):
        between()
        assert start() == {0: 0}
        records = one.wait_for_records(100)
        assert [record["offset"] for record in records] == list(range(100))
        check(records, EXPERIMENT_3[:1], topic, one)
        one.close_consumer()

    assert start(commit=True, until=829) == {0: 0}
    one.wait_for("committed", lambda event: event["offset"] == 830)
    one.wait_for("stopped")
    one.kill()

    between()
    one = client()
    assert start() == {0: 830}
    check(one.wait_for_records(5), EXPERIMENT_3[1:], topic, one)
