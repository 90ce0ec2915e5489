"""Every API answers in every version that it advertises, and the answer's bytes are those of its declaration."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.handlers.call import find_handlers
from kafkapy.protocol.codec import encode_bytes
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import alter_configs, describe_producers
from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from kafkapy.protocol.messages.alter_client_quotas import AlterClientQuotasRequest, EntityData, EntryData, OpData
from kafkapy.protocol.messages.alter_configs import AlterConfigsRequest
from kafkapy.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from kafkapy.protocol.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
)
from kafkapy.protocol.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialUpsertion,
)
from kafkapy.protocol.messages.api_versions import ApiVersionsRequest
from kafkapy.protocol.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from kafkapy.protocol.messages.create_acls import AclCreation, CreateAclsRequest
from kafkapy.protocol.messages.create_delegation_token import CreatableRenewers, CreateDelegationTokenRequest
from kafkapy.protocol.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from kafkapy.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from kafkapy.protocol.messages.delete_groups import DeleteGroupsRequest
from kafkapy.protocol.messages.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from kafkapy.protocol.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequestTopic,
)
from kafkapy.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from kafkapy.protocol.messages.describe_acls import LITERAL, DescribeAclsRequest
from kafkapy.protocol.messages.describe_client_quotas import ComponentData, DescribeClientQuotasRequest
from kafkapy.protocol.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from kafkapy.protocol.messages.describe_groups import DescribeGroupsRequest
from kafkapy.protocol.messages.describe_producers import DescribeProducersRequest
from kafkapy.protocol.messages.describe_quorum import DescribeQuorumRequest, PartitionData, TopicData
from kafkapy.protocol.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
)
from kafkapy.protocol.messages.describe_topic_partitions import DescribeTopicPartitionsRequest, TopicRequest
from kafkapy.protocol.messages.describe_transactions import DescribeTransactionsRequest
from kafkapy.protocol.messages.elect_leaders import ElectLeadersRequest
from kafkapy.protocol.messages.end_txn import EndTxnRequest
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HeartbeatRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.leave_group import LeaveGroupRequest, MemberIdentity
from kafkapy.protocol.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from kafkapy.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from kafkapy.protocol.messages.share_acknowledge import (
    AcknowledgementBatch,
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
)
from kafkapy.protocol.messages.share_fetch import SHARE_FETCH, ShareFetchPartition, ShareFetchRequest, ShareFetchTopic
from kafkapy.protocol.messages.share_group_describe import ShareGroupDescribeRequest
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest
from kafkapy.protocol.messages.streams_group_describe import StreamsGroupDescribeRequest
from kafkapy.protocol.messages.streams_group_heartbeat import (
    STREAMS_GROUP_HEARTBEAT,
    StreamsGroupHeartbeatRequest,
    Subtopology,
    Topology,
)
from kafkapy.protocol.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from kafkapy.protocol.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.unregister_broker import UnregisterBrokerRequest
from kafkapy.protocol.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from kafkapy.protocol.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)

HANDLERS = find_handlers()


def request_of(api: Any, version: int, client: Any, topic_id: Any) -> Any:
    """A request that must succeed, with something in every field that a version may have."""
    by_id = {"Fetch": 13, "Produce": 13, "DeleteTopics": 6, "OffsetCommit": 10, "OffsetFetch": 10}
    topic = topic_id if version >= by_id.get(api.name, 99) else "t"
    match api.name:
        case "Produce":
            if version < 3:
                return client.produce_request(client.message_set("a", magic=min(version, 1)))
            return client.produce_request(client.batch("a"), topic)
        case "Fetch":
            return client.fetch_request((topic, 0, 0))
        case "ListOffsets":
            return ListOffsetsRequest(-1, topics=[ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=-2)])])
        case "Metadata":
            return MetadataRequest([MetadataRequestTopic(name="t")])
        case "OffsetCommit":
            partitions = [OffsetCommitRequestPartition(0, 1, committed_metadata="m")]
            return OffsetCommitRequest("g", topics=[OffsetCommitRequestTopic("t", topic_id, partitions)])
        case "OffsetFetch":
            groups = [OffsetFetchRequestGroup("g", topics=[OffsetFetchRequestTopics("t", topic_id, [0])])]
            return OffsetFetchRequest("g", [OffsetFetchRequestTopic("t", [0])], groups)
        case "FindCoordinator":
            return FindCoordinatorRequest("g", 0, ["g"])
        case "JoinGroup":
            protocols = [JoinGroupRequestProtocol("range", b"x")]
            return JoinGroupRequest("joined", 10_000, 10_000, "", "i" if version >= 5 else None, "consumer", protocols)
        case "CreateTopics":
            return CreateTopicsRequest(topics=[CreatableTopic("new", 1, 1)])
        case "DeleteTopics":
            return DeleteTopicsRequest([DeleteTopicState(None, topic_id)], ["t"])
        case "CreatePartitions":
            return CreatePartitionsRequest([CreatePartitionsTopic("t", 2, None)])
        case "OffsetForLeaderEpoch":
            partition = OffsetForLeaderPartition(0, leader_epoch=0)
            return OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic("t", [partition])])
        case "DescribeConfigs":
            return DescribeConfigsRequest([DescribeConfigsResource(2, "t", None)])
        case "IncrementalAlterConfigs":
            return IncrementalAlterConfigsRequest([AlterConfigsResource(2, "t", [AlterableConfig("flush.ms", 0, "9")])])
        case "AlterConfigs":
            return AlterConfigsRequest([alter_configs.AlterConfigsResource(2, "t", [])])
        case "DeleteRecords":
            return DeleteRecordsRequest([DeleteRecordsTopic("t", [DeleteRecordsPartition(0, 1)])])
        case "ConsumerGroupHeartbeat":
            return ConsumerGroupHeartbeatRequest(
                "consumers", "me", 0, "i", "rack", 10_000, ["t"], "t", "range", topic_partitions=[]
            )
        case "DescribeGroups":
            return DescribeGroupsRequest(["g"])
        case "DescribeTopicPartitions":
            return DescribeTopicPartitionsRequest([TopicRequest("t")])
        case "DeleteGroups":
            return DeleteGroupsRequest(["g"])
        case "OffsetDelete":
            topics = [OffsetDeleteRequestTopic("t", [OffsetDeleteRequestPartition(0)])]
            return OffsetDeleteRequest("g", topics)
        case "InitProducerId":
            return InitProducerIdRequest(None, 1000)
        case "ElectLeaders":
            return ElectLeadersRequest(0, None)
        case "AlterPartitionReassignments":
            partition = ReassignablePartition(0, [1])
            return AlterPartitionReassignmentsRequest(topics=[ReassignableTopic("t", [partition])])
        case "DescribeAcls":
            return DescribeAclsRequest(2, "t", LITERAL, "User:u", "*", 3, 3)
        case "CreateAcls":
            return CreateAclsRequest([AclCreation(2, "t", LITERAL, "User:u", "*", 3, 3)])
        case "DeleteAcls":
            return DeleteAclsRequest([DeleteAclsFilter(2, "t", LITERAL, "User:u", "*", 3, 3)])
        case "CreateDelegationToken":
            return CreateDelegationTokenRequest("User" if version >= 3 else None, "u", [CreatableRenewers("User", "v")])
        case "DescribeQuorum":
            return DescribeQuorumRequest([TopicData("__cluster_metadata", [PartitionData(0)])])
        case "UpdateFeatures":
            return UpdateFeaturesRequest(feature_updates=[FeatureUpdateKey("metadata.version", 30)])
        case "UnregisterBroker":
            return UnregisterBrokerRequest(2)
        case "DescribeClientQuotas":
            return DescribeClientQuotasRequest([ComponentData("user", 2, None)])
        case "AlterClientQuotas":
            return AlterClientQuotasRequest([EntryData([EntityData("user", "u")], [OpData("consumer_byte_rate", 1.0)])])
        case "AlterUserScramCredentials":
            upsertion = ScramCredentialUpsertion("u", 1, 4096, b"salt", b"password")
            return AlterUserScramCredentialsRequest([], [upsertion])
        case "AddPartitionsToTxn":
            topics = [AddPartitionsToTxnTopic("t", [0])]
            return AddPartitionsToTxnRequest(
                [AddPartitionsToTxnTransaction("tx", *client.producer, topics=topics)], "tx", *client.producer, topics
            )
        case "AddOffsetsToTxn":
            return AddOffsetsToTxnRequest("tx", *client.producer, "g")
        case "EndTxn":
            return EndTxnRequest("tx", *client.producer, committed=True)
        case "TxnOffsetCommit":
            topics = [TxnOffsetCommitRequestTopic("t", [TxnOffsetCommitRequestPartition(0, 1, 0, "m")])]
            return TxnOffsetCommitRequest("tx", "g", *client.producer, topics=topics)
        case "WriteTxnMarkers":
            producer_id, epoch = client.producer
            marker = WritableTxnMarker(producer_id, epoch + 1, True, [WritableTxnMarkerTopic("t", [0])], 0, 2)
            return WriteTxnMarkersRequest([marker])
        case "DescribeProducers":
            return DescribeProducersRequest([describe_producers.TopicRequest("t", [0])])
        case "DescribeTransactions":
            return DescribeTransactionsRequest(["tx"])
        case "ApiVersions":
            return ApiVersionsRequest("tests", "1.0")
        case "ShareGroupHeartbeat":
            return ShareGroupHeartbeatRequest("sharers", "me", 0, "rack", ["t"])
        case "StreamsGroupHeartbeat":
            request = StreamsGroupHeartbeatRequest("streamers", "me", rebalance_timeout_ms=1000, process_id="p")
            request.topology = Topology(0, [Subtopology("0", ["t"])])
            request.active_tasks, request.standby_tasks, request.warmup_tasks = [], [], []
            return request
        case "StreamsGroupDescribe":
            return StreamsGroupDescribeRequest(["streamers"])
        case "ShareGroupDescribe":
            return ShareGroupDescribeRequest(["sharers"])
        case "ShareFetch":
            topics = [ShareFetchTopic(topic_id, [ShareFetchPartition(0)])]
            return ShareFetchRequest("sharers", "me", max_bytes=1000, max_records=10, batch_size=10, topics=topics)
        case "ShareAcknowledge":
            batch = AcknowledgementBatch(1, 1, [1])
            return ShareAcknowledgeRequest(
                "sharers", "me", 2, topics=[AcknowledgeTopic(topic_id, [AcknowledgePartition(0, [batch])])]
            )
        case "AlterShareGroupOffsets":
            alter = [AlterShareGroupOffsetsRequestTopic("t", [AlterShareGroupOffsetsRequestPartition(0, 1)])]
            return AlterShareGroupOffsetsRequest("sharers", alter)
        case "DeleteShareGroupOffsets":
            return DeleteShareGroupOffsetsRequest("sharers", [DeleteShareGroupOffsetsRequestTopic("t")])
        case "DescribeShareGroupOffsets":
            wanted = [DescribeShareGroupOffsetsRequestTopic("t", [0])]
            return DescribeShareGroupOffsetsRequest([DescribeShareGroupOffsetsRequestGroup("sharers", wanted)])
        case _:
            return api.request()


async def members_request(api: Any, version: int, client: Any) -> Any:
    """A request of a group's only member."""
    joined = await client.join("g")
    member = joined.member_id
    if api.name == "SyncGroup":
        assignment = [SyncGroupRequestAssignment(member, b"mine")]
        return SyncGroupRequest("g", 1, member, None, "consumer", "range", assignment)
    if api.name == "Heartbeat":
        await client.sync("g", joined)
        return HeartbeatRequest("g", 1, member)
    return LeaveGroupRequest("g", member, [MemberIdentity(member)])


