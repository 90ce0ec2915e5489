"""What a group can be configured with (KIP-848, KIP-932, KIP-1071), and which broker properties give the defaults."""

from __future__ import annotations

from kafkapy.config.define import (
    MEDIUM,
    Config,
    Synonym,
    boolean,
    integer,
    string,
)
from kafkapy.config.rule import (
    at_least,
    offset_reset,
    one_of,
)


class GroupResourceKeys(Config):
    """The keys of a group."""

    consumer_session_timeout_ms = integer(
        "consumer.session.timeout.ms",
        45_000,
        MEDIUM,
        "A consumer group member silent for this long is removed.",
        at_least(1),
        synonyms=(Synonym("group.consumer.session.timeout.ms"),),
    )
    consumer_heartbeat_interval_ms = integer(
        "consumer.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often the group's consumers are to send a heartbeat.",
        at_least(1),
        synonyms=(Synonym("group.consumer.heartbeat.interval.ms"),),
    )
    consumer_assignment_interval_ms = integer(
        "consumer.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of the consumer group to the next.",
        at_least(0),
        synonyms=(Synonym("group.consumer.assignment.interval.ms"),),
    )
    share_session_timeout_ms = integer(
        "share.session.timeout.ms",
        45_000,
        MEDIUM,
        "A share group member silent for this long is removed.",
        at_least(1),
        synonyms=(Synonym("group.share.session.timeout.ms"),),
    )
    share_heartbeat_interval_ms = integer(
        "share.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often the share group's members are to send a heartbeat.",
        at_least(1),
        synonyms=(Synonym("group.share.heartbeat.interval.ms"),),
    )
    share_record_lock_duration_ms = integer(
        "share.record.lock.duration.ms",
        30_000,
        MEDIUM,
        "How long a delivered record stays with its consumer before others may get it.",
        at_least(1000),
        synonyms=(Synonym("group.share.record.lock.duration.ms"),),
    )
    share_delivery_count_limit = integer(
        "share.delivery.count.limit",
        5,
        MEDIUM,
        "How often a record is delivered before it is given up.",
        at_least(2),
        synonyms=(Synonym("group.share.delivery.count.limit"),),
    )
    share_partition_max_record_locks = integer(
        "share.partition.max.record.locks",
        2000,
        MEDIUM,
        "Most records of a share partition that are out with consumers at a time.",
        at_least(100),
        synonyms=(Synonym("group.share.partition.max.record.locks"),),
    )
    share_auto_offset_reset = string(
        "share.auto.offset.reset",
        "latest",
        MEDIUM,
        "Where a share group begins: latest, earliest, or by_duration: and an ISO duration back in time.",
        offset_reset(),
    )
    share_isolation_level = string(
        "share.isolation.level",
        "read_uncommitted",
        MEDIUM,
        "Whether the share group sees records of transactions that are open or were aborted.",
        one_of("read_committed", "read_uncommitted"),
    )
    share_renew_acknowledge_enable = boolean(
        "share.renew.acknowledge.enable", True, MEDIUM, "Whether consumers may prolong their hold on a record."
    )
    share_assignment_interval_ms = integer(
        "share.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of the share group to the next.",
        at_least(0),
        synonyms=(Synonym("group.share.assignment.interval.ms"),),
    )
    streams_session_timeout_ms = integer(
        "streams.session.timeout.ms",
        45_000,
        MEDIUM,
        "A streams group member silent for this long is removed.",
        at_least(1),
        synonyms=(Synonym("group.streams.session.timeout.ms"),),
    )
    streams_heartbeat_interval_ms = integer(
        "streams.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often the streams group's members are to send a heartbeat.",
        at_least(1),
        synonyms=(Synonym("group.streams.heartbeat.interval.ms"),),
    )
    streams_num_standby_replicas = integer(
        "streams.num.standby.replicas",
        0,
        MEDIUM,
        "Standby copies of each task's state.",
        at_least(0),
        synonyms=(Synonym("group.streams.num.standby.replicas"),),
    )
    streams_initial_rebalance_delay_ms = integer(
        "streams.initial.rebalance.delay.ms",
        3000,
        MEDIUM,
        "How long the empty streams group waits for more members before its first assignment.",
        at_least(0),
        synonyms=(Synonym("group.streams.initial.rebalance.delay.ms"),),
    )
    streams_assignment_interval_ms = integer(
        "streams.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of the streams group to the next.",
        at_least(0),
        synonyms=(Synonym("group.streams.assignment.interval.ms"),),
    )
