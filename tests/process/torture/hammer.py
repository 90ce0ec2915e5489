"""Idempotent producers and members of a group, each a thread, in the process and environment of one client library.

Commands come in on standard input, events go out on standard output, one JSON object a line each way:

    {"do": "produce", "who", "targets": [[topic, partition], ...], "compression"}   until stopped
    {"do": "consume", "who", "group", "topics"}                                     until stopped
    {"do": "stop", "who"}           producers deliver what they have, members leave; then the event "stopped"

    {"event": "acked", "who", "topic", "partition", "offset", "head"}               a record was acknowledged
    {"event": "assigned", "who", "partitions": [[topic, partition], ...]}           all that the member now has
    {"event": "read", "who", "topic", "partition", "offsets"}                       records that a poll gave
    {"event": "committed", "who", "offsets": [[topic, partition, offset], ...]}     a commit was answered
    {"event": "uncommitted", "who", "why"}                                          a commit failed; reading goes on
    {"event": "failed", "who", "why"}                                               an error that nobody expects

A record's key is its head, `who/topic/partition/number`; its value begins with it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

MOST_UNDER_WAY = 400
POLLED_AT_ONCE = 200
_printing = threading.Lock()

Where = tuple[str, int]  # topic and partition
Acked = Callable[[str | None, int], None]  # an error or None, and the offset


def say(event: str, **fields: Any) -> None:
    """Print one event, at once."""
    line = json.dumps({"event": event, **fields})
    with _printing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def value_of(head: str) -> str:
    """The head and as much filler as its number says: sizes of all kinds, so that segments roll anywhere."""
    return head + " " + "." * (int(head.rpartition("/")[2]) * 7919 % 1500)


class Confluent:
    """confluent-kafka, which is librdkafka."""

    def __init__(self, bootstrap: str, session_timeout_ms: int) -> None:
        import confluent_kafka

        self._kafka = confluent_kafka
        self._common = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20,
        }
        self._session_timeout_ms = session_timeout_ms

    def producer(self, compression: str) -> Any:
        return self._kafka.Producer(
            {
                **self._common,
                "enable.idempotence": True,
                "linger.ms": 3,
                "compression.type": compression,
                "message.timeout.ms": 120_000,
            }
        )

    def send(self, producer: Any, topic: str, partition: int, head: str, acked: Acked) -> None:
        def delivered(error: Any, message: Any) -> None:
            acked(None if error is None else str(error), message.offset())

        producer.produce(topic, value_of(head), head, partition=partition, on_delivery=delivered)

    def serve(self, producer: Any) -> None:
        """Let callbacks come, for a moment."""
        producer.poll(0.01)

    def deliver(self, producer: Any) -> None:
        producer.flush(120)

    def member(self, group: str, topics: list[str], assigned: Callable[[list[Where]], None]) -> Any:
        consumer = self._kafka.Consumer(
            {
                **self._common,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": self._session_timeout_ms,
                "heartbeat.interval.ms": 200,
                "fetch.wait.max.ms": 100,
            }
        )

        def tell(_: Any, partitions: list[Any]) -> None:
            assigned([(tp.topic, tp.partition) for tp in partitions])

        consumer.subscribe(topics, on_assign=tell, on_revoke=lambda *_: assigned([]), on_lost=lambda *_: assigned([]))
        return consumer

    def poll(self, member: Any) -> list[tuple[str, int, int]]:
        found = []
        for message in member.consume(POLLED_AT_ONCE, 0.1):
            error = message.error()
            if error is None:
                found.append((message.topic(), message.partition(), message.offset()))
            elif error.fatal() or error.code() == self._kafka.KafkaError._AUTO_OFFSET_RESET:
                raise RuntimeError(str(error))
        return found

    def commit(self, member: Any, offsets: list[tuple[str, int, int]]) -> str | None:
        wanted = [self._kafka.TopicPartition(*one) for one in offsets]
        try:
            done = member.commit(offsets=wanted, asynchronous=False)
        except self._kafka.KafkaException as error:
            return str(error)
        return next((str(one.error) for one in done if one.error is not None), None)

    def leave(self, member: Any) -> None:
        member.close()


class KafkaPython:
    """kafka-python 3."""

    def __init__(self, bootstrap: str, session_timeout_ms: int) -> None:
        import kafka

        self._kafka = kafka
        self._common = {
            "bootstrap_servers": bootstrap,
            "reconnect_backoff_ms": 20,
            "reconnect_backoff_max_ms": 200,
            "retry_backoff_ms": 20,
        }
        self._session_timeout_ms = session_timeout_ms

    def producer(self, compression: str) -> Any:
        return self._kafka.KafkaProducer(
            **self._common,
            enable_idempotence=True,
            linger_ms=3,
            delivery_timeout_ms=120_000,
            compression_type=None if compression == "none" else compression,
        )

    def send(self, producer: Any, topic: str, partition: int, head: str, acked: Acked) -> None:
        future = producer.send(topic, value_of(head).encode(), head.encode(), partition=partition)
        future.add_callback(lambda metadata: acked(None, metadata.offset))
        future.add_errback(lambda error: acked(repr(error), -1))

    def serve(self, producer: Any) -> None:
        time.sleep(0.005)  # it has a thread of its own

    def deliver(self, producer: Any) -> None:
        producer.flush(120)
        producer.close()

    def member(self, group: str, topics: list[str], assigned: Callable[[list[Where]], None]) -> Any:
        consumer = self._kafka.KafkaConsumer(
            **self._common,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=self._session_timeout_ms,
            heartbeat_interval_ms=200,
            fetch_max_wait_ms=100,
        )

        class Listener(self._kafka.ConsumerRebalanceListener):
            def on_partitions_assigned(self, partitions: Any) -> None:
                assigned([tuple(tp) for tp in partitions])

            def on_partitions_revoked(self, partitions: Any) -> None:
                assigned([])

        consumer.subscribe(topics, listener=Listener())
        return consumer

    def poll(self, member: Any) -> list[tuple[str, int, int]]:
        try:
            found = member.poll(timeout_ms=500, max_records=POLLED_AT_ONCE)
        except self._kafka.errors.KafkaError as error:
            if error.retriable:  # what other libraries keep to themselves: the broker is not there
                return []
            raise
        return [(one.topic, one.partition, one.offset) for records in found.values() for one in records]

    def commit(self, member: Any, offsets: list[tuple[str, int, int]]) -> str | None:
        meta = self._kafka.OffsetAndMetadata
        try:
            member.commit(
                {self._kafka.TopicPartition(t, p): meta(offset, "", -1) for t, p, offset in offsets}, timeout_ms=20_000
            )
        except self._kafka.errors.KafkaError as error:
            return repr(error)
        return None

    def leave(self, member: Any) -> None:
        member.close()


class Worker(threading.Thread):
    """A producer or a member; `enough` ends it."""

    def __init__(self, who: str) -> None:
        super().__init__(daemon=True)
        self.who = who
        self.enough = threading.Event()

    def run(self) -> None:
        try:
            self.work()
        except Exception:
            say("failed", who=self.who, why=traceback.format_exc()[-1500:])
        say("stopped", who=self.who)


class Producing(Worker):
    def __init__(self, library: Any, who: str, targets: list[Where], compression: str) -> None:
        super().__init__(who)
        self._library = library
        self._targets = targets
        self._compression = compression
        self._under_way = 0
        self._changed = threading.Condition()

    def work(self) -> None:
        producer = self._library.producer(self._compression)
        number = 0
        while not self.enough.is_set():
            for topic, partition in self._targets:
                while self._under_way >= MOST_UNDER_WAY and not self.enough.is_set():
                    self._library.serve(producer)
                self._send(producer, topic, partition, number)
            self._library.serve(producer)
            number += 1
        self._library.deliver(producer)

    def _send(self, producer: Any, topic: str, partition: int, number: int) -> None:
        head = f"{self.who}/{topic}/{partition}/{number}"

        def acked(error: str | None, offset: int) -> None:
            with self._changed:
                self._under_way -= 1
            if error is not None:
                say("failed", who=self.who, why=f"{head}: {error}")
            else:
                say("acked", who=self.who, topic=topic, partition=partition, offset=offset, head=head)

        with self._changed:
            self._under_way += 1
        self._library.send(producer, topic, partition, head, acked)


class Consuming(Worker):
    def __init__(self, library: Any, who: str, group: str, topics: list[str]) -> None:
        super().__init__(who)
        self._library = library
        self._group = group
        self._topics = topics

    def work(self) -> None:
        member = self._library.member(
            self._group, self._topics, lambda partitions: say("assigned", who=self.who, partitions=partitions)
        )
        while not self.enough.is_set():
            found: dict[Where, list[int]] = {}
            for topic, partition, offset in self._library.poll(member):
                found.setdefault((topic, partition), []).append(offset)
            if found:
                self._tell(member, found)
        self._library.leave(member)

    def _tell(self, member: Any, found: dict[Where, list[int]]) -> None:
        for (topic, partition), offsets in found.items():
            say("read", who=self.who, topic=topic, partition=partition, offsets=offsets)
        offsets = [(*where, read[-1] + 1) for where, read in found.items()]
        why = self._library.commit(member, offsets)
        if why is None:
            say("committed", who=self.who, offsets=offsets)
        else:
            say("uncommitted", who=self.who, why=why)


def main(library: str, bootstrap: str, session_timeout_ms: str) -> None:
    found = {"confluent-kafka": Confluent, "kafka-python": KafkaPython}[library](bootstrap, int(session_timeout_ms))
    workers = {}
    say("ready")
    for line in sys.stdin:
        command = json.loads(line)
        do = command.pop("do")
        if do == "stop":
            workers.pop(command["who"]).enough.set()
        else:
            kind = {"produce": Producing, "consume": Consuming}[do]
            workers[command["who"]] = worker = kind(found, **command)
            worker.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
