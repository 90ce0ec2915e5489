"""Records of every client in one log: each writes in the format of its time, and all read them all."""

from collections.abc import Callable

import pytest

from client_process import ClientProcess
from environments import ENVIRONMENTS
from seed import EXPERIMENT_1, EXPERIMENT_3, expected, messages

PER_WRITER = 20


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_every_client_reads_what_every_client_wrote(
    every_client: list[ClientProcess], make_topic: Callable[[int], str], codec: str | None
) -> None:
    topic = make_topic(1)
    # The oldest two know no zstd, neither to write nor to read.
    able = [one for one in every_client if codec is None or codec in one.environment.codecs]
    written = []
    for number, writer in enumerate(able):
        batch = messages(range(number * PER_WRITER, (number + 1) * PER_WRITER), EXPERIMENT_3)
        # Long and repetitive, so that compressing makes it smaller; clients send it plain otherwise.
        batch = [{**message, "value": message["value"] * 200} for message in batch]
        writer.produce(topic, batch, compression=codec)
        written += batch

    for reader in able:
        reader.consume(topic, offset_reset="earliest")
    for reader in able:
        shown = [
            (record["offset"], record["key"], record["value"], record["timestamp"], record["timestamp_type"])
            for record in reader.wait_for_records(len(written))
        ]
        assert shown == [
            (offset, message["key"], message["value"], message["timestamp"], 0)
            for offset, message in enumerate(written)
        ], f"read by {reader.environment.name}"


@pytest.mark.parametrize("writer", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_the_oldest_client_sees_the_documents_checksum_whoever_wrote(
    lend: Callable[..., ClientProcess], make_topic: Callable[[int], str], writer: object
) -> None:
    topic = make_topic(1)
    oldest, other = lend(ENVIRONMENTS[0]), lend(writer)
    other.produce(topic, messages(range(130), EXPERIMENT_1))

    oldest.consume(topic, offset_reset="earliest")

    records = oldest.wait_for_records(130)
    assert records[128:] == [expected(row, topic, checksum=True) for row in EXPERIMENT_1]
