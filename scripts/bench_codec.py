"""How long the hot messages take to decode and encode, in microseconds, each at its newest version.

A table for a reader: the best of several rounds, beside the limit that kafkapy sets itself. Nothing fails here, since
a machine that is busy or slow says nothing about the code.
"""

from __future__ import annotations

import sys
import timeit
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

from kafkapy.protocol import decode, encode, encode_bytes  # from this tree, installed or not
from kafkapy.protocol.messages import fetch, heartbeat, metadata

PARTITIONS = 50
LARGE_LIMIT_US = 80
SMALL_LIMIT_US = 5
TOPIC_ID = UUID(int=0x1234_5678_9ABC_DEF0)


def fetch_request() -> fetch.FetchRequest:
    partitions = [
        fetch.FetchPartition(
            partition=index, current_leader_epoch=3, fetch_offset=1000 + index, partition_max_bytes=2**20
        )
        for index in range(PARTITIONS)
    ]
    return fetch.FetchRequest(max_wait_ms=500, min_bytes=1, topics=[fetch.FetchTopic("", TOPIC_ID, partitions)])


def fetch_response() -> fetch.FetchResponse:
    partitions = [
        fetch.PartitionData(partition_index=index, high_watermark=1000 + index, log_start_offset=0, records=b"x" * 70)
        for index in range(PARTITIONS)
    ]
    return fetch.FetchResponse(responses=[fetch.FetchableTopicResponse("", TOPIC_ID, partitions)])


def metadata_response() -> metadata.MetadataResponse:
    partitions = [
        metadata.MetadataResponsePartition(
            partition_index=index, leader_id=1, leader_epoch=3, replica_nodes=[1, 2, 3], isr_nodes=[1, 2, 3]
        )
        for index in range(PARTITIONS)
    ]
    return metadata.MetadataResponse(
        brokers=[metadata.MetadataResponseBroker(node, f"broker-{node}", 9092) for node in (1, 2, 3)],
        cluster_id="a-cluster",
        topics=[metadata.MetadataResponseTopic(0, "a-topic", TOPIC_ID, partitions=partitions)],
    )


MESSAGES: list[tuple[Any, int, float]] = [
    (fetch_request(), 18, LARGE_LIMIT_US),
    (fetch_response(), 18, LARGE_LIMIT_US),
    (metadata_response(), 13, LARGE_LIMIT_US),
    (heartbeat.HeartbeatRequest("a-group", 7, "member-1-0123456789abcdef"), 4, SMALL_LIMIT_US),
    (heartbeat.HeartbeatResponse(), 4, SMALL_LIMIT_US),
]


def best_us(call: Any) -> float:
    """The time of one call in microseconds, in the best of several rounds."""
    timer = timeit.Timer(call)
    count, _ = timer.autorange()
    return min(timer.repeat(repeat=5, number=max(1, count // 10))) / max(1, count // 10) * 1e6


def main() -> None:
    print(
        f"{'message (50 partitions, or one member)':40}{'bytes':>8}{'decode µs':>12}{'encode µs':>12}{'limit µs':>12}"
    )
    for message, version, limit in MESSAGES:
        cls, data = type(message), bytearray(encode_bytes(message, version))
        decoding = best_us(lambda cls=cls, version=version, data=data: decode(cls, version, data))
        encoding = best_us(lambda message=message, version=version: encode(message, version))
        over = "  over" if max(decoding, encoding) > limit else ""
        print(f"{f'{cls.__name__} v{version}':40}{len(data):8}{decoding:12.2f}{encoding:12.2f}{limit:12}{over}")


if __name__ == "__main__":
    main()
