"""Share consumers: records are acquired and acknowledged, rightly and wrongly, in every version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from records import batch
from sides import Connection, Sides
from topic_of_both import Topic
from transactional import wait_until

from kafkapy.protocol.messages import share_acknowledge as ack
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.share_fetch import (
    SHARE_FETCH,
    AcknowledgementBatch,
    ShareFetchPartition,
    ShareFetchRequest,
    ShareFetchTopic,
    ShareForgottenTopic,
)
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest

MEMBER, OTHER = "bUYxoJ6jQ2q8Zs0iA3b5Bg", "zUYxoJ6jQ2q8Zs0iA3b5Bg"


GROUP = 32
_TRIES = 100


def _has_records(answer: Any) -> bool:
    return any(one.acquired_records for topic in answer.responses for one in topic.partitions)


class Sharer:
    """The only member of a share group of a topic's only partition."""

    def __init__(self, line: Connection, sides: Sides, version: int) -> None:
        self.line, self.version, self.group = line, version, sides.new_name("sg")
        self.topic = Topic(line, sides)
        earliest = [AlterableConfig("share.auto.offset.reset", 0, "earliest")]
        resource = AlterConfigsResource(GROUP, self.group, earliest)
        line.ask(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([resource]))
        sides.settle()
        request = ShareGroupHeartbeatRequest(self.group, MEMBER, 0, None, [self.topic.name])
        wait_until(
            lambda: line.ask_unseen(SHARE_GROUP_HEARTBEAT, 1, request),
            lambda answer: answer.assignment and answer.assignment.topic_partitions,
        )
        self.epoch = 0

    def fetch(self, *acknowledged: tuple[int, int, list[int]], epoch: int | None = None, **given: Any) -> Any:
        batches = [AcknowledgementBatch(*one) for one in acknowledged]
        partitions = [ShareFetchPartition(index, 1 << 20, batches) for index in given.pop("partitions", [0])]
        fields: dict[str, Any] = {
            "group_id": self.group,
            "member_id": MEMBER,
            "share_session_epoch": self._next(epoch),
            "max_records": 500,
            "batch_size": 500,
            "topics": [ShareFetchTopic(given.pop("topic_id", self.topic.id), partitions)],  # type: ignore[arg-type]
        }
        return self.line.ask(SHARE_FETCH, self.version, ShareFetchRequest(**(fields | given)))

    def acknowledge(self, *acknowledged: tuple[int, int, list[int]], epoch: int | None = None, **given: Any) -> Any:
        batches = [ack.AcknowledgementBatch(*one) for one in acknowledged]
        partitions = [ack.AcknowledgePartition(index, batches) for index in given.pop("partitions", [0])]
        topics = [ack.AcknowledgeTopic(given.pop("topic_id", self.topic.id), partitions)]  # type: ignore[arg-type]
        fields = {"group_id": self.group, "member_id": MEMBER, "share_session_epoch": self._next(epoch)}
        request = ack.ShareAcknowledgeRequest(**(fields | {"topics": topics} | given))  # type: ignore[arg-type]
        return self.line.ask(ack.SHARE_ACKNOWLEDGE, self.version, request)

    def begin(self) -> None:
        """Three records are there, and the member has acquired the first batch of them at both brokers.

        Apache reads the partition's state aside, and answers nothing meanwhile.
        """
        self.topic.produce(9, (0, batch("a", "b", "c")))
        found: set[str] = set()
        for _ in range(_TRIES):
            wanted = ShareFetchTopic(self.topic.id, [ShareFetchPartition(0, 1 << 20)])  # type: ignore[arg-type]
            request = ShareFetchRequest(
                self.group, MEMBER, self._next(None), 100, 1, max_records=3, batch_size=3, topics=[wanted]
            )
            answers = self.line.ask_unseen(SHARE_FETCH, self.version, request)
            found |= {side for side in ("kafkapy", "apache") if _has_records(getattr(answers, side))}
            if len(found) == len(self.line.sides.connect):
                return
        raise AssertionError("both brokers do not give the records")

    def _next(self, epoch: int | None) -> int:
        if epoch is not None:
            return epoch
        self.epoch += 1
        return self.epoch - 1


def test_share_records(line: Connection, sides: Sides) -> None:
    for version in sides.versions(SHARE_FETCH):
        one = Sharer(line, sides, version)
        one.begin()
        for values in ("de", "f", "ghij"):
            one.topic.produce(9, (0, batch(*values)))
        # Apache fetches while it writes what a ShareFetch acknowledges; so each has its own request.
        one.acknowledge((0, 0, [1]), (1, 2, [2, 3]))
        one.fetch(max_records=3)
        one.acknowledge((3, 4, [1]))
        one.fetch(max_records=1)
        for wrong in (
            [(0, 0, [1])],
            [(50, 60, [1])],
            [(9, 5, [1])],
            [(5, 5, [9])],
            [(5, 5, [])],
            [(5, 5, [1, 1])],
            [(-1, 5, [1])],
        ):
            line.note = f"v{version} {wrong}"
            one.acknowledge(*wrong)
        line.note = ""
        one.fetch()
        one.acknowledge((5, 9, [2]))
        one.fetch()
        one.acknowledge((5, 5, [0]), (6, 9, [1]))
        one.fetch(epoch=-1)


def test_share_sessions(line: Connection, sides: Sides) -> None:
    for version in sides.versions(SHARE_FETCH):
        one = Sharer(line, sides, version)
        for epoch in (1, -1, 5):
            one.fetch(epoch=epoch)
            one.acknowledge((0, 0, [1]), epoch=epoch)
        one.acknowledge((0, 0, [1]), epoch=0)
        one.fetch((0, 0, [1]), epoch=0)
        one.begin()
        for epoch in (5, 0, -2):
            one.acknowledge(epoch=epoch)
        for given in (
            {"group_id": ""},
            {"group_id": None},
            {"member_id": ""},
            {"member_id": None},
            {"member_id": "no id"},
            {"member_id": OTHER},
            {"topic_id": UUID(int=77)},
            {"topic_id": UUID(int=0)},
            {"partitions": [7, -1]},
        ):
            line.note = f"v{version} {given}"
            one.fetch(epoch=0, **given)
            one.acknowledge(epoch=1, **given)
        line.note = ""
        one.fetch(epoch=0)
        one.fetch(epoch=1, forgotten_topics_data=[ShareForgottenTopic(one.topic.id, [0])], topics=[])  # type: ignore[arg-type]
        one.fetch(epoch=2, topics=[])
        one.acknowledge(epoch=-1)
        one.acknowledge(epoch=-1)
