"""Consumer groups of the new protocol (KIP-848), asked of kafkapy and of Apache Kafka side by side.

Answers are equal to the last field, and so are the records that they leave in `__consumer_offsets`.
"""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import Both, changes_of

from kafkapy.coordinator.known_topics import KnownTopic, group_hash
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.delete_groups import DELETE_GROUPS, DeleteGroupsRequest
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.list_groups import LIST_GROUPS, ListGroupsRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OFFSET_DELETE,
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from kafkapy.protocol.records.groups import ConsumerGroupMetadataKey


def test_one_member_gets_all_and_two_share(both: Both) -> None:
    first = both.beat("share", "m1", 0, topics=["six"])
    assert (first["error_code"], first["assignment"]) == (ErrorCode.NONE, {"six": [0, 1, 2, 3, 4, 5]})
    epoch = first["member_epoch"]
    assert both.beat("share", "m1", epoch)["assignment"] is None
    assert both.describe("share")["group_state"] == "Stable"
    second = both.beat("share", "m2", 0, topics=["six"])
    assert second["assignment"] == {}, "the other one has not given anything back"
    assert both.describe("share")["group_state"] == "Reconciling"
    revoking = both.beat("share", "m1", epoch)
    assert (revoking["member_epoch"], revoking["assignment"]) == (epoch, {"six": [0, 1, 2]})
    assert both.beat("share", "m2", second["member_epoch"])["assignment"] is None
    given_back = both.beat("share", "m1", epoch, owned={"six": [0, 1, 2]})
    assert given_back["member_epoch"] == epoch + 1
    assert both.beat("share", "m2", second["member_epoch"])["assignment"] == {"six": [3, 4, 5]}
    assert both.describe("share")["group_state"] == "Stable"
    assert both.beat("share", "m1", epoch + 1, timeout_ms=1, topics=["six"], owned={"six": [0]})["assignment"]
    gone = both.beat("share", "m1", -1)
    assert (gone["error_code"], gone["member_epoch"]) == (ErrorCode.NONE, -1)
    assert both.beat("share", "m2", epoch + 1)["assignment"] == {"six": [0, 1, 2, 3, 4, 5]}
    assert both.beat("share", "m2", -1)["error_code"] == ErrorCode.NONE
    assert both.describe("share")["group_state"] == "Empty"
    assert len(both.same_log("share")) > 20


@pytest.mark.parametrize(
    ("epoch", "fields"),
    [
        (0, {"member": ""}),
        (0, {"timeout_ms": -1}),
        (0, {"owned": {"six": [0]}}),
        (0, {"group": " "}),
        (0, {"instance_id": ""}),
        (0, {"rack_id": " "}),
        (0, {"server_assignor": "nobody"}),
        (1, {"server_assignor": "nobody"}),
        (-2, {}),
        (-3, {}),
        (-1, {}),
        (-2, {"instance_id": "i"}),
        (1, {}),
        (7, {"instance_id": "i"}),
        (0, {"regex": "("}),
        (0, {"regex": ")"}),
        (0, {"regex": "["}),
        (0, {"regex": "*"}),
        (0, {"regex": "a**"}),
        (0, {"regex": "(?=x)"}),
        (0, {"regex": "x{1001}"}),
        (0, {"regex": "\\8"}),
        (0, {"regex": "(?P<n"}),
        (0, {"regex": "[b-a]"}),
        (0, {"regex": "a\\"}),
    ],
)
def test_what_is_refused(both: Both, epoch: int, fields: dict[str, Any]) -> None:
    options = {"group": "refused", "member": "m1"} | fields
    assert both.beat(options.pop("group"), options.pop("member"), epoch, **options)["error_code"] != ErrorCode.NONE


