"""Topics, settings and records under the administration of clients of other languages."""

import pytest

from asked_client import AskedClient, Refused
from test_records import TIMESTAMP, at, records

TOPIC_ALREADY_EXISTS = 36
UNKNOWN_TOPIC_OR_PARTITION = 3
INVALID_CONFIG = 40
OFFSET_OUT_OF_RANGE = 1


def test_topics_are_made_listed_and_deleted(asked: AskedClient, new_topic: str) -> None:
    asked.create_topic(new_topic, 3)
    assert new_topic in asked.topics()
    assert asked.offsets(new_topic) == {0: (0, 0), 1: (0, 0), 2: (0, 0)}

    with pytest.raises(Refused) as refused:
        asked.create_topic(new_topic, 3)
    assert refused.value.code == TOPIC_ALREADY_EXISTS

    asked.delete_topic(new_topic)
    assert new_topic not in asked.topics()
    with pytest.raises(Refused) as refused:
        asked.delete_topic(new_topic)
    assert refused.value.code == UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.needs("add_partitions")
def test_a_topic_gets_more_partitions(asked: AskedClient, new_topic: str) -> None:
    asked.create_topic(new_topic, 1)

    asked.add_partitions(new_topic, 3)

    assert asked.offsets(new_topic) == {0: (0, 0), 1: (0, 0), 2: (0, 0)}
    assert asked.produce(new_topic, records(3, partition=2)) == [(2, 0), (2, 1), (2, 2)]


@pytest.mark.needs("describe_configs")
def test_settings_are_described_and_altered(asked: AskedClient, new_topic: str) -> None:
    asked.create_topic(new_topic, configs={"retention.ms": "3600000"})
    before = asked.describe_configs(new_topic)
    assert (before["retention.ms"], before["cleanup.policy"], before["segment.bytes"]) == (
        "3600000",
        "delete",
        "1073741824",
    )

    asked.alter_configs(new_topic, {"retention.ms": "7200000", "cleanup.policy": "compact,delete"})

    after = asked.describe_configs(new_topic)
    assert (after["retention.ms"], after["cleanup.policy"]) == ("7200000", "compact,delete")


@pytest.mark.needs("config_errors")
def test_a_setting_that_is_wrong_is_refused(asked: AskedClient, new_topic: str) -> None:
    asked.create_topic(new_topic)

    with pytest.raises(Refused) as refused:
        asked.alter_configs(new_topic, {"retention.ms": "soon"})
    assert refused.value.code == INVALID_CONFIG


@pytest.mark.needs("delete_records")
def test_records_are_deleted(asked: AskedClient, new_topic: str) -> None:
    sent = records(10)
    asked.create_topic(new_topic)
    asked.produce(new_topic, sent)

    asked.delete_records(new_topic, 0, 4)

    assert asked.offsets(new_topic) == {0: (4, 10)}
    assert asked.read(new_topic, 0, 6) == at(sent)[4:]
    assert asked.read(new_topic, 0, 1, timestamp=TIMESTAMP) == at(sent)[4:5]
    with pytest.raises(Refused) as refused:
        asked.delete_records(new_topic, 0, 11)
    assert refused.value.code == OFFSET_OUT_OF_RANGE