def begin_transaction(client: Any) -> None:
    """A transaction is open that has everything in it; `client.producer` is whose it is."""
    client.send(FIND_COORDINATOR, 3, FindCoordinatorRequest("tx", 1))
    client.commit("g", "t", 0, 1)
    answer = client.send(INIT_PRODUCER_ID, 4, InitProducerIdRequest("tx", 1000))
    client.producer = answer.producer_id, answer.producer_epoch
    topics = [AddPartitionsToTxnTopic("t", [0])]
    client.send(ADD_PARTITIONS_TO_TXN, 3, AddPartitionsToTxnRequest([], "tx", *client.producer, topics))
    client.send(ADD_OFFSETS_TO_TXN, 3, AddOffsetsToTxnRequest("tx", *client.producer, "g"))


def errors_in(message: Any) -> list[int]:
    """Every error code anywhere in a response."""
    if isinstance(message, list):
        return [code for item in message for code in errors_in(item)]
    found = []
    for name in getattr(message, "__dataclass_fields__", ()):
        value = getattr(message, name)
        found += [value] if name in ("error_code", "partition_error_code") else errors_in(value)
    return found


# What a broker refuses that has no authorizer, and whose clients do not say who they are.
REFUSED = {
    "DescribeAcls": ErrorCode.SECURITY_DISABLED,
    "CreateAcls": ErrorCode.SECURITY_DISABLED,
    "DeleteAcls": ErrorCode.SECURITY_DISABLED,
    "SaslHandshake": ErrorCode.ILLEGAL_SASL_STATE,
    "SaslAuthenticate": ErrorCode.ILLEGAL_SASL_STATE,
    "CreateDelegationToken": ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    "RenewDelegationToken": ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    "ExpireDelegationToken": ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    "DescribeDelegationToken": ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
}

