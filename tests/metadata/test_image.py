"""Replay: what the image is after each record, what it tells, and what it refuses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata.changes import BrokerChanged, ConfigChanged, FeatureChanged, PartitionChanged
from kafkapy.metadata.image import BROKER_RESOURCE, ClusterImage
from kafkapy.metadata.partitions import MIGRATING_DIRECTORY, ReplayError
from kafkapy.metadata.snapshot import records_of
from kafkapy.protocol.records import metadata as m

TOPIC = UUID(int=1 << 80)


def image_with_topic() -> ClusterImage:
    image = ClusterImage("cluster")
    image.replay(m.TopicRecord("a", TOPIC))
    for partition in range(2):
        image.replay(partition_record(partition))
    return image


def partition_record(partition: int, **fields: Any) -> m.PartitionRecord:
    said = {"replicas": [1, 2], "isr": [1, 2], "leader": 1, "leader_epoch": 0, "partition_epoch": 0} | fields
    return m.PartitionRecord(partition_id=partition, topic_id=TOPIC, **said)


def test_a_change_that_names_a_leader_raises_both_epochs() -> None:
    image = image_with_topic()
    (change,) = image.replay(m.PartitionChangeRecord(partition_id=1, topic_id=TOPIC, leader=2, isr=[2]))
    assert isinstance(change, PartitionChanged)
    assert (change.before.leader, change.after.leader) == (1, 2)
    state = image.partition("a", 1)
    assert state is not None
    assert (state.isr, state.leader_epoch, state.partition_epoch) == ((2,), 1, 1)


def test_a_change_without_a_leader_raises_the_partition_epoch_alone() -> None:
    image = image_with_topic()
    image.replay(m.PartitionChangeRecord(partition_id=0, topic_id=TOPIC, isr=[1]))
    state = image.partition("a", 0)
    assert state is not None
    assert (state.leader, state.leader_epoch, state.partition_epoch) == (1, 0, 1)


def test_partitions_from_before_directories_have_one_each() -> None:
    state = image_with_topic().partition("a", 0)
    assert state is not None
    assert state.directories == (MIGRATING_DIRECTORY, MIGRATING_DIRECTORY)
    with pytest.raises(ReplayError, match="2 replicas and 1 directories"):
        image_with_topic().replay(partition_record(0, directories=[UUID(int=5)]))


def test_partitions_are_in_order_whatever_order_they_came_in() -> None:
    image = ClusterImage()
    image.replay(m.TopicRecord("a", TOPIC))
    for partition in (2, 0, 1):
        image.replay(partition_record(partition))
    topic = image.topic("a")
    assert topic is not None
    assert [state.partition for state in topic.partitions] == [0, 1, 2]
    assert topic.partition(3) is None
    assert topic.partition(-1) is None


def test_what_was_read_stays_as_it_was() -> None:
    image = image_with_topic()
    held = image.topic("a")
    assert held is not None
    image.replay(m.PartitionChangeRecord(partition_id=0, topic_id=TOPIC, leader=2))
    assert held.partitions[0].leader == 1


def test_nothing_of_a_transaction_shows_before_its_end() -> None:
    image = ClusterImage()
    assert image.replay(m.BeginTransactionRecord("several")) == []
    assert image.replay(m.FeatureLevelRecord("metadata.version", 30)) == []
    assert image.features == {}
    assert image.replay(m.EndTransactionRecord()) == [FeatureChanged("metadata.version", 30)]
    assert image.features == {"metadata.version": 30}


def test_an_aborted_transaction_leaves_nothing() -> None:
    image = ClusterImage()
    image.replay(m.BeginTransactionRecord())
    image.replay(m.TopicRecord("a", TOPIC))
    assert image.replay(m.AbortTransactionRecord()) == []
    assert image.topics() == []


def test_a_setting_comes_and_goes() -> None:
    image = ClusterImage()
    (change,) = image.replay(m.ConfigRecord(BROKER_RESOURCE, "", "min.insync.replicas", "1"))
    assert change == ConfigChanged(BROKER_RESOURCE, "", "min.insync.replicas", "1")
    assert image.configs(BROKER_RESOURCE, "") == {"min.insync.replicas": "1"}
    image.replay(m.ConfigRecord(BROKER_RESOURCE, "", "min.insync.replicas", None))
    assert image.configs(BROKER_RESOURCE, "") == {}
    assert image.configured_resources() == []


def test_a_broker_comes_changes_and_goes() -> None:
    image = ClusterImage()
    image.replay(m.RegisterBrokerRecord(broker_id=1, broker_epoch=5, end_points=[m.BrokerEndpoint("P", "h", 9092, 0)]))
    assert not image.is_active(1)
    image.replay(m.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=5, fenced=-1))
    assert image.is_active(1)
    image.replay(m.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=5, in_controlled_shutdown=1))
    assert not image.is_active(1)
    broker = image.broker(1)
    assert broker is not None
    assert broker.endpoint("P") == ("P", "h", 9092, 0)
    assert image.replay(m.UnregisterBrokerRecord(1, 5)) == [BrokerChanged(broker, None)]
    assert image.brokers() == ()


def test_what_is_not_served_yet_is_kept_until_it_is_removed() -> None:
    image = ClusterImage()
    acl = m.AccessControlEntryRecord(id=UUID(int=9), resource_name="a")
    token = m.DelegationTokenRecord(token_id="t")
    for record in (acl, token):
        image.replay(record)
    assert image.kept.records() == [acl, token]
    image.replay(m.RemoveAccessControlEntryRecord(UUID(int=9)))
    image.replay(m.RemoveDelegationTokenRecord("t"))
    assert image.kept.records() == []


def test_a_snapshot_has_the_quotas_and_the_credentials() -> None:
    image = ClusterImage()
    scram = m.UserScramCredentialRecord(name="u", mechanism=1)
    quota = m.ClientQuotaRecord(entity=[m.EntityData("user", "u")], key="producer_byte_rate", value=1.0, remove=False)
    for record in (scram, quota):
        image.replay(record)
    assert list(records_of(image)) == [quota, scram]
    image.replay(m.RemoveUserScramCredentialRecord("u", 1))
    image.replay(m.ClientQuotaRecord(entity=[m.EntityData("user", "u")], key="producer_byte_rate", remove=True))
    assert list(records_of(image)) == []


def test_eligible_leaders_are_cleared() -> None:
    image = image_with_topic()
    image.replay(m.PartitionChangeRecord(partition_id=0, topic_id=TOPIC, isr=[], eligible_leader_replicas=[2]))
    (change,) = image.replay(m.ClearElrRecord(""))
    assert isinstance(change, PartitionChanged)
    assert (change.before.elr, change.after.elr) == ((2,), ())


@pytest.mark.parametrize(
    "record",
    [
        m.TopicRecord("a", UUID(int=5)),
        m.TopicRecord("b", TOPIC),
        m.RemoveTopicRecord(UUID(int=5)),
        m.PartitionRecord(topic_id=UUID(int=5)),
        m.PartitionChangeRecord(partition_id=7, topic_id=TOPIC),
        m.BrokerRegistrationChangeRecord(broker_id=3, broker_epoch=1),
        m.UnfenceBrokerRecord(3, 1),
        m.UnregisterBrokerRecord(3, 1),
        m.ProducerIdsRecord(1, 1, 0),
        m.ClearElrRecord("none"),
        m.EndTransactionRecord(),
        m.BrokerEndpoint(),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_that_does_not_fit_is_refused(record: Any) -> None:
    with pytest.raises(ReplayError):
        image_with_topic().replay(record)


def test_a_change_of_an_earlier_registration_is_refused() -> None:
    image = ClusterImage()
    image.replay(m.RegisterBrokerRecord(broker_id=1, broker_epoch=5))
    with pytest.raises(ReplayError, match="epoch 4"):
        image.replay(m.FenceBrokerRecord(1, 4))
