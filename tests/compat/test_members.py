"""Groups whose members are clients of other languages."""

from collections.abc import Callable

import pytest

from asked_client import AskedClient, Record, Refused

NON_EMPTY_GROUP = 68


NEW = pytest.param("consumer", marks=pytest.mark.needs("consumer_protocol"))
DESCRIBED = pytest.param("consumer", marks=pytest.mark.needs("consumer_protocol", "describe_consumer_group"))
PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", NEW])


def numbered(numbers: range, partitions: int) -> list[Record]:
    """Records over partitions in turn, each saying its number."""
    return [
        {"partition": number % partitions, "key": None, "value": str(number), "headers": [], "timestamp": None}
        for number in numbers
    ]


def values(records: list[Record]) -> list[int]:
    return sorted(int(record["value"]) for record in records)


def lag(asked: AskedClient, group: str, topic: str) -> int:
    committed = asked.committed(group, topic)
    return sum(end - committed.get(partition, start) for partition, (start, end) in asked.offsets(topic).items())


@PROTOCOLS
def test_two_members_have_half_of_the_partitions_each_and_one_takes_over(
    asked: AskedClient, new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 4)
    asked.join("a", group, new_topic, protocol)
    assert asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4) == [0, 1, 2, 3]

    asked.join("b", group, new_topic, protocol)
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 2)
    asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2)

    asked.leave("b")
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4)
    asked.produce(new_topic, numbered(range(20), 4))
    assert values(asked.wait_for_records("a", 20)) == list(range(20))
    assert asked.committed(group, new_topic) == {0: 5, 1: 5, 2: 5, 3: 5}


@PROTOCOLS
@pytest.mark.needs("clean_handover")
def test_every_record_is_read_once_while_members_come_and_go(
    asked: AskedClient, new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 4)
    asked.join("a", group, new_topic, protocol)
    asked.produce(new_topic, numbered(range(8), 4))
    assert values(asked.wait_for_records("a", 8)) == list(range(8))

    asked.join("b", group, new_topic, protocol)
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 2)
    asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2)
    asked.produce(new_topic, numbered(range(8, 28), 4))
    by_a, by_b = asked.wait_for_records("a", 10), asked.wait_for_records("b", 10)
    of_a, of_b = ({record["partition"] for record in records} for records in (by_a, by_b))
    assert (len(of_a), len(of_b), of_a | of_b) == (2, 2, {0, 1, 2, 3})
    assert values(by_a + by_b) == list(range(8, 28))

    asked.leave("b")
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4)
    asked.produce(new_topic, numbered(range(28, 48), 4))
    assert values(asked.wait_for_records("a", 20)) == list(range(28, 48))
    assert lag(asked, group, new_topic) == 0
    assert asked.unread_records() == []


@PROTOCOLS
def test_a_group_goes_on_where_it_was(
    asked: AskedClient, again: Callable[[], AskedClient], new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 2)
    asked.produce(new_topic, numbered(range(10), 2))
    asked.join("a", group, new_topic, protocol)
    assert values(asked.wait_for_records("a", 10)) == list(range(10))
    asked.leave("a")
    asked.produce(new_topic, numbered(range(10, 16), 2))
    assert asked.committed(group, new_topic) == {0: 5, 1: 5}
    assert lag(asked, group, new_topic) == 6

    restarted = again()
    restarted.join("a", group, new_topic, protocol)

    assert values(restarted.wait_for_records("a", 6)) == list(range(10, 16))
    assert lag(restarted, group, new_topic) == 0
    restarted.leave("a")
    assert restarted.unread_records() == []


@PROTOCOLS
@pytest.mark.needs("outlives_broker")
def test_a_member_outlives_the_broker(
    asked: AskedClient, restart: Callable[[str], None], new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 2)
    asked.join("a", group, new_topic, protocol)
    asked.produce(new_topic, numbered(range(10), 2))
    assert values(asked.wait_for_records("a", 10)) == list(range(10))

    restart("killed")

    asked.produce(new_topic, numbered(range(10, 20), 2))
    assert values(asked.wait_for_records("a", 10)) == list(range(10, 20))
    assert asked.committed(group, new_topic) == {0: 10, 1: 10}


@pytest.mark.parametrize("protocol", ["classic", DESCRIBED])
@pytest.mark.needs("describe_group")
def test_groups_are_listed_described_and_deleted(asked: AskedClient, new_topic: str, group: str, protocol: str) -> None:
    asked.create_topic(new_topic, 4)
    asked.join("a", group, new_topic, protocol)
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4)
    asked.join("b", group, new_topic, protocol)
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 2)
    asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2)
    asked.produce(new_topic, numbered(range(4), 4))
    asked.wait_for_records("a", 2)
    asked.wait_for_records("b", 2)

    assert group in asked.groups()
    state, [(client_id, of_one), (_, of_other)] = asked.describe_group(group, protocol)
    assert (state.lower(), len(of_one), len(of_other)) == ("stable", 2, 2)
    assert sorted(of_one + of_other) == [0, 1, 2, 3]
    assert client_id
    with pytest.raises(Refused) as refused:
        asked.delete_group(group)
    assert refused.value.code == NON_EMPTY_GROUP

    asked.leave("a")
    asked.leave("b")
    state, members = asked.describe_group(group, protocol)
    assert (state.lower(), members) == ("empty", [])
    asked.delete_group(group)
    assert group not in asked.groups()
