"""One of two log directories becomes read-only: what is in it is refused, the other is served, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import LIBRARIES, wait_for
from load import Load
from volume import Missing, Volumes

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_log_dirs import DESCRIBE_LOG_DIRS, DescribeLogDirsRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest

VOLUME_BYTES = 64 << 20
PARTITIONS = range(4)


class TwoDisks:
    """A broker's two directories, each a file system. The metadata is in the first."""

    def __init__(self, broker: Any, folder: Path) -> None:
        self.paths = folder / "first", folder / "second"
        for path in self.paths:
            path.mkdir()
        self._frozen = folder / "frozen"
        self._volumes = Volumes(dict.fromkeys(self.paths, VOLUME_BYTES))
        broker.within = self._volumes.within
        broker.data = ",".join(map(str, self.paths))

    @property
    def in_second(self) -> list[int]:
        """The partitions of the topic t that are there."""
        return sorted(int(path.name.rpartition("-")[2]) for path in self._volumes.see(self.paths[1]).glob("t-*"))

    def freeze(self) -> None:
        """Let nothing more be opened for writing, made, renamed or removed in the second."""
        # Made read-only aside, and moved over it at once: Linux refuses that to what a file is being written in.
        self._frozen.mkdir(exist_ok=True)
        self._volumes.run("mount", "--bind", str(self.paths[1]), str(self._frozen))
        self._volumes.run("mount", "-o", "remount,bind,ro", str(self._frozen))
        self._volumes.run("mount", "--move", str(self._frozen), str(self.paths[1]))

    def thaw(self) -> None:
        self._volumes.run("umount", str(self.paths[1]))

    def close(self) -> None:
        self._volumes.close()


@pytest.fixture
def disks(broker: Any, tmp_path: Path) -> Iterator[TwoDisks]:
    try:
        disks = TwoDisks(broker, tmp_path)
    except Missing as reason:
        pytest.skip(str(reason))
    yield disks
    broker.close()
    disks.close()


def leaders(client: Any, topic: str = "t") -> dict[int, tuple[int, int]]:
    """Leader and error of each partition."""
    [found] = [one for one in client.ask(METADATA, 4, MetadataRequest(None)).topics if one.name == topic]
    return {one.partition_index: (one.leader_id, one.error_code) for one in found.partitions}


def fetched(client: Any, partition: int) -> int:
    """The error of a fetch."""
    wanted = [FetchTopic("t", partitions=[FetchPartition(partition, partition_max_bytes=1000)])]
    answer = client.ask(FETCH, 12, FetchRequest(max_wait_ms=0, max_bytes=1000, topics=wanted))
    return answer.responses[0].partitions[0].error_code  # type: ignore[no-any-return]


@pytest.mark.parametrize("flush", ["1", "1000000"], ids=["found by an append", "found by a checkpoint"])
def test_the_other_is_served(broker: Any, disks: TwoDisks, batch: Callable[..., bytes], flush: str) -> None:
    settings = (f"log.flush.interval.messages={flush}", "replica.high.watermark.checkpoint.interval.ms=50")
    broker.options = [word for one in settings for word in ("--override", one)]
    client = broker.start().client()
    client.create("t", len(PARTITIONS))
    lost = disks.in_second
    assert len(lost) == 2
    for partition in PARTITIONS:
        assert client.produce(batch("a"), "t", partition).base_offset == 0

    disks.freeze()
    client.produce(batch("perhaps"), "t", lost[0])
    wait_for(lambda: leaders(client)[lost[0]][0] == -1, "an offline directory")
    for partition in PARTITIONS:
        code = ErrorCode.KAFKA_STORAGE_ERROR if partition in lost else ErrorCode.NONE
        assert client.produce(batch("b"), "t", partition).error_code == code
        assert fetched(client, partition) == code
    for partition, (leader, code) in leaders(client).items():
        expected = (-1, ErrorCode.LEADER_NOT_AVAILABLE) if partition in lost else (1, ErrorCode.NONE)
        assert (leader, code) == expected
    described = client.ask(DESCRIBE_LOG_DIRS, 4, DescribeLogDirsRequest(None)).results
    assert {one.log_dir: one.error_code for one in described} == {
        str(disks.paths[0]): ErrorCode.NONE,
        str(disks.paths[1]): ErrorCode.KAFKA_STORAGE_ERROR,
    }
    client.create("new", 2)
    assert set(leaders(client, "new").values()) == {(1, ErrorCode.NONE)}
    assert client.produce(batch("a"), "new").error_code == ErrorCode.NONE

    broker.kill()
    client = broker.start().client()
    assert {partition for partition, (leader, _) in leaders(client).items() if leader == -1} == set(lost)
    broker.kill()
    disks.thaw()
    client = broker.start().client()
    for partition in PARTITIONS:
        values = [value for _, value in client.read("t", partition)]
        assert values in ((["a"], ["a", "perhaps"]) if partition in lost else (["a", "b"],))
        assert client.produce(batch("c"), "t", partition).base_offset == len(values)
    assert client.read("new") == [(0, "a")]
    assert "Traceback" not in broker.log()


@pytest.mark.parametrize("library", LIBRARIES)
def test_clients_wait_for_it(disks: TwoDisks, load: Callable[..., Load], library: str) -> None:
    suffering: Any = load(library)
    suffering.begin()
    suffering.after("committed", 5)
    disks.freeze()
    wait_for(lambda: str(disks.paths[1]) in suffering.broker.log(), "an offline directory")
    suffering.after("acked", 100)
    disks.thaw()
    suffering.broker.kill()
    suffering.broker.start()
    suffering.after("acked", 500)
    suffering.after("committed", 5)
    suffering.end()
