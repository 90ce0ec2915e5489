"""Read the topic `test` as one member of the group `testgroup`.

    python examples/group_member.py [HOST:PORT] [TOPIC]

Give the topic two partitions and start this twice: each member gets one. End one with Ctrl-C, and the other gets
both, and goes on in the new one where the group had committed. A member that is killed is missed only after its session
timeout.
"""

import sys
from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition


class Announcer(ConsumerRebalanceListener):
    """Prints what this member gives up and gets."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        print(f"gave up {sorted(each.partition for each in revoked)}", flush=True)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        print(f"got {sorted(each.partition for each in assigned)}", flush=True)


def main(bootstrap: str = "localhost:9092", topic: str = "test") -> None:
    consumer = KafkaConsumer(bootstrap_servers=[bootstrap], group_id="testgroup", session_timeout_ms=10_000)
    consumer.subscribe([topic], listener=Announcer())
    try:
        for record in consumer:
            print(record, flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()  # commits what was read, and leaves the group at once


if __name__ == "__main__":
    main(*sys.argv[1:])
