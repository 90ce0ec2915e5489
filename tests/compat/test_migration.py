"""Classic clients and one of the consumer group protocol in one group, which changes its protocol under them."""

from collections.abc import Callable

import pytest

from client_process import ClientProcess
from environments import ENVIRONMENTS, Environment
from seed import EXPERIMENT_2, messages

NEW = next(environment for environment in ENVIRONMENTS if "consumer" in environment.options)
CLASSIC = [environment for environment in ENVIRONMENTS if environment is not NEW]


@pytest.mark.parametrize("environment", CLASSIC, ids=lambda environment: environment.name)
def test_a_group_goes_there_and_back(
    lend: Callable[[Environment], ClientProcess],
    make_topic: Callable[[int], str],
    group: str,
    environment: Environment,
) -> None:
    topic = make_topic(2)
    classic, new, producer = lend(environment), lend(NEW), lend(NEW)

    def send(numbers: range) -> None:
        for partition in (0, 1):
            producer.produce(topic, messages(numbers, EXPERIMENT_2, partition=partition))

    def join(member: ClientProcess) -> None:
        member.consume(topic, group=group, offset_reset="earliest", auto_commit=False, commit=True)

    send(range(5))
    join(classic)
    assert classic.wait_for_partitions(0, 1) == {0: 0, 1: 0}
    for _ in range(10):
        classic.wait_for("committed")
    join(new)
    mine = classic.wait_for("assigned", lambda event: len(event["positions"]) == 1)["positions"]
    other = new.wait_for("assigned", lambda event: len(event["positions"]) == 1)["positions"]
    assert {**mine, **other} == {"0": 5, "1": 5}

    send(range(5, 8))
    for member in (classic, new):
        assert [record["offset"] for record in member.wait_for_records(3)] == [5, 6, 7]
    for member in (classic, new):
        member.wait_for("committed", lambda event: event["offset"] == 8)
    new.close_consumer()

    assert classic.wait_for_partitions(0, 1) == {0: 8, 1: 8}
    send(range(8, 10))
    assert sorted((record["partition"], record["offset"]) for record in classic.wait_for_records(4)) == [
        (0, 8),
        (0, 9),
        (1, 8),
        (1, 9),
    ]
