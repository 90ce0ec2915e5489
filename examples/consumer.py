"""Print every record that arrives in the topic `test` from now on.

    python examples/consumer.py [HOST:PORT] [TOPIC]

It belongs to no group, so it sees all partitions, and nothing remembers how far it read. Ctrl-C ends it.
"""

import sys

from kafka import KafkaConsumer


def main(bootstrap: str = "localhost:9092", topic: str = "test") -> None:
    consumer = KafkaConsumer(topic, bootstrap_servers=[bootstrap])
    try:
        for record in consumer:
            print(record, flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
