"""The internal topics of streams groups: heartbeats say which are missing, and they are made for them (KIP-1071).

A topic that could not be made is not tried again for a while, in which heartbeats are told why. Apache's class:
DefaultAutoTopicCreationManager.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from kafkapy.cluster import Cluster
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

logger = logging.getLogger(__name__)
_KEPT_FAILURES = 1000


class StreamsTopics:
    """Makes internal topics, and remembers for a while why some could not be made."""

    def __init__(self, cluster: Cluster, clock: Callable[[], int]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._being_made: set[str] = set()
        self._failures: dict[str, tuple[str, int]] = {}  # why, and until when it is remembered

    def failures(self, names: Iterable[str]) -> dict[str, str]:
        """Why these topics could not be made lately, where that is so."""
        now_ms = self._clock()
        found = {name: self._failures[name] for name in names if name in self._failures}
        return {name: why for name, (why, until_ms) in found.items() if until_ms > now_ms}

    async def wait_make(self, topics: Sequence[CreatableTopic], remember_ms: int) -> None:
        """Make the topics, but for those that another heartbeat is making, or that could not be made lately."""
        failed = self.failures(topic.name for topic in topics)
        wanted = [topic for topic in topics if topic.name not in failed and topic.name not in self._being_made]
        if not wanted:
            return
        names = {topic.name for topic in wanted}
        self._being_made |= names
        try:
            why = await self._wait_make(wanted)
        finally:
            self._being_made -= names
        for name, text in why.items():
            logger.warning("internal topic %s of a streams group cannot be made: %s", name, text)
            self._remember(name, text, remember_ms)

    async def _wait_make(self, topics: list[CreatableTopic]) -> dict[str, str]:
        request = CreateTopicsRequest(topics=topics)
        try:
            response = await self._cluster.wait_change(lambda controller: controller.create_topics(request))
        except KafkaError as error:
            return dict.fromkeys((topic.name for topic in topics), error.why)
        return {
            result.name: result.error_message or ErrorCode(result.error_code).name
            for result in response.topics
            if result.error_code != ErrorCode.NONE
        }

    def _remember(self, name: str, why: str, remember_ms: int) -> None:
        now_ms = self._clock()
        self._failures[name] = why, now_ms + remember_ms
        if len(self._failures) > _KEPT_FAILURES:
            # Those that are forgotten soonest go first.
            kept = sorted(self._failures.items(), key=lambda one: one[1][1], reverse=True)[:_KEPT_FAILURES]
            self._failures = {one: failure for one, failure in kept if failure[1] > now_ms}
