"""ShareFetch: records of share partitions, which are the consumer's for a time, and what became of others (KIP-932).

What is acknowledged is taken in first. A fetch waits until `min_bytes` can be delivered from all of its partitions
together, one of them fails, or its time is up. A fetch that renews locks fetches nothing: its answer must come before
they run out again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from kafkapy.coordinator.promise import Promise
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.share_requests import Acknowledged, acknowledge, check_member, leaders, with_states
from kafkapy.parking import Deadline, wait_for, wait_for_news, wait_warm
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.share_fetch import (
    SHARE_FETCH,
    LeaderIdAndEpoch,
    NodeEndpoint,
    ShareFetchableTopicResponse,
    ShareFetchRequest,
    ShareFetchResponse,
    SharePartitionData,
)
from kafkapy.replication.acquisition import ReadBatch, Wanted
from kafkapy.replication.partition import Watcher
from kafkapy.replication.share_partition import SharePartition
from kafkapy.replication.share_read import batches_in, part_of
from kafkapy.replication.share_sessions import FINAL_EPOCH, FIRST_EPOCH, SessionKey, ShareSession, TopicPartition
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.disk import ColdError
from kafkapy.storage.segment import FileSlice

Results = dict[TopicPartition, SharePartitionData]
_STRICT = 1  # ShareAcquireMode: never more than max_records
_MOST_WAITS = 5  # for the disk: an index, headers, and once more each if it was forgotten meanwhile


@serves(SHARE_FETCH)
def share_fetch(request: ShareFetchRequest, call: Call) -> ShareFetchResponse | Awaitable[ShareFetchResponse]:
    """The response, or a coroutine that waits for records, for the disk or for what is being written."""
    return with_states(call, lambda: _fetch(request, call))


def _fetch(request: ShareFetchRequest, call: Call) -> ShareFetchResponse | Awaitable[ShareFetchResponse]:
    member = check_member(request.group_id, request.member_id, call)
    if request.is_renew_ack:
        _check_renewal(request)
    try:
        session = _session(request, member, call)
    except KafkaError as error:
        if error.code != ErrorCode.SHARE_SESSION_LIMIT_REACHED:
            raise
        return _refuse_later(request, error)
    acknowledged: Promise[Acknowledged] = Promise.of({})
    if _has_acknowledgements(request):
        acknowledged = acknowledge(member, request.topics, request.is_renew_ack, call)
    fetch = _Fetch(request, member, session, call)
    try:
        if fetch.is_complete(is_last=request.max_wait_ms <= 0) and acknowledged.is_done:
            return fetch.respond(acknowledged.result())
    except ColdError as error:
        return _wait(fetch, acknowledged, error)
    return _wait(fetch, acknowledged)


async def _wait(
    fetch: _Fetch, acknowledged: Promise[Acknowledged], cold: ColdError | None = None
) -> ShareFetchResponse:
    deadline = Deadline(fetch.request.max_wait_ms)
    tries = 0
    while not fetch.is_done:
        if cold is not None:
            tries += 1
            await wait_warm([cold], fetch.call.node.aside)
            cold = None
        else:
            await wait_for_news(fetch.watched, deadline.remaining_ms)
        try:
            # What is brought into memory may be gone again as soon: then it is read, however long that takes.
            fetch.is_complete(is_last=deadline.remaining_ms <= 0, cached_only=tries < _MOST_WAITS)
        except ColdError as error:
            cold = error
    return fetch.respond(await wait_for(acknowledged))


async def _refuse_later(request: ShareFetchRequest, error: KafkaError) -> ShareFetchResponse:
    """Who is told at once asks again at once."""
    await wait_for_news([], request.max_wait_ms)
    return ShareFetchResponse(error_code=error.code)


def _check_renewal(request: ShareFetchRequest) -> None:
    limits = {
        "maxBytes": request.max_bytes,
        "minBytes": request.min_bytes,
        "maxRecords": request.max_records,
        "maxWaitMs": request.max_wait_ms,
    }
    wrong = [f"{name} must be set to 0, " for name, value in limits.items() if value != 0]
    if wrong:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "".join(wrong) + "if isRenewAck is true.")


def _has_acknowledgements(request: ShareFetchRequest) -> bool:
    return any(partition.acknowledgement_batches for topic in request.topics for partition in topic.partitions)


def _session(request: ShareFetchRequest, member: SessionKey, call: Call) -> ShareSession:
    """The session that the request is in. Raises KafkaError."""
    shares, epoch = call.node.share_partitions, request.share_session_epoch
    named = [
        TopicPartition(topic.topic_id, partition.partition_index)
        for topic in request.topics
        for partition in topic.partitions
    ]
    if epoch == FIRST_EPOCH:
        if _has_acknowledgements(request):
            why = "a share session begins with this request: there is nothing to acknowledge before it"
            raise KafkaError(ErrorCode.INVALID_REQUEST, why)
        session = shares.sessions.begin(member, named)
        call.endings["share session", member] = lambda: shares.connection_closed(member, session)
        return session
    session = shares.sessions.go_on(member, epoch)
    if epoch != FINAL_EPOCH:
        forgotten = [
            TopicPartition(topic.topic_id, partition)
            for topic in request.forgotten_topics_data
            for partition in topic.partitions
        ]
        session.update(named, forgotten)
    return session


class _Found:
    """What may be delivered of one share partition: where it goes on, and what the log has from there."""

    def __init__(self, share: SharePartition) -> None:
        self.share = share
        self.fetch_offset = share.window.next_fetch_offset
        self.slice: FileSlice | None = None
        self.batches: Sequence[ReadBatch] = ()
        self.aborted: Sequence[AbortedTransaction] = ()
        self.error: KafkaError | None = None


class _Fetch:
    """One fetch, which may have to look several times."""

    def __init__(self, request: ShareFetchRequest, member: SessionKey, session: ShareSession, call: Call) -> None:
        self.request = request
        self.call = call
        self.is_done = False
        self.watched: list[set[Watcher]] = []
        self._member = member
        self._session = session
        self._config = call.node.share_partitions.config_of(member.group_id)
        self._committed_only = self._config.share_isolation_level == "read_committed"
        self._results: Results = {}
        self._named: list[TopicPartition] = []
        if request.share_session_epoch != FINAL_EPOCH and not request.is_renew_ack:
            self._named = _rotated(list(session.partitions), request.share_session_epoch)

    def is_complete(self, *, is_last: bool, cached_only: bool = True) -> bool:
        """Look for records, and deliver them if there are enough, or if it is the last time. Raises ColdError."""
        request = self.request
        self._results, self.watched = {}, []
        shares = self._share_partitions()
        if not shares or request.max_records <= 0 or request.max_bytes <= 0:
            self.is_done = True
            return True
        found = [_Found(share) for share in shares if share.can_acquire]
        size = self._read(found, cached_only)
        failed = any(one.error is not None for one in found)
        if is_last or failed or (found and size >= min(request.min_bytes, self._max_bytes)):
            self._deliver(found)
            self.is_done = True
        return self.is_done

    @property
    def _max_bytes(self) -> int:
        return min(self.request.max_bytes, self.call.node.config.fetch_max_bytes)

    def _share_partitions(self) -> list[SharePartition]:
        """Those that can be served, or will be; what cannot goes into the results."""
        found: list[SharePartition] = []
        for named in self._named:
            try:
                share = self._find(named)
            except Exception as error:  # one partition's failure is not its neighbours'
                self._refuse(named, refusal(error, self.call))
                continue
            began = self.call.node.share_partitions.initialize(share)
            failed = began.result() if began.is_done else None
            if failed is not None and failed.code != ErrorCode.LEADER_NOT_AVAILABLE:
                self._refuse(named, failed)
                continue
            found.append(share)
            partition = share.partition
            self.watched += [share.watchers, partition.stable_watchers if self._committed_only else partition.watchers]
        return found

    def _find(self, named: TopicPartition) -> SharePartition:
        topic = self.call.node.cluster.image.topic_by_id(named.topic_id)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has the id {named.topic_id}")
        if topic.partition(named.partition) is None:
            why = f"topic {topic.name} has no partition {named.partition}"
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, why)
        return self.call.node.share_partitions.find(self._member.group_id, named, topic.name)

    def _refuse(self, named: TopicPartition, error: KafkaError) -> None:
        self._results[named] = SharePartitionData(
            named.partition, error.code, error.why, records=b"", acquired_records=[]
        )

    # Reading

    def _read(self, found: Sequence[_Found], cached_only: bool) -> int:
        """How many bytes there are, of each partition at most its part of what was asked for."""
        size, room = 0, self._max_bytes
        each = max(1, room // len(found)) if found else 0
        for one in found:
            partition = one.share.partition
            try:
                partition.check_leader()
                one.slice = partition.read(
                    one.fetch_offset,
                    min(each, room),
                    committed_only=self._committed_only,
                    at_least_one_batch=size == 0,
                    cached_only=cached_only,
                )
                if one.slice is None:
                    continue
                # As many as can be out with consumers are looked through, and as many more as are asked for.
                up_to = one.fetch_offset + self._config.share_partition_max_record_locks + self.request.max_records
                one.batches = batches_in(one.slice, up_to, cached_only=cached_only)
                if self._committed_only:
                    one.aborted = partition.aborted_transactions(one.fetch_offset, one.slice)
            except KafkaError as error:
                one.error = error
                continue
            size += len(one.slice)
            room = max(0, room - len(one.slice))
        return size

    # Delivering

    def _deliver(self, found: Sequence[_Found]) -> None:
        count, request = 0, self.request
        for one in found:
            named = TopicPartition(one.share.key.topic_id, one.share.key.partition)
            data = self._results[named] = SharePartitionData(named.partition, records=b"")
            if one.error is not None:
                self._failed(one, data, one.error)
                continue
            wanted = Wanted(
                self._member.member_id,
                request.max_records - count,
                request.batch_size,
                request.share_acquire_mode == _STRICT,
            )
            data.acquired_records, acquired = one.share.acquire(wanted, one.fetch_offset, one.batches, one.aborted)
            if data.acquired_records and one.slice is not None:
                first, last = data.acquired_records[0].first_offset, data.acquired_records[-1].last_offset
                data.records = _between(one.slice, one.batches, first, last)
                count += acquired

    def _failed(self, one: _Found, data: SharePartitionData, error: KafkaError) -> None:
        if error.code == ErrorCode.OFFSET_OUT_OF_RANGE:
            # Records were deleted that nobody had been given.
            one.share.window.log_begins_at(one.share.partition.log.log_start_offset)
            return
        data.error_code, data.error_message = error.code, error.why
        self.call.node.share_partitions.failed(one.share, error)

    # Answering

    def respond(self, acknowledged: Acknowledged) -> ShareFetchResponse:
        """What was delivered, and what became of the acknowledgements."""
        request = self.request
        results = self._results
        if request.share_session_epoch != FIRST_EPOCH:
            results = {named: data for named, data in results.items() if self._session.must_tell(named, data)}
        for named, error in acknowledged.items():
            data = results.setdefault(named, SharePartitionData(named.partition, records=b""))
            if error is not None:
                data.acknowledge_error_code, data.acknowledge_error_message = error.code, error.why
        hints = leaders({named: data.error_code for named, data in results.items()}, self.call)
        topics: dict[object, ShareFetchableTopicResponse] = {}
        for named, data in results.items():
            if named in hints:
                data.current_leader = LeaderIdAndEpoch(hints[named].node_id, hints[named].epoch)
            topic = topics.setdefault(named.topic_id, ShareFetchableTopicResponse(named.topic_id))
            topic.partitions.append(data)
        if request.share_session_epoch == FINAL_EPOCH:
            self.call.node.share_partitions.end_session(self._member)
        nodes = {hint.node_id: NodeEndpoint(hint.node_id, hint.host, hint.port, hint.rack) for hint in hints.values()}
        return ShareFetchResponse(
            acquisition_lock_timeout_ms=self._config.share_record_lock_duration_ms,
            responses=list(topics.values()),
            node_endpoints=list(nodes.values()),
        )


def _rotated(named: list[TopicPartition], epoch: int) -> list[TopicPartition]:
    """Each fetch begins with another partition, so that all get their turn when space is short."""
    by = epoch % len(named) if named else 0
    return named[by:] + named[:by]


def _between(found: FileSlice, batches: Sequence[ReadBatch], first: int, last: int) -> FileSlice:
    """The batches that hold records from `first` to `last`."""
    held = [batch for batch in batches if batch.last_offset >= first and batch.base_offset <= last]
    begin, end = held[0].position, held[-1].position + held[-1].size
    return part_of(found, begin, end - begin)
