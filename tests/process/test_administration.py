"""The cluster's administration through kafka-python's own admin client, with the broker killed in between."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

with warnings.catch_warnings():
    # kafka-python reads its schemas, when it is imported, in a way that Python 3.11 and 3.12 call deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import TopicPartition
    from kafka.admin import (
        ConfigResource,
        ConfigResourceType,
        KafkaAdminClient,
        ScramMechanism,
        UserScramCredentialDeletion,
        UserScramCredentialUpsertion,
    )
    from kafka.errors import ElectionNotNeededError, InvalidUpdateVersionError

T0 = TopicPartition("t", 0)
ELR = "eligible.leader.replicas.version"


@contextmanager
def admin_of(broker: Any) -> Iterator[Any]:
    with closing(KafkaAdminClient(bootstrap_servers=f"localhost:{broker.port}")) as admin:
        yield admin


def finalized(admin: Any) -> dict[str, tuple[int, int]]:
    found = admin.describe_features()
    return {name: levels["finalized"] for name, levels in found.items() if "finalized" in levels}


def test_features_outlive_a_kill(broker: Any) -> None:
    broker.start()
    with admin_of(broker) as admin:
        assert finalized(admin).items() >= {"metadata.version": (30, 30), "kraft.version": (1, 1)}.items()
        admin.update_features({ELR: 1})
        with pytest.raises(InvalidUpdateVersionError):
            admin.update_features({ELR: 9})
    broker.kill()
    broker.start()
    with admin_of(broker) as admin:
        assert finalized(admin)[ELR] == (1, 1)


def test_credentials_outlive_a_kill(broker: Any) -> None:
    broker.start()
    mechanism = ScramMechanism.SCRAM_SHA_256
    with admin_of(broker) as admin:
        made = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("alice", mechanism, "secret", iterations=5000)]
        )
        assert made == {"alice": None}
    broker.kill()
    broker.start()
    with admin_of(broker) as admin:
        [credential] = admin.describe_user_scram_credentials(["alice"])["alice"]["credential_infos"]
        assert (credential["mechanism"], credential["iterations"]) == (mechanism, 5000)
        assert admin.alter_user_scram_credentials([UserScramCredentialDeletion("alice", mechanism)]) == {"alice": None}
        assert admin.describe_user_scram_credentials() == {}


def test_what_there_is_to_configure(broker: Any) -> None:
    broker.start().client().create("t")
    with admin_of(broker) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.CLIENT_METRICS, "m", configs={"interval.ms": "5000"})])
        found = {kind.lower(): names for kind, names in admin.list_config_resources().items()}
    assert (found["topic"], found["broker"], found["client_metrics"]) == (["t"], ["1"], ["m"])


def test_partitions_and_their_leaders(broker: Any) -> None:
    broker.start().client().create("t")
    with admin_of(broker) as admin:
        assert admin.alter_partition_reassignments({T0: [1]}) == {T0: None}
        assert admin.list_partition_reassignments() == {}
        [elected] = admin.elect_leaders(0, {"t": [0]}).replica_election_results
        assert elected.partition_result[0].error_code == ElectionNotNeededError.errno
        [topic] = admin.describe_metadata_quorum()["topics"]
        assert topic["partitions"][0]["leader_id"] == 1
