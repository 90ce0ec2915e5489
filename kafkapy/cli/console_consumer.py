"""kafka-console-consumer: the records of topics, written to standard output as they come.

Options, defaults and messages are those of Apache's ConsoleConsumer of 4.3, and the older names that documents use. It
counts what it has written, and says so on standard error when it ends, however it ends. An offset is committed only for
what was written: a record that was fetched and not written is read again by the next member of the group.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Protocol

from kafka import KafkaConsumer, TopicPartition

from kafkapy.cli import command, connection
from kafkapy.cli.formatter import ConsumedRecord, RecordFormatter, record_formatter
from kafkapy.cli.options import CommandError, Options, key_values, number, property_file

# How long one look for records takes: between two looks a Ctrl-C is noticed on every platform.
POLL_MS = 500
ISOLATION_LEVELS = ("read_committed", "read_uncommitted")


class Consumer(Protocol):
    """What this command asks of kafka-python's KafkaConsumer."""

    def subscribe(self, topics: Any = (), pattern: str | None = None) -> None: ...
    def assign(self, partitions: list[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: TopicPartition) -> None: ...
    def seek_to_end(self, *partitions: TopicPartition) -> None: ...
    def poll(self, timeout_ms: int = 0) -> dict[TopicPartition, list[Any]]: ...
    def close(self) -> None: ...


def consumer_options() -> Options:
    """The options that kafka-console-consumer takes."""
    options = Options("kafka-console-consumer", "Read data from Kafka topics and write it to standard output.")
    options.add_argument("--bootstrap-server", metavar="HOST:PORT,...", help="the broker to talk to")
    connection.add_zookeeper(options)
    options.add_argument("--topic", metavar="NAME", help="the topic to read")
    options.add_argument("--include", metavar="REGEX", help="the topics to read")
    options.add_argument("--whitelist", metavar="REGEX", help="the same, as older commands had it")
    options.add_argument("--blacklist", metavar="REGEX", help="the topics not to read, as older commands had it")
    options.add_argument("--partition", metavar="N", type=number("partition"), help="the only partition to read")
    options.add_argument("--offset", metavar="OFFSET", help="where to start in it: a number, earliest or latest")
    options.add_argument("--from-beginning", action="store_true", help="start with the oldest record, not the next")
    options.add_argument("--max-messages", metavar="N", type=number("max-messages"), help="end after so many records")
    options.add_argument("--timeout-ms", metavar="N", type=number("timeout-ms"), help="end when none comes for so long")
    options.add_argument("--group", metavar="ID", help="the consumer group to read in")
    options.add_argument("--formatter", metavar="CLASS", default="DefaultMessageFormatter", help="how to write records")
    options.add_argument("--formatter-property", metavar="K=V", action="append", help="print.key=true and the like")
    options.add_argument("--property", metavar="K=V", action="append", help="the older name of --formatter-property")
    options.add_argument("--formatter-config", metavar="FILE", help="formatter properties in a file")
    options.add_argument("--key-deserializer", metavar="CLASS", help="what a key is: LongDeserializer and the like")
    options.add_argument("--value-deserializer", metavar="CLASS", help="what a value is")
    options.add_argument("--command-property", metavar="K=V", action="append", help="a property of the consumer")
    options.add_argument("--consumer-property", metavar="K=V", action="append", help="its older name")
    options.add_argument("--command-config", metavar="FILE", help="consumer properties in a file")
    options.add_argument("--consumer.config", metavar="FILE", dest="consumer_config", help="its older name")
    options.add_argument("--isolation-level", metavar="LEVEL", help=" or ".join(ISOLATION_LEVELS))
    options.add_argument("--skip-message-on-error", action="store_true", help="go on after a record that has no text")
    options.add_argument("--enable-systest-events", action="store_true", help="say when the shutdown is complete")
    options.add_argument("--new-consumer", action="store_true", help=argparse.SUPPRESS)  # 0.10: there is no other
    return options


def console_consumer(
    arguments: Sequence[str],
    client: Callable[..., Consumer] = KafkaConsumer,
    output: BinaryIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Write records to `output`, or standard output; the status. `client` is called as KafkaConsumer is."""
    options = consumer_options()
    values = options.read(arguments)
    check(options, values)
    start = start_offset(options, values)
    if values.bootstrap_server:
        warn_of_deprecated(values)
    formatter = chosen_formatter(options, values)
    settings = consumer_settings(options, values)
    consumer = connection.connect(client, connection.addresses(values) or [], settings)
    reading = Reading(consumer, values.timeout_ms, clock)
    try:
        choose_partitions(consumer, values, start)
        sink = output if output is not None else sys.stdout.buffer
        write_records(reading, formatter, sink, values.max_messages, values.skip_message_on_error)
    finally:
        reading.close()
        print(f"Processed a total of {reading.count} messages", file=sys.stderr)
        if values.enable_systest_events:
            print("shutdown_complete", flush=True)
    return 0


class Reading:
    """The records that a consumer brings, one by one, and how many were taken."""

    def __init__(self, consumer: Consumer, timeout_ms: int | None, clock: Callable[[], float]) -> None:
        self.count = 0
        self._consumer = consumer
        self._timeout_ms = timeout_ms if timeout_ms is not None and timeout_ms >= 0 else None
        self._clock = clock
        self._fetched: Iterator[ConsumedRecord] = iter(())

    def batches(self) -> Iterator[Iterator[ConsumedRecord]]:
        """What each look for records brought, until for the timeout there was nothing."""
        quiet_since = self._clock()
        while True:
            patience_ms = POLL_MS if self._timeout_ms is None else min(POLL_MS, self._timeout_ms)
            polled = self._consumer.poll(timeout_ms=patience_ms)
            if any(polled.values()):
                self._fetched = (record for records in polled.values() for record in records)
                yield self._taken()
                quiet_since = self._clock()
            elif self._timeout_ms is not None and (self._clock() - quiet_since) * 1000 >= self._timeout_ms:
                return

    def close(self) -> None:
        """Leave the group; what was fetched and not taken is left to be read again."""
        untaken: dict[TopicPartition, int] = {}
        for record in self._fetched:
            untaken.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for partition, offset in untaken.items():
            self._consumer.seek(partition, offset)
        self._consumer.close()

    def _taken(self) -> Iterator[ConsumedRecord]:
        for record in self._fetched:
            self.count += 1
            yield record


def write_records(
    reading: Reading, formatter: RecordFormatter, sink: BinaryIO, max_messages: int | None, skip_on_error: bool
) -> None:
    """Write records until there were enough, none came for too long, or nobody reads the output any more."""
    limit = None if max_messages is None or max_messages == -1 else max_messages
    if limit is not None and limit <= 0:
        return
    for batch in reading.batches():
        for record in batch:
            try:
                line = formatter.formatted(record)
            except CommandError as failure:
                if not skip_on_error:
                    raise
                print(f"Error processing message, skipping this message: {failure}", file=sys.stderr)
                line = b""
            try:
                sink.write(line)
                if reading.count == limit:
                    sink.flush()
                    return
            except BrokenPipeError:
                raise CommandError("Unable to write to standard out, closing consumer.") from None
        try:
            sink.flush()
        except BrokenPipeError:
            raise CommandError("Unable to write to standard out, closing consumer.") from None


def check(options: Options, values: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    values.include = values.include or values.whitelist
    chosen = [value for value in (values.topic, values.include, values.blacklist) if value is not None]
    if len(chosen) != 1:
        options.refuse("Exactly one of the following arguments is required: [topic], [include]")
    if values.partition is not None and not values.topic:
        options.refuse("The topic is required when partition is specified.")
    if values.offset is not None and values.partition is None:
        options.refuse("The partition is required when offset is specified.")
    if values.offset is not None and values.from_beginning:
        options.refuse("Options from-beginning and offset cannot be specified together.")
    if not values.zookeeper:
        options.require(values, "bootstrap-server")


def start_offset(options: Options, values: argparse.Namespace) -> int | str:
    """Where to start in the one partition: an offset, `earliest` or `latest`."""
    if values.offset is None:
        return "earliest" if values.from_beginning else "latest"
    named: str = values.offset.lower()
    if named in ("earliest", "latest"):
        return named
    if not (named.isascii() and named.isdigit()):
        options.refuse(
            f"The provided offset value '{values.offset}' is incorrect. "
            "Valid values are 'earliest', 'latest', or a non-negative long."
        )
    return int(named)


def chosen_formatter(options: Options, values: argparse.Namespace) -> RecordFormatter:
    """The formatter that the options ask for."""
    properties = property_file(values.formatter_config)
    for part in ("key", "value"):
        if getattr(values, f"{part}_deserializer"):
            properties[f"{part}.deserializer"] = getattr(values, f"{part}_deserializer")
    properties |= key_values([*(values.property or []), *(values.formatter_property or [])])
    try:
        return record_formatter(values.formatter, properties)
    except ValueError as unknown:
        options.refuse(str(unknown))


def consumer_settings(options: Options, values: argparse.Namespace) -> dict[str, Any]:
    """What to call the consumer with: files first, then properties, then options."""
    from_file = property_file(values.consumer_config) | property_file(values.command_config)
    given = key_values([*(values.consumer_property or []), *(values.command_property or [])])
    groups = sorted({group for group in (values.group, from_file.get("group.id"), given.get("group.id")) if group})
    if len(groups) > 1:
        options.refuse(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', "
            f"or via '--consumer.config') do not match. Detected group ids: {', '.join(map(repr, groups))}"
        )
    if groups and values.partition is not None:
        options.refuse("Options group and partition cannot be specified together.")
    properties = from_file | given
    reset = properties.get("auto.offset.reset")
    if reset and values.from_beginning and reset != "earliest":
        raise CommandError(
            f"Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option"
        )
    properties.setdefault("auto.offset.reset", "earliest" if values.from_beginning else "latest")
    properties.setdefault("client.id", "console-consumer")
    if values.isolation_level or "isolation.level" not in properties:
        properties["isolation.level"] = values.isolation_level or "read_uncommitted"
    if properties["isolation.level"] not in ISOLATION_LEVELS:
        raise CommandError(
            f"Invalid value {properties['isolation.level']} for configuration isolation.level: "
            f"String must be one of: {', '.join(ISOLATION_LEVELS)}"
        )
    if groups:
        properties["group.id"] = groups[0]
    elif values.partition is None:
        # A group of its own that nobody will ever ask for again: its offsets are not worth keeping.
        properties["group.id"] = f"console-consumer-{random.randrange(100000)}"
        properties.setdefault("enable.auto.commit", "false")
    else:
        properties["enable.auto.commit"] = "false"
    return connection.client_settings(properties, KafkaConsumer.DEFAULT_CONFIG)


def choose_partitions(consumer: Consumer, values: argparse.Namespace, start: int | str) -> None:
    """Subscribe, or take the one partition that was asked for and start where it was asked for."""
    if values.include is not None:
        consumer.subscribe(pattern=rf"(?:{values.include})\Z")
    elif values.blacklist is not None:
        consumer.subscribe(pattern=rf"(?!(?:{values.blacklist})\Z)")
    elif values.partition is None:
        consumer.subscribe([values.topic])
    else:
        partition = TopicPartition(values.topic, values.partition)
        consumer.assign([partition])
        if start == "earliest":
            consumer.seek_to_beginning(partition)
        elif start == "latest":
            consumer.seek_to_end(partition)
        else:
            consumer.seek(partition, int(start))


def warn_of_deprecated(values: argparse.Namespace) -> None:
    """Name the options that today's Apache command warns of, where it does: on standard output."""
    for old, new in (
        ("property", "formatter-property"),
        ("consumer-property", "command-property"),
        ("consumer.config", "command-config"),
    ):
        if getattr(values, old.replace("-", "_").replace(".", "_")):
            print(f"Option --{old} is deprecated and will be removed in a future version. Use --{new} instead.")


def main() -> None:
    """The command line."""
    command.run(console_consumer)


if __name__ == "__main__":
    main()
