"""Transactions and producer ids: timeouts, expiry, and the log that keeps them."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    LOW,
    Config,
    boolean,
    integer,
    short,
)
from kafkapy.config.rule import (
    at_least,
)


class TransactionKeys(Config):
    """Keys of a broker: transactions."""

    transaction_state_log_min_isr = integer(
        "transaction.state.log.min.isr",
        1,
        HIGH,
        "min.insync.replicas of __transaction_state.",
        at_least(1),
        differs="one broker holds every replica",
    )
    transaction_state_log_load_buffer_size = integer(
        "transaction.state.log.load.buffer.size",
        5_242_880,
        HIGH,
        "Bytes read at a time while transactions are loaded.",
        at_least(1),
    )
    transaction_state_log_replication_factor = short(
        "transaction.state.log.replication.factor",
        1,
        HIGH,
        "Replicas of __transaction_state.",
        at_least(1),
        differs="one broker holds every replica",
    )
    transaction_state_log_num_partitions = integer(
        "transaction.state.log.num.partitions",
        50,
        HIGH,
        "Partitions of __transaction_state; must not change once it exists.",
        at_least(1),
    )
    transaction_state_log_segment_bytes = integer(
        "transaction.state.log.segment.bytes", 104_857_600, HIGH, "Segment size of __transaction_state.", at_least(1)
    )
    transaction_partition_verification_enable = boolean(
        "transaction.partition.verification.enable",
        True,
        LOW,
        "Whether a transactional write to a partition is checked against the coordinator.",
        scope=CLUSTER_WIDE,
    )
    transaction_max_timeout_ms = integer(
        "transaction.max.timeout.ms",
        900_000,
        HIGH,
        "Longest timeout a producer may ask for its transactions.",
        at_least(1),
    )
    transaction_abort_timed_out_transaction_cleanup_interval_ms = integer(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        10_000,
        LOW,
        "How often transactions past their timeout are looked for.",
        at_least(1),
    )
    transaction_remove_expired_transaction_cleanup_interval_ms = integer(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        3_600_000,
        LOW,
        "How often transactional ids to forget are looked for.",
        at_least(1),
    )
    transaction_two_phase_commit_enable = boolean(
        "transaction.two.phase.commit.enable",
        False,
        LOW,
        "Whether a producer may leave a prepared transaction open without a timeout.",
    )
    transactional_id_expiration_ms = integer(
        "transactional.id.expiration.ms",
        604_800_000,
        HIGH,
        "A transactional id unused for this long is forgotten.",
        at_least(1),
    )
    producer_id_expiration_ms = integer(
        "producer.id.expiration.ms",
        86_400_000,
        LOW,
        "A partition forgets a producer that has not written for this long.",
        at_least(1),
        CLUSTER_WIDE,
    )
    producer_id_expiration_check_interval_ms = integer(
        "producer.id.expiration.check.interval.ms",
        600_000,
        LOW,
        "How often producers to forget are looked for.",
        at_least(1),
        internal=True,
    )
    add_partitions_to_txn_retry_backoff_max_ms = integer(
        "add.partitions.to.txn.retry.backoff.max.ms",
        100,
        HIGH,
        "How long the broker keeps retrying to add a partition to a transaction.",
        at_least(0),
    )
    add_partitions_to_txn_retry_backoff_ms = integer(
        "add.partitions.to.txn.retry.backoff.ms", 20, HIGH, "Pause between such retries.", at_least(1)
    )
