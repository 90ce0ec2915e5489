"""One partition of `__transaction_state` as what it means: transactional ids, and how their transactions end.

`replay` is the only thing that changes what survives a crash. A transaction ends in two records: the first decides
how, the second says that every partition has its marker; between them whoever loads this shard goes on with the
markers. Nothing here writes them or knows a clock: `send_markers` is called, and answers with `markers_written`.
Apache: TransactionCoordinator, TransactionStateManager.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from kafkapy.coordinator.outcome import Outcome, answered, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.regular_expressions import RegexError, compile_regex
from kafkapy.coordinator.timers import Timers
from kafkapy.coordinator.transactions.records import forget_record, read_transaction_record, transaction_record
from kafkapy.coordinator.transactions.transaction import (
    ENDED,
    EPOCH_PER_TRANSACTION,
    EXHAUSTED_EPOCH,
    NO_EPOCH,
    NO_PRODUCER_ID,
    PREPARED,
    TopicPartition,
    Transaction,
    TransactionState,
)
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.describe_transactions import TopicData
from kafkapy.protocol.messages.describe_transactions import TransactionState as DescribedTransaction
from kafkapy.protocol.messages.list_transactions import ListTransactionsRequest
from kafkapy.protocol.messages.list_transactions import TransactionState as ListedTransaction

T = TypeVar("T")
logger = logging.getLogger(__name__)
_ABORT_KEY = "abort timed out transactions"
_FORGET_KEY = "forget transactional ids"
_RETRY_MS = 1_000


@dataclass(frozen=True, slots=True)
class TransactionConfig:
    """The broker's properties, as the coordinator knows them; in ms. The defaults are Apache's."""

    abort_interval_ms: int = 10_000
    forget_interval_ms: int = 3_600_000
    expiration_ms: int = 604_800_000


class ProducerAnswer(NamedTuple):
    """What a producer is told: an error, or who it is from now on."""

    error: ErrorCode
    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = NO_EPOCH


class Ending(NamedTuple):
    """A transaction whose partitions need their markers."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    is_commit: bool
    transaction_version: int
    partitions: frozenset[TopicPartition]


