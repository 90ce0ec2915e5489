"""Share groups (KIP-932) whose members are clients of other languages, or librdkafka's in Python."""

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from asked_client import AskedClient, Record, Refused
from broker_process import BrokerProcess, ForeignBroker
from client_process import LIMIT_S
from environments import ENVIRONMENTS
from test_members import NON_EMPTY_GROUP

LIBRDKAFKA = next(one for one in ENVIRONMENTS if one.script == "confluent_kafka")


def saying(*values: str) -> list[Record]:
    return [{"partition": 0, "key": None, "value": value, "headers": [], "timestamp": None} for value in values]


def values(records: list[Record]) -> list[str]:
    return sorted(record["value"] for record in records)


def wait_for_partitions(asked: AskedClient, group: str, wanted: list[list[int]]) -> None:
    """Members do not tell of their partitions: the broker is asked until they have them."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        state, members = asked.describe_group(group, "share")
        if state.lower() == "stable" and sorted(partitions for _, partitions in members) == wanted:
            return
        assert time.monotonic() < deadline, f"{group} is {state} with {members}, not {wanted}"


@pytest.mark.needs("share_groups")
def test_members_share_a_partition(asked: AskedClient, new_topic: str, group: str) -> None:
    asked.create_topic(new_topic)
    asked.produce(new_topic, saying("a", "release b", "reject c"))
    asked.join("one", group, new_topic, "share")
    assert values(asked.wait_for_records("one", 4)) == ["a", "reject c", "release b", "release b"]

    asked.join("other", group, new_topic, "share")
    wait_for_partitions(asked, group, [[0], [0]])
    for number in range(20):
        asked.produce(new_topic, saying(str(number)))
    assert values(asked.wait_for_records_of_any(20)) == sorted(str(number) for number in range(20))
    assert group in asked.groups()
    with pytest.raises(Refused) as refused:
        asked.delete_group(group)
    assert refused.value.code == NON_EMPTY_GROUP

    asked.leave("one")
    asked.produce(new_topic, saying("last"))
    assert values(asked.wait_for_records("other", 1)) == ["last"]
    asked.leave("other")
    assert asked.unread_records() == []
    asked.delete_group(group)
    assert group not in asked.groups()


@pytest.mark.needs("share_groups")
def test_a_share_group_outlives_the_broker(
    asked: AskedClient, restart: Callable[[str], None], new_topic: str, group: str
) -> None:
    asked.create_topic(new_topic)
    asked.produce(new_topic, saying("a", "b"))
    asked.join("one", group, new_topic, "share")
    assert values(asked.wait_for_records("one", 2)) == ["a", "b"]

    restart("killed")

    asked.produce(new_topic, saying("c"))
    assert values(asked.wait_for_records("one", 1)) == ["c"]
    asked.leave("one")
    assert asked.unread_records() == []


def test_members_of_librdkafka_share_a_partition(
    broker: BrokerProcess | ForeignBroker, make_topic: Callable[[int], str], group: str
) -> None:
    python, script, bootstrap = LIBRDKAFKA.command(broker.bootstrap)
    command = [python, script.replace("client.py", "sharing.py"), bootstrap, make_topic(1), group]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "alone": [["a", 1], ["reject c", 1], ["release b", 1], ["release b", 2]],
        "together": sorted([str(number), 1] for number in range(20)),
        "left": [["last", 1]],
    }
