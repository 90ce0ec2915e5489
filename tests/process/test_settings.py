"""Settings and deleted records through kafka-python's own admin client, with the broker killed in between."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # kafka-python reads its schemas, when it is imported, in a way that Python 3.11 and 3.12 call deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

T0 = TopicPartition("t", 0)
LIMIT = "max.connections.per.ip"


@contextmanager
def admin_of(broker: Any) -> Iterator[Any]:
    with closing(KafkaAdminClient(bootstrap_servers=f"localhost:{broker.port}")) as admin:
        yield admin


def setting(admin: Any, kind: ConfigResourceType, name: str, key: str) -> tuple[str, str]:
    found = admin.describe_configs([ConfigResource(kind, name, configs=[key])], config_filter="all")[kind.name.lower()][
        name
    ][key]
    return found["value"], found["config_source"]


def wait_for_line(path: Path, line: str) -> None:
    deadline = time.monotonic() + 20
    while line not in (path.read_text().splitlines() if path.exists() else []):
        assert time.monotonic() < deadline, f"{path} never said {line!r}"
        time.sleep(0.02)


def test_settings_outlive_a_kill(broker: Any) -> None:
    broker.start().client().create("t")
    topic = (ConfigResourceType.TOPIC, "t")
    with admin_of(broker) as admin:
        node = (ConfigResourceType.BROKER, str(admin.describe_cluster()["brokers"][0]["broker_id"]))
        admin.alter_configs([ConfigResource(*topic, configs={"retention.ms": "12345"})])
        admin.alter_configs([ConfigResource(*node, configs={"message.max.bytes": "54321"})])
    broker.kill()
    broker.start()
    with admin_of(broker) as admin:
        assert setting(admin, *topic, "retention.ms") == ("12345", "DYNAMIC_TOPIC_CONFIG")
        assert setting(admin, *topic, "max.message.bytes") == ("54321", "DYNAMIC_BROKER_CONFIG")
        admin.reset_configs([ConfigResource(*topic, configs=["retention.ms"])])
        assert setting(admin, *topic, "retention.ms") == ("604800000", "DEFAULT_CONFIG")


def test_a_limit_on_connections_counts_at_once(broker: Any) -> None:
    broker.start()
    kept, node = broker.client("127.0.0.1"), AlterConfigsResource(4, "1", [AlterableConfig(LIMIT, 0, "1")])
    assert kept.ask(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([node])).responses[0].error_code == 0
    assert broker.client("127.0.0.1").is_closed()
    node.configs = [AlterableConfig(LIMIT, 1, None)]
    assert kept.ask(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([node])).responses[0].error_code == 0
    assert broker.client("127.0.0.1").is_served()


def test_deleted_records_stay_deleted_after_a_kill(broker: Any, batch: Any) -> None:
    broker.start("--override", "replica.high.watermark.checkpoint.interval.ms=50")
    client = broker.client()
    client.create("t")
    client.produce(batch("a", "b", "c", "d"))
    with admin_of(broker) as admin:
        assert admin.delete_records({T0: 3})[T0]["low_watermark"] == 3
    wait_for_line(broker.data / "log-start-offset-checkpoint", "t 0 3")
    broker.kill()
    broker.start()
    assert broker.client().read(offset=3) == [(3, "d")]
    with admin_of(broker) as admin:
        assert admin.delete_records({T0: 0})[T0]["low_watermark"] == 3
