"""What the document's experiments sent and what they printed."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Printed:
    """One ConsumerRecord as kafka-python 1.3.5 prints it; key and value are the same text.

    `checksum` is the CRC-32 of the message in format v1, as a signed number.
    """

    partition: int
    offset: int
    timestamp: int
    value: str
    checksum: int


EXPERIMENT_1 = (
    Printed(0, 128, 1512554839806, "128", -1439508774),
    Printed(0, 129, 1512554840827, "129", 1515993224),
)
EXPERIMENT_2 = (
    Printed(0, 11, 1512556619298, "15", -1492440752),
    Printed(1, 6, 1512556617287, "13", -1494513008),
    Printed(1, 7, 1512556618293, "14", -1499251221),
)
EXPERIMENT_3 = (
    Printed(0, 98, 1512558902904, "98", -588818519),
    Printed(0, 830, 1512559638177, "830", 1003305652),
)
PARTITION_OF_KEY = {"13": 1, "14": 1, "15": 0, "16": 1, "17": 0, "18": 0, "19": 1, "20": 0, "22": 1}


def messages(numbers: range, printed: tuple[Printed, ...], partition: int | None = None) -> list[dict[str, Any]]:
    """The messages the producer sends for these numbers, one a second; the timestamps of `printed` are theirs."""
    known = {row.value: row.timestamp for row in printed}
    start = printed[0].timestamp - 1000 * int(printed[0].value)
    return [
        {
            "key": str(number),
            "value": str(number),
            "timestamp": known.get(str(number), start + 1000 * number),
            "partition": partition,
        }
        for number in numbers
    ]


def expected(row: Printed, topic: str, *, checksum: bool) -> dict[str, Any]:
    """The record a client shows for this row; only the oldest clients show its checksum."""
    shown = {**asdict(row), "topic": topic, "key": row.value, "timestamp_type": 0, "event": "record"}
    return {**shown, "checksum": row.checksum if checksum else None}
