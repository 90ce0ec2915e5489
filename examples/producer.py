"""Send one message a second to the topic `test`: its number, as key and as value, with the time it was sent.

    python examples/producer.py [HOST:PORT] [TOPIC]

Each message is flushed on its own, and the partition and offset that it got are printed. Ctrl-C ends it.
"""

import sys
import time

from kafka import KafkaProducer


def main(bootstrap: str = "localhost:9092", topic: str = "test") -> None:
    producer = KafkaProducer(bootstrap_servers=[bootstrap])
    number = 0
    try:
        while True:
            text = str(number).encode()
            now = int(time.time() * 1000)
            sent = producer.send(topic, value=text, key=text, timestamp_ms=now)
            producer.flush()
            place = sent.get()
            print(f"{number} is at partition {place.partition}, offset {place.offset}", flush=True)
            number += 1
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        producer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
