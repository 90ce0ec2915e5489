"""kafka-console-consumer: what it writes of records, byte for byte, and when and how it ends."""

from __future__ import annotations

import io
import os
import signal
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from kafkapy.cli import command
from kafkapy.cli.console_consumer import console_consumer


def record(offset: int, key: bytes | None, value: bytes | None, partition: int = 0, **more: Any) -> SimpleNamespace:
    fields = {"topic": "test", "timestamp": 1512554839806, "timestamp_type": 0, "headers": []}
    return SimpleNamespace(partition=partition, offset=offset, key=key, value=value, **fields | more)


class FakeConsumer:
    """Brings `polls` one after the other, then nothing; what it was asked is in `asked`."""

    def __init__(self, *polls: list[SimpleNamespace]) -> None:
        self.polls = list(polls)
        self.asked: list[tuple[Any, ...]] = []
        self.settings: dict[str, Any] = {}
        self.now = 0.0
        self.on_poll: Callable[[], None] = lambda: None

    def __call__(self, **settings: Any) -> FakeConsumer:
        self.settings = settings
        return self

    def clock(self) -> float:
        return self.now

    def poll(self, timeout_ms: int = 0) -> dict[TopicPartition, list[Any]]:
        self.on_poll()
        if not self.polls:
            self.now += timeout_ms / 1000
            return {}
        return {TopicPartition("test", 0): self.polls.pop(0)}

    def subscribe(self, topics: Any = (), pattern: str | None = None) -> None:
        self.asked.append(("subscribe", list(topics), pattern))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.asked.append(("assign", *partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.asked.append(("seek", partition, offset))

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self.asked.append(("seek_to_beginning", *partitions))

    def seek_to_end(self, *partitions: TopicPartition) -> None:
        self.asked.append(("seek_to_end", *partitions))

    def close(self) -> None:
        self.asked.append(("close",))


def run(
    consumer: Any, arguments: str | list[str], server: str = "--bootstrap-server localhost:9092"
) -> tuple[int, bytes]:
    words = server.split() + (arguments.split() if isinstance(arguments, str) else arguments)
    sink = io.BytesIO()
    clock = getattr(consumer, "clock", lambda: 0.0)
    status = command.status_of(lambda words: console_consumer(words, consumer, sink, clock), words, command.say)
    return status, sink.getvalue()


def test_document_reads_from_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    consumer = FakeConsumer([record(0, None, b"one"), record(1, None, b"two")])
    arguments = "--topic test --from-beginning --timeout-ms 1000"
    assert run(consumer, arguments, "--zookeeper localhost:2181") == (0, b"one\ntwo\n")
    assert capsys.readouterr().err == (
        "A single kafkapy needs no ZooKeeper: localhost:2181 stands for the broker localhost:9092\n"
        "Processed a total of 2 messages\n"
    )
    assert consumer.settings["bootstrap_servers"] == ["localhost:9092"]
    assert consumer.settings["auto_offset_reset"] == "earliest"
    assert consumer.settings["enable_auto_commit"] is False
    assert consumer.settings["group_id"].startswith("console-consumer-")
    assert consumer.asked == [("subscribe", ["test"], None), ("close",)]


def test_every_part_in_apaches_order() -> None:
    headers = [("h1", b"v1"), ("h2", None)]
    consumer = FakeConsumer([record(7, b"k", b"v", 3, headers=headers), record(8, None, None, timestamp_type=1)])
    parts = ("timestamp", "partition", "offset", "epoch", "headers", "key", "value")
    printing = " ".join(f"--formatter-property print.{part}=true" for part in parts)
    status, written = run(consumer, f"--topic test --max-messages 2 {printing} --formatter-property key.separator=|")
    assert status == 0
    assert written == (
        b"CreateTime:1512554839806|Partition:3|Offset:7|Epoch:NOT_PRESENT|h1:v1,h2:null|k|v\n"
        b"LogAppendTime:1512554839806|Partition:0|Offset:8|Epoch:NOT_PRESENT|NO_HEADERS|null|null\n"
    )


def test_separators_null_literal_and_raw_bytes() -> None:
    consumer = FakeConsumer([record(0, None, b"\xff\x00"), record(1, b"k", b"v", timestamp=-1)])
    properties = ["print.key=true", "print.timestamp=true", "null.literal=NIL", "line.separator=;", "key.separator= "]
    words = [word for text in properties for word in ("--formatter-property", text)]
    assert run(consumer, ["--topic", "test", "--max-messages", "2", *words]) == (
        0,
        b"CreateTime:1512554839806 NIL \xff\x00;NO_TIMESTAMP k v;",
    )


def test_key_alone_and_nothing_at_all() -> None:
    only_key = "--formatter-property print.value=false --formatter-property print.key=true"
    assert run(FakeConsumer([record(0, b"k", b"v")]), f"--topic test --max-messages 1 {only_key}")[1] == b"k\n"
    silent = "--formatter org.apache.kafka.tools.consumer.NoOpMessageFormatter"
    assert run(FakeConsumer([record(0, b"k", b"v")]), f"--topic test --max-messages 1 {silent}")[1] == b""


def test_deserializers(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = "--topic test --key-deserializer org.apache.kafka.common.serialization.LongDeserializer"
    arguments = f"{numbers} --formatter-property print.key=true --timeout-ms 1"
    long = struct.pack(">q", -5)
    assert run(FakeConsumer([record(0, long, b"v")]), arguments) == (0, b"-5\tv\n")
    capsys.readouterr()
    broken = [record(0, b"short", b"v"), record(1, long, b"w")]
    assert run(FakeConsumer(broken), arguments) == (1, b"")
    assert capsys.readouterr().err.splitlines()[-1] == "The key b'short' is not what the key deserializer reads"
    assert run(FakeConsumer(broken), f"{arguments} --skip-message-on-error") == (0, b"-5\tw\n")
    assert run(FakeConsumer(), "--topic test --value-deserializer Nonsense")[0] == 1


def test_ends_after_enough_and_leaves_the_rest_to_be_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    consumer = FakeConsumer(
        [record(0, None, b"a"), record(1, None, b"b"), record(2, None, b"c"), record(5, None, b"", 1)]
    )
    assert run(consumer, "--topic test --max-messages 1 --group g") == (0, b"a\n")
    assert capsys.readouterr().err == "Processed a total of 1 messages\n"
    assert consumer.settings["group_id"] == "g"
    assert "enable_auto_commit" not in consumer.settings
    assert consumer.asked[1:] == [
        ("seek", TopicPartition("test", 0), 1),
        ("seek", TopicPartition("test", 1), 5),
        ("close",),
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_by_a_signal(number: int, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    consumer = FakeConsumer([record(0, None, b"a")])
    consumer.on_poll = lambda: None if consumer.polls else os.kill(os.getpid(), number)
    assert run(consumer, "--topic test") == (status, b"a\n")
    assert capsys.readouterr().err == "Processed a total of 1 messages\n"
    assert consumer.asked[-1] == ("close",)


def test_one_partition_from_where_it_was_asked() -> None:
    partition = TopicPartition("test", 0)
    for option, wanted in (
        ("", ("seek_to_end", partition)),
        ("--from-beginning", ("seek_to_beginning", partition)),
        ("--offset earliest", ("seek_to_beginning", partition)),
        ("--offset LATEST", ("seek_to_end", partition)),
        ("--offset 5", ("seek", partition, 5)),
    ):
        consumer = FakeConsumer()
        run(consumer, f"--topic test --partition 0 --timeout-ms 1 {option}")
        assert consumer.asked == [("assign", partition), wanted, ("close",)]
        assert "group_id" not in consumer.settings


def test_topics_by_pattern() -> None:
    consumer = FakeConsumer()
    for option in ("--include a|b", "--whitelist a|b", "--blacklist a|b"):
        run(consumer, f"{option} --timeout-ms 1")
    patterns = [asked[2] for asked in consumer.asked if asked[0] == "subscribe"]
    assert patterns == [r"(?:a|b)\Z", r"(?:a|b)\Z", r"(?!(?:a|b)\Z)"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--max-messages 1", "Exactly one of the following arguments is required: [topic], [include]"),
        ("--topic t --include x", "Exactly one of the following arguments is required: [topic], [include]"),
        ("--topic t --offset 3", "The partition is required when offset is specified."),
        ("--include t --partition 3", "The topic is required when partition is specified."),
        (
            "--topic t --partition 0 --offset -5",
            "The provided offset value '-5' is incorrect. "
            "Valid values are 'earliest', 'latest', or a non-negative long.",
        ),
        ("--topic t --partition 0 --group g", "Options group and partition cannot be specified together."),
        ("--topic t --max-messages x", "Cannot parse argument 'x' of option max-messages"),
        ("--topic t --formatter foo", "foo"),
        (
            "--topic t --isolation-level foo",
            "Invalid value foo for configuration isolation.level: "
            "String must be one of: read_committed, read_uncommitted",
        ),
        (
            "--topic t --from-beginning --command-property auto.offset.reset=latest",
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one option",
        ),
        (
            "--topic t --group g --command-property group.id=h",
            "The group ids provided in different places (directly using '--group', via '--consumer-property', "
            "or via '--consumer.config') do not match. Detected group ids: 'g', 'h'",
        ),
    ],
)
def test_what_makes_no_sense(arguments: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeConsumer(), arguments) == (1, b"")
    printed = capsys.readouterr()
    assert printed.err.splitlines()[0] == complaint
    assert printed.out == ""


def test_deprecated_names_are_told_where_apache_tells_them(capsys: pytest.CaptureFixture[str]) -> None:
    run(FakeConsumer(), "--topic t --timeout-ms 1 --property print.key=true")
    assert capsys.readouterr().out == (
        "Option --property is deprecated and will be removed in a future version. Use --formatter-property instead.\n"
    )
