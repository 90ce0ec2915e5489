"""kafka-console-producer: every line that is typed becomes a record of a topic.

Options, defaults and messages are those of Apache's ConsoleProducer of 4.3, and the older names that documents use. A
record that the broker refuses is told on standard error and the next line is read; at the end of the input everything
that was read has been sent before the command ends.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TextIO

from kafka import KafkaProducer
from kafka.errors import KafkaError

from kafkapy.cli import command, connection
from kafkapy.cli.line_reader import TypedRecord, line_reader
from kafkapy.cli.options import CommandError, Options, key_values, number, property_file

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

# The option, the client's setting, and Apache's default for this command where it is not the client's.
CLIENT_OPTIONS = (
    ("timeout", "linger.ms", "1000"),
    ("request-required-acks", "acks", "-1"),
    ("request-timeout-ms", "request.timeout.ms", "1500"),
    ("message-send-max-retries", "retries", "3"),
    ("retry-backoff-ms", "retry.backoff.ms", "100"),
    ("socket-buffer-size", "send.buffer.bytes", "102400"),
    ("max-memory-bytes", "buffer.memory", "33554432"),
    ("batch-size", "batch.size", "16384"),
    ("max-partition-memory-bytes", "batch.size", "16384"),
    ("metadata-expiry-ms", "metadata.max.age.ms", "300000"),
    ("max-block-ms", "max.block.ms", "60000"),
)


class Producer(Protocol):
    """What this command asks of kafka-python's KafkaProducer."""

    def send(self, topic: str, value: Any = None, key: Any = None, headers: Any = None) -> Any: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


def producer_options() -> Options:
    """The options that kafka-console-producer takes."""
    options = Options("kafka-console-producer", "Read lines from standard input and publish them to Kafka.")
    options.add_argument("--topic", metavar="NAME", help="the topic to write to")
    options.add_argument("--bootstrap-server", metavar="HOST:PORT,...", help="the broker to talk to")
    options.add_argument("--broker-list", metavar="HOST:PORT,...", help="the same, as older commands had it")
    options.add_argument("--sync", action="store_true", help="wait for each record's acknowledgement")
    options.add_argument(
        "--compression-codec",
        metavar="CODEC",
        nargs="?",
        const="gzip",
        help=f"{', '.join(CODECS)}; alone it means gzip",
    )
    options.add_argument("--reader-property", metavar="K=V", action="append", help="how a line is read: parse.key, ...")
    options.add_argument("--property", metavar="K=V", action="append", help="the older name of --reader-property")
    options.add_argument("--reader-config", metavar="FILE", help="reader properties in a file")
    options.add_argument("--command-property", metavar="K=V", action="append", help="a property of the producer")
    options.add_argument("--producer-property", metavar="K=V", action="append", help="its older name")
    options.add_argument("--command-config", metavar="FILE", help="producer properties in a file")
    options.add_argument("--producer.config", metavar="FILE", dest="producer_config", help="its older name")
    options.add_argument("--line-reader", metavar="CLASS", default="LineMessageReader", help="only LineMessageReader")
    for option, setting, default in CLIENT_OPTIONS:
        # The acks may also be the word `all`.
        kind = str if setting == "acks" else number(option)
        options.add_argument(f"--{option}", metavar="N", type=kind, help=f"{setting} of the producer ({default})")
    for old in ("key-serializer", "value-serializer", "queue-size", "queue-enqueuetimeout-ms"):
        options.add_argument(f"--{old}", help=argparse.SUPPRESS)  # 0.10; nothing depends on them here
    options.add_argument("--old-producer", action="store_true", help=argparse.SUPPRESS)
    return options


