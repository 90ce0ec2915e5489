"""Clients as people use them: how many records a second they write and read, with their own defaults."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as Assigned
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.brokers import JVM_OPTIONS
from benchmarks.driver import WrongAnswerError
from benchmarks.figure import cost, rate
from benchmarks.trial import Trial
from benchmarks.work import Work, add
from tests.exchange.apache import class_path

FIGURES = (rate("records/s written", 1), rate("records/s read", 1), cost("CPU s per million records"))
LIMIT_S = 60.0
POLL_S = 1.0
CLIENT_HEAP = [option for option in JVM_OPTIONS if not option.startswith("-Xm")] + ["-Xmx256m"]

Client = Callable[[str, str, int, int], float]  # address, topic, records, bytes of a value; records a second


@dataclass(frozen=True)
class Clients:
    """One library's producer and consumer, and how many records of 100 bytes they move in a whole run."""

    name: str
    title: str
    write: Client
    read: Client
    records: int


def write_with_librdkafka(address: str, topic: str, records: int, size: int) -> float:
    producer = Producer({"bootstrap.servers": address, "queue.buffering.max.messages": 1_000_000})
    value = random.Random(size).randbytes(size)
    begun = time.perf_counter()
    for _ in range(records):
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.01)
    if producer.flush(LIMIT_S):
        raise WrongAnswerError(f"librdkafka still held records after {LIMIT_S} s")
    return records / (time.perf_counter() - begun)


def read_with_librdkafka(address: str, topic: str, records: int, size: int) -> float:
    consumer = Consumer({"bootstrap.servers": address, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([Assigned(topic, 0, 0)])
    got, begun = 0, time.perf_counter()
    while got < records:
        # No more than there are: for the rest of a number it would wait until its time is up.
        messages = consumer.consume(min(10_000, records - got), POLL_S)
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
        got += len(messages)
        if time.perf_counter() > begun + LIMIT_S:
            raise WrongAnswerError(f"librdkafka read {got} of {records} records in {LIMIT_S} s")
    taken = time.perf_counter() - begun
    consumer.close()
    return got / taken


def write_with_kafka_python(address: str, topic: str, records: int, size: int) -> float:
    producer = KafkaProducer(bootstrap_servers=address)
    value = random.Random(size).randbytes(size)
    begun = time.perf_counter()
    for _ in range(records):
        last = producer.send(topic, value)
    producer.flush(LIMIT_S)
    taken = time.perf_counter() - begun
    if last.get(0).offset != records - 1:
        raise WrongAnswerError(f"kafka-python's last record has offset {last.get(0).offset}")
    producer.close()
    return records / taken


def read_with_kafka_python(address: str, topic: str, records: int, size: int) -> float:
    consumer = KafkaConsumer(bootstrap_servers=address)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    got, begun = 0, time.perf_counter()
    while got < records:
        got += sum(map(len, consumer.poll(POLL_S * 1000, max_records=10_000).values()))
        if time.perf_counter() > begun + LIMIT_S:
            raise WrongAnswerError(f"kafka-python read {got} of {records} records in {LIMIT_S} s")
    taken = time.perf_counter() - begun
    consumer.close()
    return got / taken


def write_with_java(address: str, topic: str, records: int, size: int) -> float:
    said = _run_java(
        "org.apache.kafka.tools.ProducerPerformance",
        *("--bootstrap-server", address, "--topic", topic, "--throughput", "-1"),
        *("--num-records", str(records), "--record-size", str(size)),
    )
    # 500000 records sent, 210526.3 records/sec (20.08 MB/sec), 5.11 ms avg latency, ...
    return float(said.splitlines()[-1].split(", ")[1].split()[0])


def read_with_java(address: str, topic: str, records: int, size: int) -> float:
    said = _run_java(
        "org.apache.kafka.tools.ConsumerPerformance",
        *("--bootstrap-server", address, "--topic", topic, "--num-records", str(records)),
    )
    # Without the seconds that it waits for its group: the last column is of the fetching alone.
    names, values = (line.split(", ") for line in said.splitlines()[-2:])
    found = dict(zip(names, values, strict=True))
    if int(found["data.consumed.in.nMsg"]) < records:
        raise WrongAnswerError(f"ConsumerPerformance read {found['data.consumed.in.nMsg']} of {records} records")
    return float(found["fetch.nMsg.sec"])


def _run_java(main: str, *arguments: str) -> str:
    command = ["java", *CLIENT_HEAP, "-Dlog4j2.level=ERROR", "-cp", class_path(), main, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=2 * LIMIT_S)
    if done.returncode:
        raise WrongAnswerError(f"{main} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout


def _work(clients: Clients, size: int) -> Work:
    def do(trial: Trial) -> tuple[float, ...]:
        topic = trial.topic()
        whole = clients.records if size == 100 else clients.records // 3
        records = trial.amount(whole)
        warm_up = trial.topic()
        clients.write(trial.broker.address, warm_up.name, whole // 10, size)
        with trial.watch() as span:
            written = clients.write(trial.broker.address, topic.name, records, size)
            read = clients.read(trial.broker.address, topic.name, records, size)
        return written, read, span.cpu_s / records * 1e6

    shown = "100 B" if size == 100 else "1 kB"
    return Work(
        f"{clients.name}-{'100b' if size == 100 else '1k'}", f"{clients.title}, records of {shown}", FIGURES, do
    )


for _clients in (
    Clients("librdkafka", "librdkafka, from Python", write_with_librdkafka, read_with_librdkafka, 1_000_000),
    Clients("kafka-python", "kafka-python", write_with_kafka_python, read_with_kafka_python, 60_000),
    Clients("java", "Java's ProducerPerformance and ConsumerPerformance", write_with_java, read_with_java, 1_500_000),
):
    for _size in (100, 1000):
        add(_work(_clients, _size))