def test_epochs_fence(both: Both) -> None:
    epoch = both.beat("fence", "m1", 0, topics=["two"])["member_epoch"]
    assert both.beat("fence", "m1", epoch + 1)["error_code"] == ErrorCode.FENCED_MEMBER_EPOCH
    assert both.beat("fence", "m1", epoch - 1)["error_code"] == ErrorCode.FENCED_MEMBER_EPOCH
    assert both.beat("fence", "other", epoch)["error_code"] == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.beat("fence", "other", -1)["error_code"] == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.beat("fence", "m1", 0, topics=["two"])["member_epoch"] == epoch, "it may join again"
    moved = both.beat("fence", "m1", epoch, topics=["two", "six"])
    assert moved["member_epoch"] == epoch + 1
    lost = both.beat("fence", "m1", epoch, owned={"two": [0, 1]})
    assert lost["error_code"] == ErrorCode.NONE, "the answer may have been lost"
    assert both.beat("fence", "m1", epoch, owned={"two": [0, 1], "six": [9]})["error_code"]
    assert both.beat("fence", "m1", epoch + 1, topics=[])["assignment"] == {}
    assert both.describe("fence")["members"][0]["member_type"] == 1
    both.same_log("fence")


def test_a_full_group(both: Both) -> None:
    for number in range(4):
        assert both.beat("full of consumers", f"m{number}", 0, topics=["two"])["error_code"] == ErrorCode.NONE
    assert both.beat("full of consumers", "m4", 0, topics=["two"])["error_code"] == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert both.beat("full of consumers", "m3", 0, topics=["two"])["error_code"] == ErrorCode.NONE


def test_static_members(both: Both) -> None:
    static: dict[str, Any] = {"instance_id": "i", "topics": ["six"]}
    epoch = both.beat("static", "m1", 0, rack_id="r", **static)["member_epoch"]
    assert both.beat("static", "m2", 0, **static)["error_code"] == ErrorCode.UNRELEASED_INSTANCE_ID
    assert both.beat("static", "m2", epoch, instance_id="i")["error_code"] == ErrorCode.FENCED_INSTANCE_ID
    assert both.beat("static", "m1", epoch, instance_id="j")["error_code"] == ErrorCode.UNKNOWN_MEMBER_ID
    assert both.beat("static", "m1", -2, instance_id="i")["member_epoch"] == -2
    assert both.describe("static")["members"][0]["member_epoch"] == -2
    back = both.beat("static", "m2", 0, **static)
    assert (back["error_code"], back["assignment"]) == (ErrorCode.NONE, {"six": [0, 1, 2, 3, 4, 5]})
    assert both.beat("static", "m1", -1, instance_id="i")["error_code"] == ErrorCode.FENCED_INSTANCE_ID
    both.beat("static", "m2", -2, instance_id="i")
    changed = both.beat("static", "m3", 0, instance_id="i", topics=["two"], server_assignor="range")
    assert changed["assignment"] == {"two": [0, 1]}
    assert both.describe("static")["assignor_name"] == "range"
    assert both.beat("static", "m3", -1, instance_id="i")["error_code"] == ErrorCode.NONE
    both.same_log("static")


def test_other_topics_and_assignors(both: Both) -> None:
    both.create("grows", 1)
    epoch = both.beat("topics", "m1", 0, topics=["grows", "missing"], server_assignor="range")["member_epoch"]
    both.create("missing", 2)
    found = both.beat("topics", "m1", epoch)
    assert (found["member_epoch"], found["assignment"]) == (epoch + 1, {"grows": [0], "missing": [0, 1]})
    second = both.beat("topics", "m2", 0, topics=["missing"], server_assignor="range")
    assert second["assignment"] == {}
    assert both.beat("topics", "m1", epoch + 1)["assignment"] == {"grows": [0], "missing": [0]}
    both.beat("topics", "m1", epoch + 1, owned={"grows": [0], "missing": [0]})
    assert both.beat("topics", "m2", second["member_epoch"])["assignment"] == {"missing": [1]}
    both.same_log("topics")


def test_regular_expressions(both: Both) -> None:
    both.create("re-1", 1)
    both.create("re-2", 2)
    joined = both.beat("regex", "m1", 0, regex="re-.*")
    assert joined["assignment"] == {}, "it is matched aside"
    both.beat_until_assigned("regex", "m1", joined["member_epoch"])
    described = both.describe("regex")
    assert [t["topic_name"] for t in described["members"][0]["assignment"]["topic_partitions"]] == ["re-1", "re-2"]
    epoch = described["members"][0]["member_epoch"]
    both.beat("regex", "m1", epoch, regex="", topics=["re-2"])
    both.describe("regex")
    both.same_log("regex")


