"""How late a broker's event loop is under a load that makes its disk work.

A client in a process of its own produces, deletes and fetches; the broker's process notes how late a timer is. The line
of small requests is what the machine can do. A table for a reader. Nothing fails here, since a machine that is busy or
slow says nothing about the code.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).parents[1]))

from kafkapy.config.properties import load
from kafkapy.protocol.api import Api
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.request import decode_response, encode_request
from kafkapy.run import Process

TICK_S = 0.001
BATCH_BYTES = 1 << 20
SEGMENT_BYTES = 64 << 20
RECENT_BATCHES = 16  # which nothing but this takes out of memory
PROPERTIES = (
    f"log.segment.bytes={SEGMENT_BYTES}",
    f"log.retention.bytes={2 * SEGMENT_BYTES}",
    "log.retention.check.interval.ms=1000",
    "log.segment.delete.delay.ms=1000",
    "log.flush.interval.ms=1000",
    "log.cleaner.enable=false",
)


class Client:
    """A connection that asks and waits."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))

    def ask(self, api: Api, version: int, request: Any) -> Any:
        frame = encode_request(api, version, 1, "bench", request)
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        return decode_response(api, version, self._take(*struct.unpack(">i", self._take(4))))[1]

    def _take(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            data = self._socket.recv(size - len(parts))
            if not data:
                raise EOFError("the broker has closed the connection")
            parts += data
        return bytes(parts)

    def create(self, topic: str, **configs: int) -> None:
        texts = [CreatableTopicConfig(name.replace("_", "."), str(value)) for name, value in configs.items()]
        self.ask(CREATE_TOPICS, 5, CreateTopicsRequest(topics=[CreatableTopic(topic, 1, 1, configs=texts)]))

    def produce(self, topic: str, batch: bytes) -> None:
        data = [TopicProduceData(topic, partition_data=[PartitionProduceData(0, batch)])]
        answer = self.ask(PRODUCE, 9, ProduceRequest(None, 1, 10_000, data))
        assert not answer.responses[0].partition_responses[0].error_code

    def fetch(self, topic: str, offset: int, size: int) -> None:
        wanted = FetchPartition(0, fetch_offset=offset, partition_max_bytes=size)
        request = FetchRequest(
            max_wait_ms=0, min_bytes=0, max_bytes=size, topics=[FetchTopic(topic, partitions=[wanted])]
        )
        assert self.ask(FETCH, 12, request).responses[0].partitions[0].records


def batch_of(size: int) -> bytes:
    return build_batch([Record(0, time.time_ns() // 1_000_000, b"", random.randbytes(size - 100))])


def forget(folder: Path) -> None:
    """Take what is in the topic's files out of memory."""
    for path in folder.iterdir():
        fd = os.open(path, os.O_RDONLY)
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def put_load(port: int, data: Path, seconds: float) -> None:
    """The client's process: each line that it prints begins the next part."""
    client = Client(port)
    large, small = batch_of(BATCH_BYTES), batch_of(200)
    client.create("kept", retention_bytes=-1)
    client.create("rolling")
    batches = 3 * SEGMENT_BYTES // BATCH_BYTES
    for _ in range(batches):
        client.produce("kept", large)

    def repeat(part: str, once: Callable[[int], None]) -> None:
        print(part, flush=True)
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            once(number)
            number += 1

    def fetch_cold(size: int) -> Callable[[int], None]:
        def once(number: int) -> None:
            if number % 16 == 0:
                forget(data / "kept-0")
            client.fetch("kept", random.randrange(batches - RECENT_BATCHES), size)

        return once

    def recreate(number: int) -> None:
        client.create("brief")
        for _ in range(50):
            client.produce("brief", large)
        client.ask(DELETE_TOPICS, 3, DeleteTopicsRequest(topic_names=["brief"], timeout_ms=1000))

    repeat("small requests", lambda number: client.produce("kept", small))
    repeat("1 MiB batches, rolls, retention", lambda number: client.produce("rolling", large))
    repeat("topics made, filled and deleted", recreate)
    repeat("fetches of what is not in memory", fetch_cold(BATCH_BYTES))


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    shown = (f"{share:.1%} {ordered[int(len(ordered) * share) - 1] * 1000:6.1f} ms" for share in (0.5, 0.99, 0.999))
    return f"{', '.join(shown)}, at worst {ordered[-1] * 1000:6.1f} ms"


async def measure(data: Path, seconds: float) -> None:
    late: list[float] = []
    process = Process(load(None, [f"log.dirs={data}", "listeners=PLAINTEXT://127.0.0.1:0", *PROPERTIES]))
    ports: list[int] = []

    async def tick() -> None:
        while True:
            due = trio.current_time() + TICK_S
            await trio.sleep_until(due)
            late.append(trio.current_time() - due)

    async def watch() -> None:
        command = [sys.executable, __file__, "--load", str(ports[0]), str(data), "--seconds", str(seconds)]
        client = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
        assert client.stdout is not None
        part = "filling a topic"
        async for line in client.stdout:
            print(f"{part:40}{quantiles(late)}")
            late.clear()
            part = line.decode().strip()
        print(f"{part:40}{quantiles(late)}")
        process.stop()

    async with trio.open_nursery() as nursery:

        def ready(advertised: Any) -> None:
            ports.append(advertised[0].port)
            nursery.start_soon(watch)
            nursery.start_soon(tick)

        await process.serve(ready)
        nursery.cancel_scope.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each part")
    parser.add_argument("--load", nargs=2, metavar=("PORT", "DATA"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        put_load(int(arguments.load[0]), Path(arguments.load[1]), arguments.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        trio.run(measure, Path(folder), arguments.seconds)


if __name__ == "__main__":
    main()
