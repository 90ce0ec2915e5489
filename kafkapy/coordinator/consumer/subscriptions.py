"""What follows when a member of a consumer group wants other topics, or when the topics themselves change.

The group's epoch moves on when a member asks for other names, when what a regular expression matches is another, and
when the hash of the topics is. Regular expressions are matched aside from the request that brings them, all of a
group's at once, and not more often than every ten seconds. Apache: GroupMetadataManager's
`maybeUpdateRegularExpressions` and `updateSubscriptionMetadata`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from kafkapy.coordinator.consumer.assignment import Change
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.groups import ConsumerGroups
from kafkapy.coordinator.consumer.member import ConsumerMember
from kafkapy.coordinator.consumer.records import (
    epoch_record,
    member_record,
    partition_metadata_tombstone,
    regex_record,
)
from kafkapy.coordinator.consumer.regular_expressions import check_regex, resolve
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext
from kafkapy.coordinator.kept_groups import Refresh
from kafkapy.coordinator.known_topics import group_hash
from kafkapy.coordinator.outcome import Outcome, only_append
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record

log = logging.getLogger(__name__)

_REGEX_REFRESH_MIN_INTERVAL_MS = 10_000


class RegexChange(Enum):
    """What a member's change of its regular expression means to its group."""

    NONE = "the same as before"
    UNRESOLVED = "another one, of which nobody knows yet what it matches"
    RESOLVED = "another one, of which it is known, or none any more"


@dataclass(slots=True)
class Update:
    """What a request changed so far: the records, and whether the member wants other topics now."""

    records: list[Record] = field(default_factory=list)
    names_changed: bool = False
    regex_change: RegexChange = RegexChange.NONE

    @property
    def has_resubscribed(self) -> bool:
        return self.names_changed or self.regex_change is not RegexChange.NONE


class Subscriptions:
    """Follows what the members of one shard's consumer groups want."""

    def __init__(self, context: ConsumerGroupContext, timers: Timers, groups: ConsumerGroups) -> None:
        self._context = context
        self._timers = timers
        self._groups = groups
        self._resolving: set[str] = set()

    def note_member(self, group: ConsumerGroup, before: ConsumerMember, after: ConsumerMember, now_ms: int) -> Update:
        """Write down what is new of the member; a regular expression that nobody looked at is looked at soon.

        Raises KafkaError(INVALID_REGULAR_EXPRESSION).
        """
        update = Update()
        if after != before:
            update.records.append(member_record(group.group_id, after, now_ms))
            update.names_changed = after.subscribed_topic_names != before.subscribed_topic_names
        update.regex_change = self._note_regex(group, before, after, update.records, now_ms)
        return update

    def next_epoch(
        self, group: ConsumerGroup, after: ConsumerMember, update: Update, *, bumps: bool, now_ms: int
    ) -> Change:
        """The epoch that the group is in once the update is written; other topics move it on too."""
        if not bumps and not group.must_refresh(self._context.topics):
            return Change(group.epoch, after)
        topics = self._context.topics
        subscriptions = group.subscriptions(after)
        metadata_hash = group_hash(subscriptions.topics, topics)
        epoch = group.epoch
        if bumps or metadata_hash != group.metadata_hash:
            epoch += 1
            update.records.append(epoch_record(group.group_id, epoch, metadata_hash, now_ms))
            log.info("group %s is in epoch %d", group.group_id, epoch)
        group.refreshed = Refresh(topics.change_count, epoch)
        if group.has_partition_metadata:
            update.records.append(partition_metadata_tombstone(group.group_id, now_ms))
        return Change(epoch, after)

    def without(self, group: ConsumerGroup, leaving: Iterable[ConsumerMember], now_ms: int) -> list[Record]:
        """Move the group on without some members; regular expressions that only they had are forgotten."""
        gone = {member.member_id for member in leaving}
        subscriptions = group.subscriptions(leaving=gone)
        dropped = [regex for regex in group.regexes if regex not in subscriptions.regexes]
        records = [regex_record(group.group_id, regex, None, now_ms) for regex in dropped]
        metadata_hash = group_hash(subscriptions.topics, self._context.topics)
        records.append(epoch_record(group.group_id, group.epoch + 1, metadata_hash, now_ms))
        log.info("group %s is in epoch %d", group.group_id, group.epoch + 1)
        return records

    # Regular expressions

    def _note_regex(
        self,
        group: ConsumerGroup,
        before: ConsumerMember,
        after: ConsumerMember,
        records: list[Record],
        now_ms: int,
    ) -> RegexChange:
        change, is_unknown = RegexChange.NONE, False
        if before.subscribed_topic_regex != after.subscribed_topic_regex:
            change = RegexChange.UNRESOLVED
            if before.regex is not None and group.regexes[before.regex] == 1:
                records.append(regex_record(group.group_id, before.regex, None, now_ms))
            if after.regex is not None and not group.regexes[after.regex]:
                check_regex(after.regex)
                is_unknown = True
            elif after.regex in group.resolved or (after.regex is None and before.regex is not None):
                change = RegexChange.RESOLVED
        if is_unknown or group.regexes:
            regexes = set(group.subscriptions(after).regexes)
            if regexes and self._is_resolution_due(group, regexes, now_ms, is_unknown=is_unknown):
                self._resolve_soon(group.group_id, regexes, now_ms)
        return change

    def _is_resolution_due(self, group: ConsumerGroup, regexes: set[str], now_ms: int, *, is_unknown: bool) -> bool:
        if group.group_id in self._resolving:
            return False
        last = next(iter(group.resolved.values()), None)
        if last is None:
            return True
        if now_ms <= last.timestamp + _REGEX_REFRESH_MIN_INTERVAL_MS:
            return False
        return (
            is_unknown
            or len(regexes) != len(group.resolved)
            or last.version < self._context.topics.created_version
            or now_ms > last.timestamp + self._context.config.regex_refresh_interval_ms
        )

    def _resolve_soon(self, group_id: str, regexes: set[str], now_ms: int) -> None:
        def run(then_ms: int) -> Outcome[None]:
            self._resolving.discard(group_id)
            return only_append(self._resolve(group_id, regexes, then_ms))

        self._resolving.add(group_id)
        self._timers.set(f"consumer regex {group_id}", now_ms, run)

    def _resolve(self, group_id: str, regexes: set[str], now_ms: int) -> list[Record]:
        """Match the regular expressions; the group moves on if one matches other topics than before."""
        group = self._groups.get(group_id)
        if group is None:
            return []
        topics = self._context.topics
        found = resolve(sorted(regex for regex in regexes if group.regexes[regex]), topics, now_ms)
        records = [regex_record(group_id, regex, value, now_ms) for regex, value in found.items()]
        matched = {topic for value in {**group.resolved, **found}.values() for topic in value.topics}
        metadata_hash = group_hash({*group.subscriptions().by_name, *matched}, topics)
        is_new = any(
            set(value.topics) != set(before.topics if (before := group.resolved.get(regex)) is not None else ())
            for regex, value in found.items()
        )
        if is_new or metadata_hash != group.metadata_hash:
            epoch = group.epoch + 1
            records.append(epoch_record(group_id, epoch, metadata_hash, now_ms))
            log.info("group %s is in epoch %d: its regular expressions match other topics", group_id, epoch)
            group.refreshed = Refresh(topics.change_count, epoch)
        return records