class TransactionShard:
    """The transactional ids that fall into one partition. Feed it the log, call `loaded`, then ask."""

    def __init__(
        self,
        config: TransactionConfig,
        timers: Timers,
        new_producer_id: Callable[[], int],
        feature_level: Callable[[], int],
        send_markers: Callable[[Ending], None],
    ) -> None:
        self._config = config
        self._timers = timers
        self._new_producer_id = new_producer_id
        self._feature_level = feature_level
        self._send_markers = send_markers
        self._transactions: dict[str, Transaction] = {}
        self._changing: set[str] = set()  # whose last record is not committed yet
        self._endings: dict[str, Ending] = {}  # what is being carried out
        self._missing: dict[str, frozenset[TopicPartition]] = {}  # and which partitions have no marker yet

    # The log

    def replay(self, record: Record) -> None:
        """Take in a record of the log: when it is read at start, and when it was just appended."""
        change = read_transaction_record(record)
        if change is None:
            logger.warning("the record at offset %d is of a newer Kafka, and is passed over", record.offset)
        elif change.value is None:
            self._transactions.pop(change.transactional_id, None)
        else:
            self._transactions[change.transactional_id] = change.value

    def loaded(self, now_ms: int) -> Outcome[None]:
        """Go on from where the log ends: what was decided is carried out."""
        self._plan_aborts(now_ms)
        self._plan_forgetting(now_ms)
        for transaction in list(self._transactions.values()):
            if transaction.state in PREPARED:
                self._end(transaction)
        return answered(None)

    def unload(self, now_ms: int) -> None:
        """Give the transactions up to another coordinator."""
        self._timers.cancel(_ABORT_KEY)
        self._timers.cancel(_FORGET_KEY)
        self._endings.clear()
        self._missing.clear()

    # Producers

    def init_producer_id(
        self, transactional_id: str, timeout_ms: int, expected: tuple[int, int] | None, now_ms: int
    ) -> Outcome[ProducerAnswer]:
        """Give the producer of the transactional id its id and a new epoch; whoever had it before is fenced.

        `expected` is the id and epoch that a producer had before an error. A transaction that is open is aborted first,
        and the producer asks again meanwhile (CONCURRENT_TRANSACTIONS).
        """
        try:
            current = self._transactions.get(transactional_id)
            if current is None:
                current = Transaction(transactional_id, self._new_producer_id(), timeout_ms, update_ms=now_ms)
            self._check_init(current, expected)
            if current.state is TransactionState.ONGOING:
                return self._change(
                    self._fence(current, now_ms), now_ms, ProducerAnswer(ErrorCode.CONCURRENT_TRANSACTIONS)
                )
            known = expected is not None
            if current.is_epoch_exhausted and (expected is None or expected[1] == current.producer_epoch):
                after = current.with_producer_id(self._new_producer_id(), timeout_ms, now_ms, known=known)
            else:
                after = current.with_next_epoch(None if expected is None else expected[1], timeout_ms, now_ms)
        except KafkaError as error:
            return answered(ProducerAnswer(error.code))
        return self._change(after, now_ms, ProducerAnswer(ErrorCode.NONE, after.producer_id, after.producer_epoch))

    def _check_init(self, current: Transaction, expected: tuple[int, int] | None) -> None:
        self._check_settled(current)
        if expected is not None and current.producer_epoch != NO_EPOCH:
            producer_id, epoch = expected
            was_exhausted = producer_id == current.previous_producer_id and epoch >= EXHAUSTED_EPOCH
            if producer_id != current.producer_id and not was_exhausted:
                why = f"{current.transactional_id!r} belongs to producer {current.producer_id}, not to {producer_id}"
                raise KafkaError(ErrorCode.PRODUCER_FENCED, why)
        if current.state in PREPARED:
            raise _still_ending(current)

    def _check_settled(self, current: Transaction) -> None:
        if current.transactional_id in self._changing:
            raise _still_ending(current)

    def add_partitions(
        self,
        transactional_id: str,
        producer_id: int,
        epoch: int,
        partitions: frozenset[TopicPartition],
        client_version: int,
        now_ms: int,
    ) -> Outcome[ErrorCode]:
        """Let partitions be part of the producer's transaction, which begins if there is none."""
        try:
            current = self._known(transactional_id)
            self._check_settled(current)
            _check_producer(current, producer_id, epoch)
            if current.state in PREPARED:
                raise _still_ending(current)
        except KafkaError as error:
            return answered(error.code)
        if current.state is TransactionState.ONGOING and partitions <= current.partitions:
            return answered(ErrorCode.NONE)
        return self._change(current.with_partitions(partitions, client_version, now_ms), now_ms, ErrorCode.NONE)

    def verify_partitions(
        self, transactional_id: str, producer_id: int, epoch: int, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, ErrorCode]:
        """Whether each partition is part of the producer's transaction; TRANSACTION_ABORTABLE says that it is not."""
        try:
            current = self._known(transactional_id)
            _check_producer(current, producer_id, epoch)
            if current.state in PREPARED:
                raise _still_ending(current)
        except KafkaError as error:
            return dict.fromkeys(partitions, error.code)
        return {
            one: ErrorCode.NONE if one in current.partitions else ErrorCode.TRANSACTION_ABORTABLE for one in partitions
        }

    def end(
        self, transactional_id: str, producer_id: int, epoch: int, *, commit: bool, client_version: int, now_ms: int
    ) -> Outcome[ProducerAnswer]:
        """Decide how the producer's transaction ends; the answer does not wait for the markers.

        A request that is repeated gets the answer it got. From `client_version` 2 on the answer says the producer's
        next epoch, and a producer that does not know whether it began a transaction may abort it.
        """
        bumps = client_version >= EPOCH_PER_TRANSACTION
        try:
            current = self._known(transactional_id)
            began_anew = bumps and _began_anew(current, producer_id, epoch)
            again = began_anew or (bumps and current.producer_epoch == epoch + 1)
            if current.producer_id != producer_id and not began_anew:
                raise _other_producer(current, producer_id)
            if bumps:
                _check_epoch_of_end(current, epoch, again=again)
            elif epoch != current.producer_epoch:
                raise _fenced(current, epoch)
            self._check_settled(current)
            if _is_done(current, commit=commit, bumps=bumps, again=again):
                if bumps:
                    return answered(ProducerAnswer(ErrorCode.NONE, current.producer_id, current.producer_epoch))
                return answered(ProducerAnswer(ErrorCode.NONE))
            next_id = self._new_producer_id() if bumps and current.is_epoch_exhausted else NO_PRODUCER_ID
        except KafkaError as error:
            return answered(ProducerAnswer(error.code))
        after = current.prepared(commit=commit, client_version=client_version, next_producer_id=next_id, now_ms=now_ms)
        answer = ProducerAnswer(ErrorCode.NONE)
        if bumps:
            completed = after.completed(now_ms)
            answer = ProducerAnswer(ErrorCode.NONE, completed.producer_id, completed.producer_epoch)
        return self._change(after, now_ms, answer)

    def _known(self, transactional_id: str) -> Transaction:
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "the transactional id is empty")
        current = self._transactions.get(transactional_id)
        if current is None:
            why = f"transactional id {transactional_id!r} is not known; begin with InitProducerId"
            raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, why)
        return current

    def _fence(self, current: Transaction, now_ms: int) -> Transaction:
        level = self._feature_level()
        exhausted = level >= EPOCH_PER_TRANSACTION and current.is_epoch_exhausted
        return current.fenced(level, self._new_producer_id() if exhausted else NO_PRODUCER_ID, now_ms)

    def _change(self, after: Transaction, now_ms: int, answer: T) -> Outcome[T]:
        """Append what the transaction is now, and answer; what was decided is carried out then."""
        reply: Promise[T] = Promise()
        name = after.transactional_id
        self._changing.add(name)

        def appended(error: KafkaError | None) -> None:
            self._changing.discard(name)
            if error is None:
                reply.set(answer)
                if after.state in PREPARED:
                    self._end(after)
                return
            code = append_error(error)
            refused = code if isinstance(answer, ErrorCode) else ProducerAnswer(code)
            reply.set(refused)  # type: ignore[arg-type]  # an answer is one of the two

        return Outcome([transaction_record(after, self._feature_level(), now_ms)], reply, appended)

    # Markers

    def _end(self, transaction: Transaction) -> None:
        name = transaction.transactional_id
        ending = Ending(
            name,
            transaction.producer_id,
            transaction.producer_epoch,
            transaction.state is TransactionState.PREPARE_COMMIT,
            transaction.client_version,
            transaction.partitions,
        )
        self._endings[name], self._missing[name] = ending, transaction.partitions
        self._send_markers(ending)

    def markers_written(self, ending: Ending, partitions: frozenset[TopicPartition], now_ms: int) -> Outcome[None]:
        """These partitions have their marker. Once all have, the transaction is over.

        Markers of an earlier one are of no use: up to transaction.version 1 an epoch has many transactions.
        """
        name = ending.transactional_id
        current = self._transactions.get(name)
        if self._endings.get(name) is not ending or current is None:
            return answered(None)
        self._missing[name] -= partitions
        if self._missing[name] or name in self._changing:
            return answered(None)
        self._changing.add(name)

        def appended(error: KafkaError | None) -> None:
            self._changing.discard(name)
            if error is None:
                self._endings.pop(name, None)
                self._missing.pop(name, None)
            else:
                logger.error("the end of a transaction of %r is written later: %s", name, error)
                self._timers.set(f"complete {name}", now_ms + _RETRY_MS, again)

        def again(now_ms: int) -> Outcome[None]:
            return self.markers_written(ending, partitions, now_ms)

        record = transaction_record(current.completed(now_ms), self._feature_level(), now_ms)
        return Outcome([record], Promise.of(None), appended)

    # Time

    def abort_timed_out(self, now_ms: int) -> Outcome[None]:
        """Abort every transaction that has been open for longer than its timeout, and fence its producer."""
        late = [
            transaction
            for transaction in self._transactions.values()
            if transaction.is_timed_out(now_ms) and transaction.transactional_id not in self._changing
        ]
        self._plan_aborts(now_ms)
        try:
            after = [self._fence(transaction, now_ms) for transaction in late]
        except KafkaError as error:
            logger.error("transactions past their timeout are aborted later: %s", error)
            return answered(None)
        names = {transaction.transactional_id for transaction in after}
        if names:
            logger.info("transactions of %s are aborted: their timeout is over", ", ".join(sorted(names)))
        self._changing |= names

        def appended(error: KafkaError | None) -> None:
            self._changing.difference_update(names)
            for transaction in after if error is None else ():
                self._end(transaction)

        records = [transaction_record(transaction, self._feature_level(), now_ms) for transaction in after]
        return Outcome(records, Promise.of(None), appended)

    def forget_expired(self, now_ms: int) -> Outcome[None]:
        """Forget the transactional ids that nobody has used for transactional.id.expiration.ms."""
        before_ms = now_ms - self._config.expiration_ms
        gone = [
            transaction.transactional_id
            for transaction in self._transactions.values()
            if transaction.state in ENDED
            and transaction.update_ms <= before_ms
            and transaction.transactional_id not in self._changing
        ]
        self._plan_forgetting(now_ms)
        return Outcome([forget_record(name, now_ms) for name in gone], Promise.of(None))

    def _plan_aborts(self, now_ms: int) -> None:
        self._timers.set(_ABORT_KEY, now_ms + self._config.abort_interval_ms, self.abort_timed_out)

    def _plan_forgetting(self, now_ms: int) -> None:
        self._timers.set(_FORGET_KEY, now_ms + self._config.forget_interval_ms, self.forget_expired)

    # Administration

    def describe(self, transactional_id: str) -> DescribedTransaction:
        """The transactional id as it is; while its transaction ends, the partitions that have no marker yet."""
        described = DescribedTransaction(transactional_id=transactional_id)
        current = self._transactions.get(transactional_id)
        if not transactional_id:
            described.error_code = ErrorCode.INVALID_REQUEST
        elif current is None:
            described.error_code = ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        else:
            described.transaction_state = current.state.text
            described.transaction_timeout_ms = current.timeout_ms
            described.transaction_start_time_ms = current.start_ms
            described.producer_id, described.producer_epoch = current.producer_id, current.producer_epoch
            shown = current.partitions
            if current.state in PREPARED:
                shown = self._missing.get(transactional_id, shown)
            topics: dict[str, TopicData] = {}
            for topic, partition in sorted(shown):
                topics.setdefault(topic, TopicData(topic)).partitions.append(partition)
            described.topics = list(topics.values())
        return described

    def list_transactions(self, request: ListTransactionsRequest, now_ms: int) -> list[ListedTransaction]:
        """The transactional ids that pass every filter. Raises KafkaError(INVALID_REGULAR_EXPRESSION)."""
        states, producers = set(request.state_filters), set(request.producer_id_filters)
        pattern = _pattern(request.transactional_id_pattern)
        return [
            ListedTransaction(name, one.producer_id, one.state.text)
            for name, one in self._transactions.items()
            if (not producers or one.producer_id in producers)
            and (not states or one.state.text in states)
            and (request.duration_filter < 0 or now_ms - one.start_ms > request.duration_filter)
            and (pattern is None or pattern.fullmatch(name))
        ]


