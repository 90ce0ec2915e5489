"""ShareAcknowledge: what became of records that a share consumer was given (KIP-932)."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.share_requests import Acknowledged, acknowledge, check_member, leaders
from kafkapy.parking import finish_with
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.share_acknowledge import (
    SHARE_ACKNOWLEDGE,
    AcknowledgedPartition,
    LeaderIdAndEpoch,
    NodeEndpoint,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)
from kafkapy.replication.share_sessions import FINAL_EPOCH, FIRST_EPOCH, SessionKey


@serves(SHARE_ACKNOWLEDGE)
def share_acknowledge(
    request: ShareAcknowledgeRequest, call: Call
) -> ShareAcknowledgeResponse | Awaitable[ShareAcknowledgeResponse]:
    """Every acknowledgement that counts is written before the answer; the last request gives the rest back."""
    member = check_member(request.group_id, request.member_id, call)
    if request.share_session_epoch == FIRST_EPOCH:
        why = "a share session begins with a fetch: there is nothing to acknowledge before it"
        raise KafkaError(ErrorCode.INVALID_SHARE_SESSION_EPOCH, why)
    call.node.share_partitions.sessions.go_on(member, request.share_session_epoch)
    acknowledged = acknowledge(member, request.topics, request.is_renew_ack, call)
    return finish_with(acknowledged, lambda results: _respond(results, request, member, call))


def _respond(
    results: Acknowledged, request: ShareAcknowledgeRequest, member: SessionKey, call: Call
) -> ShareAcknowledgeResponse:
    if request.share_session_epoch == FINAL_EPOCH:
        call.node.share_partitions.end_session(member)
    response = ShareAcknowledgeResponse(
        acquisition_lock_timeout_ms=call.node.share_partitions.config_of(member.group_id).share_record_lock_duration_ms
    )
    hints = leaders({named: error.code for named, error in results.items() if error is not None}, call)
    topics: dict[object, ShareAcknowledgeTopicResponse] = {}
    for named, error in results.items():
        partition = AcknowledgedPartition(named.partition)
        if error is not None:
            partition.error_code, partition.error_message = error.code, error.why
        if named in hints:
            partition.current_leader = LeaderIdAndEpoch(hints[named].node_id, hints[named].epoch)
        topic = topics.setdefault(named.topic_id, ShareAcknowledgeTopicResponse(named.topic_id))
        topic.partitions.append(partition)
    response.responses = list(topics.values())
    nodes = {hint.node_id: NodeEndpoint(hint.node_id, hint.host, hint.port, hint.rack) for hint in hints.values()}
    response.node_endpoints = list(nodes.values())
    return response
