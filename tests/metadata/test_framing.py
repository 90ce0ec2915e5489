"""The framing of metadata records, against values that Apache Kafka 4.3.1 wrote."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata import framing
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.records.metadata import METADATA_RECORDS

TOPIC = UUID("52b23510-0a27-461b-bc26-bb08a2020620")
DIRECTORY = UUID("140520c2-3f4b-8a33-61aa-6ba72660bbd9")

WRITTEN_BY_APACHE: list[tuple[str, Any]] = [
    ("01170001001212426f6f747374726170207265636f726473", m.BeginTransactionRecord("Bootstrap records")),
    ("010c00116d657461646174612e76657273696f6e001e00", m.FeatureLevelRecord("metadata.version", 30)),
    ("0104000401146d696e2e696e73796e632e7265706c69636173023100", m.ConfigRecord(4, "", "min.insync.replicas", "1")),
    ("01180000", m.EndTransactionRecord()),
    ("01140000", m.NoOpRecord()),
    (
        "01110000000001000000000000000b010001ff",
        m.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=11, fenced=-1),
    ),
    (
        "01110300000001000000000000000b01030101",
        m.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=11, cordoned_log_dirs=[]),
    ),
    ("01020006616c70686152b235100a27461bbc26bb08a202062000", m.TopicRecord("alpha", TOPIC)),
    (
        "0103020000000152b235100a27461bbc26bb08a2020620020000000102000000010101000000010000000000000000"
        "02140520c23f4b8a3361aa6ba72660bbd900",
        m.PartitionRecord(
            partition_id=1,
            topic_id=TOPIC,
            replicas=[1],
            isr=[1],
            leader=1,
            leader_epoch=0,
            partition_epoch=0,
            directories=[DIRECTORY],
        ),
    ),
    ("010900265c7509a51945e89fc34beb1fd0480000", m.RemoveTopicRecord(UUID("265c7509-a519-45e8-9fc3-4beb1fd04800"))),
]


@pytest.mark.parametrize(("hex_value", "message"), WRITTEN_BY_APACHE, ids=lambda item: type(item).__name__)
def test_a_record_is_the_same_bytes_as_apaches(hex_value: str, message: Any) -> None:
    assert framing.encode(message).hex() == hex_value
    assert framing.decode(bytes.fromhex(hex_value)) == message


@pytest.mark.parametrize("record_type", METADATA_RECORDS.values(), ids=lambda item: item.__name__)
def test_every_type_survives_its_framing(record_type: type[Any]) -> None:
    assert framing.decode(framing.encode(record_type())) == record_type()


def test_unknown_types_and_versions_are_refused() -> None:
    with pytest.raises(framing.FramingError, match="type 99"):
        framing.decode(bytes((1, 99, 0, 0)))
    with pytest.raises(framing.FramingError, match="TopicRecord version 7"):
        framing.decode(bytes((1, 2, 7, 0)))
    with pytest.raises(framing.FramingError, match="frame version 2"):
        framing.decode(bytes((2, 2, 0, 0)))


def test_mangled_values_are_refused() -> None:
    whole = framing.encode(m.TopicRecord("alpha", TOPIC))
    for size in range(len(whole)):
        with pytest.raises(framing.FramingError):
            framing.decode(whole[:size])
    with pytest.raises(framing.FramingError, match="1 bytes are left"):
        framing.decode(whole + b"\0")
    with pytest.raises(framing.FramingError):
        framing.decode(b"\xff" * 10)


def test_log_records_have_null_keys_and_count_from_zero() -> None:
    records = framing.to_records([m.NoOpRecord(), m.EndTransactionRecord()], now_ms=5)
    assert [(record.offset, record.timestamp, record.key) for record in records] == [(0, 5, None), (1, 5, None)]