def _pattern(text: str | None) -> Any:
    if not text:
        return None
    try:
        return compile_regex(text)
    except RegexError as error:
        why = f"the pattern {text!r} for transactional ids is no regular expression: {error}"
        raise KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, why) from None


def _check_producer(current: Transaction, producer_id: int, epoch: int) -> None:
    if current.producer_id != producer_id:
        raise _other_producer(current, producer_id)
    if current.producer_epoch != epoch:
        raise _fenced(current, epoch)


def _began_anew(current: Transaction, producer_id: int, epoch: int) -> bool:
    """Whether this producer's transaction used up its last epoch, ended, and gave it another id."""
    return current.previous_producer_id == producer_id and epoch == EXHAUSTED_EPOCH and current.producer_epoch == 0


def _check_epoch_of_end(current: Transaction, epoch: int, *, again: bool) -> None:
    is_current = epoch == current.producer_epoch
    if current.state in PREPARED:
        is_valid = current.producer_epoch == epoch + 1
    elif current.state in (TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT):
        is_valid = again or is_current
    else:
        is_valid = is_current
    if not is_valid:
        raise _fenced(current, epoch)


def _is_done(current: Transaction, *, commit: bool, bumps: bool, again: bool) -> bool:
    """Whether it has ended that way already. Raises KafkaError: INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS."""
    if current.state is TransactionState.ONGOING:
        return False
    if current.state in PREPARED:
        if commit == (current.state is TransactionState.PREPARE_COMMIT):
            raise _still_ending(current)
    elif current.state is TransactionState.EMPTY:
        if bumps and not commit:
            return False
    else:
        if commit == (current.state is TransactionState.COMPLETE_COMMIT) and (again or not bumps):
            return True
        if bumps and not commit and not again:
            return False
    why = f"{current.transactional_id!r} is {current.state.text}: it cannot {'commit' if commit else 'abort'}"
    raise KafkaError(ErrorCode.INVALID_TXN_STATE, why)


def _other_producer(current: Transaction, producer_id: int) -> KafkaError:
    why = f"{current.transactional_id!r} belongs to producer {current.producer_id}, not to {producer_id}"
    return KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, why)


def _fenced(current: Transaction, epoch: int) -> KafkaError:
    why = f"the producer of {current.transactional_id!r} has epoch {epoch}, it is {current.producer_epoch} by now"
    return KafkaError(ErrorCode.PRODUCER_FENCED, why)


def _still_ending(current: Transaction) -> KafkaError:
    why = f"the last transaction of {current.transactional_id!r} is still ending; ask again"
    return KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS, why)
