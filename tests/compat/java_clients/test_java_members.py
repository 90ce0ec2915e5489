"""What members of the Java client can be besides: static, cooperative, and of the new protocol."""

import pytest

from asked_client import AskedClient
from test_members import PROTOCOLS, numbered, values
from toolchains import JAVA_ASKED, Client

COOPERATIVE = {"partition.assignment.strategy": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"}


@pytest.fixture(params=[one for one in JAVA_ASKED if "Newer" in one.parts], ids=lambda client: client.name)
def other(request: pytest.FixtureRequest) -> Client:
    """The releases that have such members: from 2.4 on."""
    client: Client = request.param
    return client


@PROTOCOLS
def test_a_static_member_comes_back_to_its_partitions(
    asked: AskedClient, new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 4)
    asked.join("a", group, new_topic, protocol, settings={"group.instance.id": "one"})
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4)
    asked.join("b", group, new_topic, protocol, settings={"group.instance.id": "two"})
    of_one = asked.wait_for_partitions("a", lambda partitions: len(partitions) == 2)
    of_two = asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2)

    # Nobody else gets its partitions while it is away.
    asked.leave("b")
    asked.join("b", group, new_topic, protocol, settings={"group.instance.id": "two"})

    assert asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2) == of_two
    asked.produce(new_topic, numbered(range(8), 4))
    assert values(asked.wait_for_records("a", 4) + asked.wait_for_records("b", 4)) == list(range(8))
    assert sorted(of_one + of_two) == [0, 1, 2, 3]
    assert asked.unread("assigned") == []
    assert [event["member"] for event in asked.unread("revoked")] == ["a", "b"]


@PROTOCOLS
def test_a_cooperative_member_gives_up_only_what_moves(
    asked: AskedClient, new_topic: str, group: str, protocol: str
) -> None:
    asked.create_topic(new_topic, 4)
    asked.produce(new_topic, numbered(range(8), 4))
    asked.join("a", group, new_topic, protocol, settings=COOPERATIVE)
    assert values(asked.wait_for_records("a", 8)) == list(range(8))

    asked.join("b", group, new_topic, protocol, settings=COOPERATIVE)
    moved = asked.wait_for_partitions("b", lambda partitions: len(partitions) == 2)
    kept = asked.wait_for_partitions("a", lambda partitions: len(partitions) == 2)
    assert asked.wait_for_revoked("a") == moved
    asked.produce(new_topic, numbered(range(8, 16), 4))
    by_a, by_b = asked.wait_for_records("a", 4), asked.wait_for_records("b", 4)
    assert {record["partition"] for record in by_a} == set(kept)
    assert values(by_a + by_b) == list(range(8, 16))

    asked.leave("b")
    asked.wait_for_partitions("a", lambda partitions: len(partitions) == 4)
    asked.produce(new_topic, numbered(range(16, 24), 4))
    assert values(asked.wait_for_records("a", 8)) == list(range(16, 24))
    assert asked.unread("revoked", "a") == []