def console_producer(
    arguments: Sequence[str], client: Callable[..., Producer] = KafkaProducer, typed: Iterator[str] | None = None
) -> int:
    """Publish the lines `typed`, or those of standard input; the status. `client` is called as KafkaProducer is."""
    options = producer_options()
    values = options.read(arguments)
    options.require(values, "topic")
    if not (values.bootstrap_server or values.broker_list):
        options.require(values, "bootstrap-server")
    try:
        brokers = connection.addresses(values) or []
    except CommandError:
        options.refuse("Please provide valid host:port like host1:9091,host2:9092\n")
    if values.line_reader.rpartition(".")[2] != "LineMessageReader":
        raise CommandError(f"There is no line reader {values.line_reader} here; there is LineMessageReader")
    if values.bootstrap_server:
        warn_of_deprecated(values)
    reader = line_reader(
        property_file(values.reader_config) | key_values([*(values.property or []), *(values.reader_property or [])])
    )
    settings = producer_settings(options, values)
    producer = connection.connect(client, brokers, settings)
    # Documents of 0.10's age show its terminal, which had no prompt.
    prompt = bool(values.bootstrap_server) and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        for record in reader.records(typed if typed is not None else lines(sys.stdin.buffer, prompt)):
            send(producer, values.topic, record, values.sync)
    finally:
        producer.close()
    return 0


def producer_settings(options: Options, values: argparse.Namespace) -> dict[str, Any]:
    """What to call the producer with: files first, then properties, then options, then Apache's defaults here."""
    given = [*(values.producer_property or []), *(values.command_property or [])]
    properties = property_file(values.producer_config) | property_file(values.command_config) | key_values(given)
    codec = values.compression_codec or "none"
    if codec not in CODECS:
        known = ", ".join(CODECS)
        raise CommandError(f"Invalid value {codec} for configuration compression.type: String must be one of: {known}")
    properties["compression.type"] = codec
    properties.setdefault("client.id", "console-producer")
    for option, setting, default in CLIENT_OPTIONS:
        value = getattr(values, option.replace("-", "_"))
        if value is not None:
            properties[setting] = str(value)
        else:
            properties.setdefault(setting, default)
    settings = connection.client_settings(properties, KafkaProducer.DEFAULT_CONFIG)
    # Without all acknowledgements there is no idempotence; a Java client turns it off silently, this one would warn.
    if settings["acks"] not in (-1, "all"):
        settings.setdefault("enable_idempotence", False)
    return settings


def warn_of_deprecated(values: argparse.Namespace) -> None:
    """Name the options that today's Apache command warns of, where it does: on standard output."""
    for old, new in (
        ("property", "reader-property"),
        ("producer-property", "command-property"),
        ("producer.config", "command-config"),
    ):
        if getattr(values, old.replace("-", "_").replace(".", "_")):
            print(f"Warning: --{old} is deprecated and will be removed in a future version. Use --{new} instead.")


def lines(source: Any, prompt: bool) -> Iterator[str]:
    """The lines of `source` without their ends, each as soon as it is there; with a `>` asking for it if `prompt`."""
    text: TextIO = io.TextIOWrapper(source, encoding="utf-8", errors="replace")
    while True:
        if prompt:
            print(">", end="", flush=True)
        line = text.readline()
        if not line:
            return
        yield line.removesuffix("\n")


def send(producer: Producer, topic: str, record: TypedRecord, sync: bool) -> None:
    """Hand a record to the producer; with `sync` wait until the broker has it, or raise why it does not."""

    def failed(reason: BaseException) -> None:
        key = "null" if record.key is None else f"{len(record.key)} bytes"
        value = "null" if record.value is None else f"{len(record.value)} bytes"
        what = f"Error when sending message to topic {topic} with key: {key}, value: {value} with error: {reason}"
        print(what, file=sys.stderr)

    try:
        future = producer.send(topic, value=record.value, key=record.key, headers=record.headers)
    except (KafkaError, AssertionError) as reason:
        # Too large, no partition known in time, or neither key nor value (which the client asserts): the next line may
        # do better.
        if sync:
            raise
        failed(reason)
        return
    if sync:
        future.get()
    else:
        future.add_errback(failed)


def main() -> None:
    """The command line."""
    command.run(console_producer)


if __name__ == "__main__":
    main()
