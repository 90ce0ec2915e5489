"""confluent-kafka, which is librdkafka; told `consumer`, its groups are of the new protocol (KIP-848)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "driver"))

import command_loop
from confluent_kafka.admin import AdminClient, NewTopic

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition


class Adapter:
    def __init__(self, bootstrap, protocol="classic"):
        self._protocol = protocol
        self._bootstrap = {"bootstrap.servers": bootstrap}
        self._consumer = None
        self._topic = None
        self._offset_reset = None
        self._starts = {}
        self._transactional = None
        self._transactional_id = None

    def produce(self, topic, records, compression, flush_each):
        settings = {} if compression is None else {"compression.type": compression, "linger.ms": 100}
        # The partitioner of Java and kafka-python; librdkafka's own default is another.
        producer = Producer({**self._bootstrap, "partitioner": "murmur2_random", **settings})
        acks = [None] * len(records)

        def delivered(index):
            def report(error, message):
                acks[index] = error or {"partition": message.partition(), "offset": message.offset()}

            return report

        for index, record in enumerate(records):
            placed = {} if record.get("partition") is None else {"partition": record["partition"]}
            producer.produce(
                topic,
                value=record["value"],
                key=record["key"],
                timestamp=record["timestamp"],
                on_delivery=delivered(index),
                **placed,
            )
            if flush_each:
                producer.flush(30)
        producer.flush(30)
        for ack in acks:
            if not isinstance(ack, dict):
                raise KafkaException(ack)
        return acks

    def create_topic(self, topic, partitions):
        admin = AdminClient(self._bootstrap)
        for made in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            made.result(30)

    def open_consumer(self, topic, group, assign, offset_reset, auto_commit, session_timeout_ms):
        settings = {
            **self._bootstrap,
            "auto.offset.reset": offset_reset,
            "group.id": group or f"nobody-{os.getpid()}",  # librdkafka wants one even where no group is used
            "enable.auto.commit": auto_commit and group is not None,
            "group.protocol": self._protocol,
        }
        if self._protocol == "classic":  # of the other one the broker says how long and how often
            settings.update({"session.timeout.ms": session_timeout_ms, "heartbeat.interval.ms": 500})
        self._topic = topic
        self._offset_reset = offset_reset
        self._starts = {}
        self._consumer = Consumer(settings)
        if group is None:
            assign = sorted(self._consumer.list_topics(topic, 30).topics[topic].partitions)
        if assign is None:
            self._consumer.subscribe([topic], on_revoke=lambda _, revoked: self._starts.clear())
        else:
            self._consumer.assign(self._started([TopicPartition(topic, partition) for partition in assign]))

    def _started(self, partitions):
        """Where reading starts, asked for at once: librdkafka's position is unknown until the first record."""
        committed = self._consumer.committed(partitions, 30)
        return [tp if tp.offset >= 0 else self._at_end(tp) for tp in committed]

    def _at_end(self, partition):
        low, high = self._consumer.get_watermark_offsets(partition, 30)
        start = low if self._offset_reset == "earliest" else high
        return TopicPartition(partition.topic, partition.partition, start)

    def poll(self):
        records = []
        for message in self._consumer.consume(50, 0.1):
            if message.error() is None:
                records.append(self._shown(message))
            elif message.error().fatal() or message.error().code() not in (
                KafkaError._TRANSPORT,
                KafkaError._ALL_BROKERS_DOWN,
            ):
                raise KafkaException(message.error())
        return records

    @staticmethod
    def _shown(message):
        kind, timestamp = message.timestamp()
        return {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp": timestamp,
            "timestamp_type": kind - 1,  # librdkafka counts from "not available"
            "key": command_loop.text(message.key()),
            "value": command_loop.text(message.value()),
            "checksum": None,
        }

    def positions(self):
        assigned = self._consumer.assignment()
        if not assigned:
            return {}
        positions = self._consumer.position(assigned)
        self._remember_starts([tp for tp in positions if tp.offset < 0 and tp.partition not in self._starts])
        return {str(tp.partition): tp.offset if tp.offset >= 0 else self._starts[tp.partition] for tp in positions}

    def _remember_starts(self, unread):
        if unread:
            self._starts.update({tp.partition: tp.offset for tp in self._started(unread)})

    def commit(self, record):
        position = TopicPartition(self._topic, record["partition"], record["offset"] + 1)
        self._consumer.commit(offsets=[position], asynchronous=False)

    def close_consumer(self):
        self._consumer.close()
        self._consumer = None

    # Transactions

    def begin(self, transactional_id):
        if self._transactional_id != transactional_id:
            self._transactional_id = transactional_id
            self._transactional = Producer({**self._bootstrap, "transactional.id": transactional_id, "linger.ms": 0})
            self._transactional.init_transactions(30)
        self._transactional.begin_transaction()

    def send(self, topic, values):
        errors = []
        for value in values:
            report = lambda error, _: errors.append(error) if error else None  # noqa: E731
            self._transactional.produce(topic, value, partition=0, on_delivery=report)
        self._transactional.flush(30)
        if errors:
            raise KafkaException(errors[0])

    def send_offset(self, topic, offset, group):
        consumer = Consumer({**self._bootstrap, "group.id": group})
        position = TopicPartition(topic, 0, offset)
        self._transactional.send_offsets_to_transaction([position], consumer.consumer_group_metadata(), 30)
        consumer.close()

    def end(self, commit):
        finish = self._transactional.commit_transaction if commit else self._transactional.abort_transaction
        finish(30)

    def read(self, topic, isolation_level, count):
        group = f"reader-{os.getpid()}"
        settings = {"group.id": group, "isolation.level": isolation_level, "enable.auto.commit": False}
        consumer = Consumer({**self._bootstrap, **settings})
        consumer.assign([TopicPartition(topic, 0, 0)])
        values = []
        while len(values) < count:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                values.append(command_loop.text(message.value()))
        consumer.close()
        return values

    def committed_offset(self, topic, group):
        consumer = Consumer({**self._bootstrap, "group.id": group})
        [position] = consumer.committed([TopicPartition(topic, 0)], 30)
        consumer.close()
        return position.offset


if __name__ == "__main__":
    command_loop.serve(Adapter(*sys.argv[1:]))
