"""kafka-python of any age, from 1.3.5 on Python 2.7 to 3.x: its API has stayed the same for these jobs."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "driver"))

import command_loop
import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

if sys.platform.startswith("java"):
    import one_string  # noqa: F401  # what it does, it does when imported


# 3.0.12 never comes back from a poll whose time is up just when it joins a group again, 100 ms after the first time.
# Against Apache Kafka 4.3.1 it hangs in the same way.
POLL_MS = 500 if kafka.__version__.startswith("3.") else 100

# 1.4.7 locks itself up when a connection breaks on which a heartbeat is under way: the thread that polls holds the
# client's lock and wants the coordinator's, the one that beats the other way round. So it beats seldom here: no sooner
# than the broker is killed after an assignment.
HEARTBEAT_MS = 2500 if kafka.__version__ == "1.4.7" else 500


class Adapter(object):
    def __init__(self, bootstrap):
        self._bootstrap = [bootstrap]
        self._consumer = None
        self._topic = None
        self._transactional = None
        self._transactional_id = None
        # Without a limit 2.3.3 may wait five minutes for an answer that it already has; the older ones know no limit.
        self._limit = {"timeout_ms": 200} if "timeout_ms" in KafkaConsumer.position.__code__.co_varnames else {}

    def produce(self, topic, records, compression, flush_each):
        settings = {} if compression is None else {"compression_type": compression, "linger_ms": 100}
        producer = KafkaProducer(bootstrap_servers=self._bootstrap, **settings)
        sent = []
        for record in records:
            sent.append(
                producer.send(
                    topic,
                    value=record["value"].encode("utf-8"),
                    key=record["key"].encode("utf-8"),
                    partition=record.get("partition"),
                    timestamp_ms=record["timestamp"],
                )
            )
            if flush_each:
                producer.flush()
        producer.flush()
        acks = [future.get(timeout=30) for future in sent]
        producer.close()
        return [{"partition": ack.partition, "offset": ack.offset} for ack in acks]

    def create_topic(self, topic, partitions):
        from kafka.admin import KafkaAdminClient, NewTopic

        admin = KafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
        finally:
            admin.close()

    def open_consumer(self, topic, group, assign, offset_reset, auto_commit, session_timeout_ms):
        settings = {"bootstrap_servers": self._bootstrap, "auto_offset_reset": offset_reset}
        if group is not None:
            settings.update(
                group_id=group,
                enable_auto_commit=auto_commit,
                session_timeout_ms=session_timeout_ms,
                heartbeat_interval_ms=HEARTBEAT_MS,
                max_poll_records=50,
            )
        self._topic = topic
        if assign is None:
            self._consumer = KafkaConsumer(topic, **settings)
        else:
            self._consumer = KafkaConsumer(**settings)
            self._consumer.assign([TopicPartition(topic, partition) for partition in assign])

    def poll(self):
        try:
            batches = self._consumer.poll(POLL_MS)
        except KafkaError as error:
            # 3.x says so when the broker is away; a program that means to outlive that polls again.
            if not error.retriable:
                raise
            batches = {}
        return [self._shown(record) for records in batches.values() for record in records]

    @staticmethod
    def _shown(record):
        shown = {name: getattr(record, name) for name in ("topic", "partition", "offset", "timestamp")}
        shown.update(
            timestamp_type=record.timestamp_type,
            key=command_loop.text(record.key),
            value=command_loop.text(record.value),
            checksum=getattr(record, "checksum", None),
        )
        return shown

    def positions(self):
        return {str(tp.partition): self._consumer.position(tp, **self._limit) for tp in self._consumer.assignment()}

    def commit(self, record):
        partition = TopicPartition(self._topic, record["partition"])
        self._consumer.commit({partition: self._position(record["offset"] + 1)})

    @staticmethod
    def _position(offset):
        try:
            return OffsetAndMetadata(offset, "")
        except TypeError:  # newer ones carry a leader epoch as well
            return OffsetAndMetadata(offset, "", -1)

    def close_consumer(self):
        self._consumer.close()
        self._consumer = None

    # Transactions, which it has from 2.1 on

    def begin(self, transactional_id):
        if self._transactional_id != transactional_id:
            self._transactional_id = transactional_id
            self._transactional = KafkaProducer(bootstrap_servers=self._bootstrap, transactional_id=transactional_id)
            self._transactional.init_transactions()
        self._transactional.begin_transaction()

    def send(self, topic, values):
        for value in values:
            self._transactional.send(topic, value.encode("utf-8"), partition=0).get(timeout=30)

    def send_offset(self, topic, offset, group):
        positions = {TopicPartition(topic, 0): self._position(offset)}
        self._transactional.send_offsets_to_transaction(positions, group)

    def end(self, commit):
        finish = self._transactional.commit_transaction if commit else self._transactional.abort_transaction
        finish()

    def read(self, topic, isolation_level, count):
        settings = {"isolation_level": isolation_level, "auto_offset_reset": "earliest"}
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, **settings)
        consumer.assign([TopicPartition(topic, 0)])
        values = []
        while len(values) < count:
            for records in consumer.poll(POLL_MS).values():
                values += [command_loop.text(record.value) for record in records]
        consumer.close()
        return values

    def committed_offset(self, topic, group):
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group, enable_auto_commit=False)
        offset = consumer.committed(TopicPartition(topic, 0))
        consumer.close()
        return offset


if __name__ == "__main__":
    command_loop.serve(Adapter(sys.argv[1]))
