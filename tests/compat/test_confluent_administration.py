"""Brokers, leaders and credentials under confluent-kafka's admin client, which is librdkafka's."""

import json
import subprocess
from typing import Any

import pytest

from environments import ENVIRONMENTS

LIBRDKAFKA = next(one for one in ENVIRONMENTS if one.script == "confluent_kafka")
LIMIT_S = 60
DYNAMIC_TOPIC, DYNAMIC_BROKER, DEFAULT = 1, 2, 5


@pytest.fixture(scope="module")
def told(broker: Any) -> Any:
    """What one run of the script was told, by what it had asked for."""
    python, script, bootstrap = LIBRDKAFKA.command(broker.bootstrap)
    administration = script.replace("client.py", "administration.py")
    command = [python, administration, bootstrap, "confluent-administration", "confluent-user"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_brokers_setting_is_its_topics_at_once(told: Any) -> None:
    value, source, synonyms = told["broker"]["message.max.bytes"]
    assert (told["set"], value, source, synonyms) == ("NO_ERROR", "2345678", DYNAMIC_BROKER, ["message.max.bytes"])
    assert told["topic"]["max.message.bytes"][:2] == ["2345678", DYNAMIC_BROKER]
    assert told["deleted"] == "NO_ERROR"
    assert told["read only"] == "INVALID_REQUEST"


def test_elections(told: Any) -> None:
    assert told["elected"] == {"0": "ELECTION_NOT_NEEDED", "7": "UNKNOWN_TOPIC_OR_PART"}


def test_credentials(told: Any) -> None:
    assert (told["upserted"], told["removed"], told["removed again"]) == ("NO_ERROR", "NO_ERROR", "RESOURCE_NOT_FOUND")
    assert told["credentials"] == [["SCRAM_SHA_512", 6000]]


def test_the_cluster(told: Any) -> None:
    assert (told["cluster"]["controller"], told["cluster"]["nodes"]) == (1, [1])
    assert told["cluster"]["operations"] == [
        "ALTER",
        "ALTER_CONFIGS",
        "CLUSTER_ACTION",
        "CREATE",
        "DESCRIBE",
        "DESCRIBE_CONFIGS",
        "IDEMPOTENT_WRITE",
    ]
