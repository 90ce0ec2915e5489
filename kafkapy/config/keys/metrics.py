"""Metrics and quotas: what is measured, over how long, and who is told."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    LOW,
    Config,
    integer,
    java_class,
    long,
    names,
    string,
)
from kafkapy.config.rule import (
    at_least,
    items,
)


class MetricsKeys(Config):
    """Keys of a broker: metrics."""

    metrics_num_samples = integer("metrics.num.samples", 2, LOW, "Samples a metric is computed from.", at_least(1))
    metrics_sample_window_ms = long("metrics.sample.window.ms", 30_000, LOW, "How long each sample is.", at_least(1))
    metrics_recording_level = string(
        "metrics.recording.level", "INFO", LOW, "Which metrics are recorded: INFO, DEBUG or TRACE."
    )
    metric_reporters = names(
        "metric.reporters",
        ("org.apache.kafka.common.metrics.JmxReporter",),
        LOW,
        "Classes that report metrics.",
        items(),
        CLUSTER_WIDE,
    )
    kafka_metrics_reporters = names(
        "kafka.metrics.reporters", (), LOW, "Classes that report the older kind of metrics.", items()
    )
    kafka_metrics_polling_interval_secs = integer(
        "kafka.metrics.polling.interval.secs", 10, LOW, "How often those poll.", at_least(1)
    )
    telemetry_max_bytes = integer(
        "telemetry.max.bytes", 1_048_576, LOW, "Largest push of client metrics, after compression.", at_least(1)
    )
    quota_window_num = integer(
        "quota.window.num", 11, LOW, "Windows over which client quotas are measured.", at_least(1)
    )
    replication_quota_window_num = integer(
        "replication.quota.window.num", 11, LOW, "Windows over which replication quotas are measured.", at_least(1)
    )
    alter_log_dirs_replication_quota_window_num = integer(
        "alter.log.dirs.replication.quota.window.num",
        11,
        LOW,
        "Windows over which the quota for moves between directories is measured.",
        at_least(1),
    )
    controller_quota_window_num = integer(
        "controller.quota.window.num",
        11,
        LOW,
        "Windows over which the quota for changes of topics is measured.",
        at_least(1),
    )
    quota_window_size_seconds = integer(
        "quota.window.size.seconds", 1, LOW, "Length of each window of client quotas.", at_least(1)
    )
    replication_quota_window_size_seconds = integer(
        "replication.quota.window.size.seconds", 1, LOW, "Length of each window of replication quotas.", at_least(1)
    )
    alter_log_dirs_replication_quota_window_size_seconds = integer(
        "alter.log.dirs.replication.quota.window.size.seconds",
        1,
        LOW,
        "Length of each window of the quota for moves between directories.",
        at_least(1),
    )
    controller_quota_window_size_seconds = integer(
        "controller.quota.window.size.seconds",
        1,
        LOW,
        "Length of each window of the quota for changes of topics.",
        at_least(1),
    )
    client_quota_callback_class = java_class(
        "client.quota.callback.class", None, LOW, "Class that decides the quotas of clients."
    )
