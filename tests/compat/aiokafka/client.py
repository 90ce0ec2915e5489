"""aiokafka, driven from the command loop: each call runs its event loop until the answer is there."""

import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "driver"))

import command_loop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


class Adapter:
    def __init__(self, bootstrap):
        self._bootstrap = bootstrap
        self._run = asyncio.Runner().run
        self._consumer = None
        self._topic = None
        self._transactional = None
        self._transactional_id = None

    def produce(self, topic, records, compression, flush_each):
        return self._run(self._produce(topic, records, compression, flush_each))

    async def _produce(self, topic, records, compression, flush_each):
        settings = {} if compression is None else {"compression_type": compression, "linger_ms": 100}
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, **settings)
        await producer.start()
        try:
            sent = []
            for record in records:
                future = await producer.send(
                    topic,
                    value=record["value"].encode(),
                    key=record["key"].encode(),
                    partition=record.get("partition"),
                    timestamp_ms=record["timestamp"],
                )
                sent.append(future)
                if flush_each:
                    await producer.flush()
            acks = await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return [{"partition": ack.partition, "offset": ack.offset} for ack in acks]

    def create_topic(self, topic, partitions):
        self._run(self._create_topic(topic, partitions))

    async def _create_topic(self, topic, partitions):
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
        finally:
            await admin.close()

    def open_consumer(self, topic, group, assign, offset_reset, auto_commit, session_timeout_ms):
        settings = {"bootstrap_servers": self._bootstrap, "auto_offset_reset": offset_reset}
        if group is not None:
            settings.update(
                group_id=group,
                enable_auto_commit=auto_commit,
                session_timeout_ms=session_timeout_ms,
                heartbeat_interval_ms=500,
            )
        self._topic = topic
        self._run(self._open(topic, assign, settings))

    async def _open(self, topic, assign, settings):
        self._consumer = AIOKafkaConsumer(*([topic] if assign is None else []), **settings)
        if assign is not None:
            self._consumer.assign([TopicPartition(topic, partition) for partition in assign])
        await self._consumer.start()

    def poll(self):
        batches = self._run(self._consumer.getmany(timeout_ms=100, max_records=50))
        return [self._shown(record) for records in batches.values() for record in records]

    @staticmethod
    def _shown(record):
        return {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "timestamp_type": record.timestamp_type,
            "key": command_loop.text(record.key),
            "value": command_loop.text(record.value),
            "checksum": record.checksum,
        }

    def positions(self):
        return self._run(self._positions())

    async def _positions(self):
        return {str(tp.partition): await self._consumer.position(tp) for tp in self._consumer.assignment()}

    def commit(self, record):
        partition = TopicPartition(self._topic, record["partition"])
        self._run(self._consumer.commit({partition: record["offset"] + 1}))

    def close_consumer(self):
        self._run(self._consumer.stop())
        self._consumer = None

    # Transactions

    def begin(self, transactional_id):
        self._run(self._begin(transactional_id))

    async def _begin(self, transactional_id):
        if self._transactional_id != transactional_id:
            self._transactional_id = transactional_id
            self._transactional = AIOKafkaProducer(bootstrap_servers=self._bootstrap, transactional_id=transactional_id)
            await self._transactional.start()
        await self._transactional.begin_transaction()

    def send(self, topic, values):
        self._run(self._send(topic, values))

    async def _send(self, topic, values):
        for value in values:
            await self._transactional.send_and_wait(topic, value.encode(), partition=0)

    def send_offset(self, topic, offset, group):
        self._run(self._transactional.send_offsets_to_transaction({TopicPartition(topic, 0): offset}, group))

    def end(self, commit):
        self._run(self._transactional.commit_transaction() if commit else self._transactional.abort_transaction())

    def read(self, topic, isolation_level, count):
        return self._run(self._read(topic, isolation_level, count))

    async def _read(self, topic, isolation_level, count):
        settings = {"isolation_level": isolation_level, "auto_offset_reset": "earliest"}
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, **settings)
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.start()
        values = []
        while len(values) < count:
            values.append((await consumer.getone()).value.decode())
        await consumer.stop()
        return values

    def committed_offset(self, topic, group):
        return self._run(self._committed_offset(topic, group))

    async def _committed_offset(self, topic, group):
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group, enable_auto_commit=False)
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.start()
        offset = await consumer.committed(TopicPartition(topic, 0))
        await consumer.stop()
        return offset


if __name__ == "__main__":
    command_loop.serve(Adapter(sys.argv[1]))
