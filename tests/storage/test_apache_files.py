"""The files are Apache Kafka's, byte for byte.

The digests are of what Apache Kafka 4.3.1's own `UnifiedLog` wrote for these appends, with segments of 16384 bytes and
an index entry for each 256, and then closed.
"""

from __future__ import annotations

import hashlib
from typing import Any

from kafkapy.protocol.batch import Record, build_batch

NOW = 1_700_000_000_000
DIGESTS = {
    "00000000000000000000.index": "c19a6077f836be23",
    "00000000000000000000.log": "125712486cf5d20d",
    "00000000000000000000.timeindex": "92af951b63c002eb",
    "00000000000000000182.index": "c19a6077f836be23",
    "00000000000000000182.log": "a5c6ad9525e90443",
    "00000000000000000182.snapshot": "6c3b66daf6fae0dc",
    "00000000000000000182.timeindex": "9de8a26e53c8d7cc",
    "00000000000000000364.index": "c19a6077f836be23",
    "00000000000000000364.log": "c573e2423b0a4d7b",
    "00000000000000000364.snapshot": "b534f75d3fd1f7b5",
    "00000000000000000364.timeindex": "7e0be993e0e4ed3a",
    "00000000000000000546.index": "2eb84d4de98e25f4",
    "00000000000000000546.log": "ef856c9d7e6ecd66",
    "00000000000000000546.snapshot": "0ceade2fc2ea6351",
    "00000000000000000546.timeindex": "be68a9b68ad72b48",
    "00000000000000000600.snapshot": "a463b145215e4e71",
    "leader-epoch-checkpoint": "5eec2f6625376fc8",
}


def test_every_file_is_what_apache_writes(house: Any, disk: Any) -> None:
    log = house.log(segment_bytes=16384, index_interval_bytes=256)
    for i in range(300):
        records = [Record(0, NOW + i * 10, b"k", b"a" * 100), Record(1, NOW + i * 10 + 1, b"k", b"b")]
        log.append_as_leader(build_batch(records, producer_id=5, producer_epoch=0, base_sequence=i * 2), i // 100, NOW)
    house.log_dir.close({})
    names = set(disk.list("/data/t-0")) - {"partition.metadata"}
    found = {name: hashlib.sha256(disk.read(f"/data/t-0/{name}")).hexdigest()[:16] for name in names}
    assert found == DIGESTS