CASES = [
    pytest.param(handler.api, version, id=f"{handler.api.name}-v{version}")
    for handler in HANDLERS.values()
    for version in range(handler.api.versions.first, handler.api.versions.last + 1)
]


@pytest.mark.parametrize(("api", "version"), CASES)
async def test_every_version_is_answered_in_full(client: Any, api: Any, version: int) -> None:
    topic_id = client.create("t")
    client.produce("before")
    if api.name in ("DescribeGroups", "DeleteGroups", "OffsetDelete", "OffsetFetch"):
        client.commit("g", "t", 0, 1)
    if api.name == "UnregisterBroker":
        client.add_broker(2)
    if "Tx" in api.name or "Trans" in api.name or api.name == "DescribeProducers":
        begin_transaction(client)
    if api.name.startswith(("Share", "DeleteShareGroupOffsets")):
        client.send(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest("sharers", "m", 0, None, ["t"]))
    if api.name == "StreamsGroupDescribe":
        client.send(STREAMS_GROUP_HEARTBEAT, 0, request_of(STREAMS_GROUP_HEARTBEAT, 0, client, topic_id))
    if api.name == "DeleteShareGroupOffsets":
        client.send(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest("sharers", "m", -1))
    if api.name == "ShareAcknowledge":
        client.send(SHARE_FETCH, 1, request_of(SHARE_FETCH, 1, client, topic_id))
        client.produce("after")
        fetch = ShareFetchRequest("sharers", "me", 1, max_bytes=1000, max_records=10, batch_size=10)
        client.send(SHARE_FETCH, 1, fetch)
    if api.name in ("SyncGroup", "Heartbeat", "LeaveGroup"):
        request = await members_request(api, version, client)
    else:
        request = request_of(api, version, client, topic_id)
    response = await client.ask(api, version, request)
    expected = REFUSED.get(api.name, ErrorCode.NONE)
    if (api.name, version) == ("JoinGroup", 4):
        expected = ErrorCode.MEMBER_ID_REQUIRED
    assert set(errors_in(response)) <= {expected}
    assert encode_bytes(response, version) == client.last_body, "the answer holds what the declaration says, no more"
