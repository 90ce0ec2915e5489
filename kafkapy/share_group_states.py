"""Between the coordinator of share groups and the share coordinator (KIP-932): states begin and end as groups want.

A heartbeat is answered before the states that it asks for have begun: a later one assigns their partitions. Apache's
class: GroupCoordinatorService.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.group_shard import GroupShard
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise, all_of
from kafkapy.coordinator.share.membership import ToInitialize
from kafkapy.coordinator.share.state_records import SharePartitionKey
from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.groups import Groups
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_share_group_offsets as a
from kafkapy.protocol.messages import delete_share_group_offsets as d
from kafkapy.protocol.messages import delete_share_group_state as ds
from kafkapy.protocol.messages import initialize_share_group_state as i
from kafkapy.protocol.messages import read_share_group_state_summary as rs
from kafkapy.protocol.messages.delete_groups import DeletableGroupResult
from kafkapy.protocol.messages.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse
from kafkapy.share_coordinator import ShareCoordinator

logger = logging.getLogger(__name__)


class _Result(Protocol):
    partition: int
    error_code: int
    error_message: str | None


R = TypeVar("R", bound=_Result)
T = TypeVar("T")
Failures = dict[tuple[UUID, int], KafkaError]


class ShareGroupStates:
    """Runs what share groups want in its steps."""

    def __init__(self, groups: Groups, coordinator: ShareCoordinator) -> None:
        self._groups = groups
        self._coordinator = coordinator

    def heartbeat(self, request: ShareGroupHeartbeatRequest, caller: Caller) -> Promise[ShareGroupHeartbeatResponse]:
        """The answer; the states that the group needs begin after it. Raises KafkaError: see Groups.run."""
        answer: Promise[ShareGroupHeartbeatResponse] = Promise()
        beat = self._groups.run(
            request.group_id, lambda shard, now_ms: shard.shares.membership.heartbeat(request, caller, now_ms)
        )

        def answered(done: Promise[tuple[ShareGroupHeartbeatResponse, ToInitialize | None]]) -> None:
            response, wanted = done.result()
            answer.set(response)
            if wanted is not None:
                self._initialize(wanted)

        beat.when_done(answered)
        return answer

    def alter(self, request: a.AlterShareGroupOffsetsRequest) -> Promise[a.AlterShareGroupOffsetsResponse]:
        """The answer, once the states have begun anew. Raises KafkaError: see Groups.run."""
        answer: Promise[a.AlterShareGroupOffsetsResponse] = Promise()

        def altered(done: Promise[tuple[a.AlterShareGroupOffsetsResponse, ToInitialize | None]]) -> None:
            response, wanted = done.result()
            if wanted is None:
                answer.set(response)
                return
            self._initialize(wanted).when_done(lambda found: answer.set(_with_failures(response, found.result())))

        self._run(request.group_id, lambda shard, now_ms: shard.shares.alter_offsets(request, now_ms)).when_done(
            altered
        )
        return answer

    def delete_offsets(self, request: d.DeleteShareGroupOffsetsRequest) -> Promise[d.DeleteShareGroupOffsetsResponse]:
        """The answer, once the states have ended. Raises KafkaError: see Groups.run."""
        answer: Promise[d.DeleteShareGroupOffsetsResponse] = Promise()
        group_id = request.group_id

        def begun(done: Promise[tuple[d.DeleteShareGroupOffsetsResponse, Partitions]]) -> None:
            response, ending = done.result()
            self._delete(group_id, ending).when_done(lambda found: ended(response, ending, found.result()))

        def ended(response: d.DeleteShareGroupOffsetsResponse, ending: Partitions, failed: Failures) -> None:
            errors = {topic_id: error for (topic_id, _), error in failed.items()}
            for topic_id in ending:
                topic = d.DeleteShareGroupOffsetsResponseTopic(self._groups.topic_name(topic_id), topic_id)
                error = errors.get(topic_id)
                if error is not None:
                    topic.error_code, topic.error_message = error.code, error.why
                response.responses.append(topic)
            gone = [topic_id for topic_id in ending if topic_id not in errors]
            self._run(group_id, lambda shard, now_ms: shard.shares.deleted_offsets(group_id, gone, now_ms))
            answer.set(response)

        first = self._run(group_id, lambda shard, now_ms: shard.shares.begin_deleting_offsets(request, now_ms))
        first.when_done(begun)
        return answer

    def delete_group(self, group_id: str) -> Promise[DeletableGroupResult]:
        """The result for a group of any kind; a share group's states end before it does. Raises KafkaError."""
        if self._groups.shard_of(group_id).shares.groups.get(group_id) is None:
            return self._run(group_id, lambda shard, now_ms: shard.delete_group(group_id, now_ms))
        answer: Promise[DeletableGroupResult] = Promise()

        def begun(done: Promise[tuple[KafkaError | None, Partitions]]) -> None:
            error, ending = done.result()
            if error is not None:
                answer.set(DeletableGroupResult(group_id, error.code))
                return
            self._delete(group_id, ending).when_done(lambda found: ended(found.result()))

        def ended(failed: Failures) -> None:
            for error in failed.values():
                answer.set(DeletableGroupResult(group_id, error.code))
                return
            last = self._run(group_id, lambda shard, now_ms: shard.delete_group(group_id, now_ms))
            last.when_done(lambda result: answer.set(result.result()))

        self._run(group_id, lambda shard, now_ms: shard.shares.begin_deleting(group_id, now_ms)).when_done(begun)
        return answer

    def summaries(self, group_id: str, partitions: Partitions) -> Promise[dict[tuple[UUID, int], rs.PartitionResult]]:
        """Where these partitions begin; each has its own result."""
        return self._each(
            group_id,
            partitions,
            lambda shard, topic_id, one, now_ms: shard.read_summary(
                group_id, topic_id, rs.PartitionData(one, -1), now_ms
            ),
            rs.PartitionResult,
        )

    # Steps

    def _initialize(self, wanted: ToInitialize) -> Promise[Failures]:
        """Begin the states, and let the group know which have begun; the result is which have not."""
        group_id, epoch, offsets = wanted
        done: Promise[Failures] = Promise()

        def begun(results: Promise[dict[tuple[UUID, int], i.PartitionResult]]) -> None:
            failed = _failures(results.result())
            for (topic_id, partition), error in failed.items():
                logger.error("group %s has no state of partition %d of %s: %s", group_id, partition, topic_id, error)
            have = {
                topic_id: [one for one in found if (topic_id, one) not in failed] for topic_id, found in offsets.items()
            }
            have = {topic_id: found for topic_id, found in have.items() if found}
            have_not: dict[UUID, list[int]] = {}
            for topic_id, one in failed:
                have_not.setdefault(topic_id, []).append(one)
            self._run(group_id, lambda shard, now_ms: shard.shares.membership.initialized(group_id, have, now_ms))
            self._run(
                group_id, lambda shard, now_ms: shard.shares.membership.not_initialized(group_id, have_not, now_ms)
            )
            done.set(failed)

        self._each(
            group_id,
            {topic_id: list(found) for topic_id, found in offsets.items()},
            lambda shard, topic_id, one, now_ms: shard.initialize(
                group_id, topic_id, i.PartitionData(one, epoch, offsets[topic_id][one]), now_ms
            ),
            i.PartitionResult,
        ).when_done(begun)
        return done

    def _delete(self, group_id: str, partitions: Partitions) -> Promise[Failures]:
        done: Promise[Failures] = Promise()
        self._each(
            group_id,
            partitions,
            lambda shard, topic_id, one, now_ms: shard.delete(group_id, topic_id, ds.PartitionData(one), now_ms),
            ds.PartitionResult,
        ).when_done(lambda results: done.set(_failures(results.result())))
        return done

    def _each(
        self,
        group_id: str,
        partitions: Partitions,
        operation: Callable[[ShareStateShard, UUID, int, int], Outcome[R]],
        result: Callable[[int, ErrorCode, str], R],
    ) -> Promise[dict[tuple[UUID, int], R]]:
        """What the share coordinator answers for each partition, once it has for all."""
        pending: dict[tuple[UUID, int], Promise[R]] = {}
        for topic_id, found in partitions.items():
            for one in sorted(found):
                try:
                    pending[topic_id, one] = self._coordinator.run(
                        SharePartitionKey(group_id, topic_id, one),
                        lambda shard, now_ms, topic_id=topic_id, one=one: operation(shard, topic_id, one, now_ms),  # type: ignore[misc]
                    )
                except KafkaError as error:
                    pending[topic_id, one] = Promise.of(result(one, error.code, error.why))
        done: Promise[dict[tuple[UUID, int], R]] = Promise()
        all_of(list(pending.values())).when_done(
            lambda results: done.set(dict(zip(pending, results.result(), strict=True)))
        )
        return done

    def _run(self, group_id: str, operation: Callable[[GroupShard, int], Outcome[T]]) -> Promise[T]:
        return self._groups.run(group_id, operation)


def _failures(results: dict[tuple[UUID, int], R]) -> Failures:
    return {
        named: KafkaError(ErrorCode(result.error_code), result.error_message or "")
        for named, result in results.items()
        if result.error_code != ErrorCode.NONE
    }


def _with_failures(response: a.AlterShareGroupOffsetsResponse, failed: Failures) -> a.AlterShareGroupOffsetsResponse:
    for topic in response.responses:
        for partition in topic.partitions:
            error = failed.get((topic.topic_id, partition.partition_index))
            if error is not None:
                partition.error_code, partition.error_message = error.code, error.why
    return response
