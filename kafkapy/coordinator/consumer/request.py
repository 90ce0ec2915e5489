"""What a member's heartbeat says: whether it can be, what is new of the member, and in which epoch it believes to be.

Apache: GroupCoordinatorService's and GroupMetadataManager's `throwIf...` methods.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.consumer.member import (
    JOINING,
    LEAVING,
    LEAVING_FOR_A_WHILE,
    ConsumerMember,
    owns_only,
)
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest

_OWN_IDS_SINCE = 1  # ConsumerGroupHeartbeat: the first version whose members make up their ids (KIP-1082)
_NOT_SAID = -1


def check_request(request: ConsumerGroupHeartbeatRequest, version: int, assignors: Collection[str]) -> None:
    """Raise KafkaError(INVALID_REQUEST, UNSUPPORTED_ASSIGNOR) if no group could take the request."""
    if version >= _OWN_IDS_SINCE or request.member_epoch > 0 or request.member_epoch == LEAVING:
        _require(bool(request.member_id.strip()), "MemberId can't be empty.")
    for text, name in ((request.group_id, "Group"), (request.instance_id, "Instance"), (request.rack_id, "Rack")):
        _require(text is None or bool(text.strip()), f"{name}Id can't be empty.")
    if request.member_epoch == JOINING:
        _require(request.rebalance_timeout_ms != _NOT_SAID, "RebalanceTimeoutMs must be provided in first request.")
        _require(request.topic_partitions == [], "TopicPartitions must be empty when (re-)joining.")
        _require(
            request.subscribed_topic_names is not None or request.subscribed_topic_regex is not None,
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        )
    elif request.member_epoch == LEAVING_FOR_A_WHILE:
        _require(request.instance_id is not None, "InstanceId can't be null.")
    else:
        _require(request.member_epoch > LEAVING_FOR_A_WHILE, "MemberEpoch is invalid.")
    if request.server_assignor is not None and request.server_assignor not in assignors:
        why = f"ServerAssignor {request.server_assignor} is not supported. Supported assignors: "
        raise KafkaError(ErrorCode.UNSUPPORTED_ASSIGNOR, f"{why}{', '.join(assignors)}.")


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)


def owned_in(request: ConsumerGroupHeartbeatRequest) -> Partitions | None:
    """What the member says that it owns; None if it does not say."""
    if request.topic_partitions is None:
        return None
    owned: dict[UUID, list[int]] = {}
    for topic in request.topic_partitions:
        owned.setdefault(topic.topic_id, []).extend(topic.partitions)
    return owned


def as_asked(member: ConsumerMember, request: ConsumerGroupHeartbeatRequest, caller: Caller) -> ConsumerMember:
    """The member as the request has it: what it does not say is as before."""
    names = request.subscribed_topic_names
    regex = request.subscribed_topic_regex
    timeout_ms = request.rebalance_timeout_ms
    return replace(
        member,
        instance_id=request.instance_id or member.instance_id,
        rack_id=request.rack_id or member.rack_id,
        rebalance_timeout_ms=member.rebalance_timeout_ms if timeout_ms == _NOT_SAID else timeout_ms,
        server_assignor=request.server_assignor or member.server_assignor,
        subscribed_topic_names=member.subscribed_topic_names if names is None else frozenset(names),
        subscribed_topic_regex=member.subscribed_topic_regex if regex is None else regex,
        client_id=caller.client_id,
        client_host=caller.client_host,
        classic=None,
    )


def tells_all(request: ConsumerGroupHeartbeatRequest) -> bool:
    """Whether the member told all of itself, as one does that joins or has lost an answer: it wants all told too."""
    if request.member_epoch == JOINING:
        return True
    subscribes = request.subscribed_topic_names is not None or request.subscribed_topic_regex is not None
    return request.rebalance_timeout_ms != _NOT_SAID and subscribes and request.topic_partitions is not None


def check_epoch(member: ConsumerMember, epoch: int, owned: Partitions | None) -> None:
    """Raise KafkaError(FENCED_MEMBER_EPOCH) unless the member is where it thinks, or lost but the last answer."""
    if epoch in (JOINING, member.member_epoch):
        return
    is_last_answer_lost = epoch == member.previous_member_epoch and owns_only(owned, member.assigned)
    if epoch < member.member_epoch and is_last_answer_lost:
        return
    size = "greater" if epoch > member.member_epoch else "smaller"
    why = (
        f"The consumer group member has a {size} member epoch ({epoch}) than the one known by the group coordinator "
        f"({member.member_epoch}). The member must abandon all its partitions and rejoin."
    )
    raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, why)
