"""Read partition 0 of the topic `test` from where `testgroup` stands, and commit after every message if asked to.

    python examples/offsets.py [--commit] [HOST:PORT] [TOPIC]

Without `--commit` every start prints the same position. With it, a start prints the offset after the last message that
the one before it had printed, however that one was ended.
"""

import sys

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition


def main(bootstrap: str = "localhost:9092", topic: str = "test", *, commit: bool) -> None:
    consumer = KafkaConsumer(
        bootstrap_servers=[bootstrap],
        group_id="testgroup",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    try:
        print(f"starts at {consumer.position(partition)}", flush=True)
        for record in consumer:
            print(record, flush=True)
            if commit:
                consumer.commit({partition: OffsetAndMetadata(record.offset + 1, "", -1)})
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(*[argument for argument in arguments if argument != "--commit"], commit="--commit" in arguments)