def test_two_members_of_one_regular_expression(both: Both) -> None:
    both.create("shared", 2)
    both.beat_until_assigned("regexes", "m1", both.beat("regexes", "m1", 0, regex="sha.ed")["member_epoch"])
    epoch = both.describe("regexes")["group_epoch"]
    assert both.beat("regexes", "m2", 0, regex="sha.ed")["member_epoch"] == epoch + 1
    assert both.beat("regexes", "m1", epoch)["assignment"] == {"shared": [0]}
    assert both.beat("regexes", "m1", epoch, owned={"shared": [0]})["member_epoch"] == epoch + 1
    assert both.beat("regexes", "m2", epoch + 1)["assignment"] == {"shared": [1]}
    assert both.beat("regexes", "m2", epoch + 1, regex="", topics=["two"])["error_code"] == ErrorCode.NONE
    both.beat("regexes", "m1", -1)
    both.beat("regexes", "m2", -1)
    both.describe("regexes")
    both.same_log("regexes")


def commit(both: Both, group: str, member: str, epoch: int, partition: int, *, version: int = 9) -> Any:
    def request(side: Any) -> OffsetCommitRequest:
        topic_id = side.topic_id("six")
        partitions = [OffsetCommitRequestPartition(partition, 5)]
        return OffsetCommitRequest(group, epoch, member, topics=[OffsetCommitRequestTopic("six", topic_id, partitions)])

    (topic,) = both.ask(OFFSET_COMMIT, version, request)["topics"]
    return topic["partitions"][0]["error_code"]


def fetch(both: Both, group: str, member: str | None, epoch: int, *, version: int = 9) -> Any:
    def request(side: Any) -> OffsetFetchRequest:
        topics = [OffsetFetchRequestTopics("six", side.topic_id("six"), [0, 1])]
        return OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, member, epoch, topics)])

    (found,) = both.ask(OFFSET_FETCH, version, request)["groups"]
    return found["error_code"]


def test_offsets_with_member_epochs(both: Both) -> None:
    assert commit(both, "offsets", "m1", 3, 0) == ErrorCode.GROUP_ID_NOT_FOUND
    assert commit(both, "offsets", "", -1, 0) == ErrorCode.NONE, "a group that only keeps offsets"
    epoch = both.beat("offsets", "m1", 0, topics=["six"])["member_epoch"]
    both.beat("offsets", "m2", 0, topics=["six"])
    for version in (9, 10):
        assert commit(both, "offsets", "m1", epoch, 0, version=version) == ErrorCode.NONE
        assert commit(both, "offsets", "m1", epoch - 1, 0, version=version) == ErrorCode.STALE_MEMBER_EPOCH
        assert commit(both, "offsets", "m1", epoch + 1, 0, version=version) == ErrorCode.STALE_MEMBER_EPOCH
        assert commit(both, "offsets", "nobody", epoch, 0, version=version) == ErrorCode.UNKNOWN_MEMBER_ID
        assert commit(both, "offsets", "", -1, 0, version=version) == ErrorCode.UNKNOWN_MEMBER_ID
        assert fetch(both, "offsets", "m1", epoch, version=version) == ErrorCode.NONE
        assert fetch(both, "offsets", "m1", epoch + 1, version=version) == ErrorCode.STALE_MEMBER_EPOCH
        assert fetch(both, "offsets", "nobody", epoch, version=version) == ErrorCode.UNKNOWN_MEMBER_ID
        assert fetch(both, "offsets", None, -1, version=version) == ErrorCode.NONE
    assert commit(both, "offsets", "m1", epoch, 0, version=8) == ErrorCode.UNSUPPORTED_VERSION
    both.beat("offsets", "m1", epoch, owned={"six": [0, 1, 2, 3, 4, 5]})
    both.beat("offsets", "m1", epoch, owned={"six": [0, 1, 2]})
    assert commit(both, "offsets", "m1", epoch, 1) == ErrorCode.NONE, "it has had the partition since"
    assert commit(both, "offsets", "m1", epoch, 5) == ErrorCode.STALE_MEMBER_EPOCH, "it gave it back"
    deleted = [OffsetDeleteRequestTopic(topic, [OffsetDeleteRequestPartition(0)]) for topic in ("six", "two")]
    both.ask(OFFSET_DELETE, 0, lambda _: OffsetDeleteRequest("offsets", deleted))
    both.beat("offsets", "m1", -1)
    assert both.ask(DELETE_GROUPS, 2, lambda _: DeleteGroupsRequest(["offsets"]))["results"][0]["error_code"]
    both.beat("offsets", "m2", -1)
    assert commit(both, "offsets", "", -1, 0) == ErrorCode.NONE
    both.ask(DELETE_GROUPS, 2, lambda _: DeleteGroupsRequest(["offsets"]))
    both.describe("offsets")
    both.same_log("offsets")


@pytest.mark.parametrize("version", [5, 6])
def test_how_a_consumer_group_looks_to_older_requests(both: Both, version: int) -> None:
    both.beat("looks", "m1", 0, topics=["two"])
    groups = ["looks", "nobody"]
    both.ask(DESCRIBE_GROUPS, version, lambda _: DescribeGroupsRequest(groups))
    for kind in ("consumer", "classic", "Consumer", "share"):
        listed = both.ask(LIST_GROUPS, 5, lambda _, kind=kind: ListGroupsRequest(["stable"], [kind]))["groups"]
        assert ("looks" in [group["group_id"] for group in listed]) == (kind.lower() == "consumer")
    both.describe("nobody")
    both.describe("")


def test_the_hash_of_a_groups_topics_is_apaches(both: Both) -> None:
    both.beat("hash", "m1", 0, topics=["two", "six", "none"])
    for side in both.sides:
        topics = {name: KnownTopic(name, side.topic_id(name), ((),) * size) for name, size in (("two", 2), ("six", 6))}

        class Known:
            by_name = staticmethod(topics.get)

        (value,) = [
            change.value for change in changes_of(side, "hash") if isinstance(change.key, ConsumerGroupMetadataKey)
        ]
        assert value.metadata_hash == group_hash(["six", "two", "none"], Known), side.name  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [3, 5])
def test_transactions_of_members(both: Both, version: int) -> None:
    group = f"txn {version}"
    epoch = both.beat(group, "m1", 0, topics=["six"])["member_epoch"]
    both.beat(group, "m2", 0, topics=["six"])
    both.beat(group, "m1", epoch, owned={"six": [0, 1, 2, 3, 4, 5]})
    both.beat(group, "m1", epoch, owned={"six": [0, 1, 2]})
    producers = {}
    for side in both.sides:
        code = ErrorCode.COORDINATOR_NOT_AVAILABLE
        while code != ErrorCode.NONE:  # the first look makes the topic of transactions, then it is loaded
            code = side.client.ask(FIND_COORDINATOR, 3, FindCoordinatorRequest(group, 1)).error_code
        code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        while code in (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR):
            made = side.client.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(group, 60_000))
            code = made.error_code
        assert code == ErrorCode.NONE
        producers[side.name] = (made.producer_id, made.producer_epoch)
        code = ErrorCode.CONCURRENT_TRANSACTIONS
        while code == ErrorCode.CONCURRENT_TRANSACTIONS:
            add = AddOffsetsToTxnRequest(group, *producers[side.name], group)
            code = side.client.ask(ADD_OFFSETS_TO_TXN, 3, add).error_code
        assert code == ErrorCode.NONE

    def commit(member: str, generation: int, partition: int, instance: str | None = None) -> Any:
        def request(side: Any) -> TxnOffsetCommitRequest:
            topics = [TxnOffsetCommitRequestTopic("six", [TxnOffsetCommitRequestPartition(partition, 7)])]
            return TxnOffsetCommitRequest(group, group, *producers[side.name], generation, member, instance, topics)

        (topic,) = both.ask(TXN_OFFSET_COMMIT, version, request)["topics"]
        return topic["partitions"][0]["error_code"]

    assert commit("m1", epoch + 1, 0) == ErrorCode.NONE
    assert commit("", -1, 0) == ErrorCode.NONE
    assert commit("m1", epoch, 0) == ErrorCode.NONE
    for who in (("m1", epoch, 5), ("m1", epoch + 9, 0), ("m1", -1, 0), ("nobody", epoch, 0), ("", -1, 0, "i")):
        assert commit(*who) != ErrorCode.NONE
    for side in both.sides:
        end = EndTxnRequest(group, *producers[side.name], committed=True)
        assert side.client.ask(END_TXN, 3, end).error_code == ErrorCode.NONE
