"""Settings of brokers, groups and subscriptions, quotas and credentials: what one broker was told, the other knows."""

from __future__ import annotations

from typing import Any

from apache import CONFIGS, FEATURES, Tools
from view import lines

CHANGES = (
    ("brokers", "1", "message.max.bytes=2345678"),
    ("brokers", None, "log.retention.ms=777000"),
    ("groups", "g", "consumer.session.timeout.ms=50000"),
    ("client-metrics", "m", "interval.ms=15000"),
    ("users", "alice", "producer_byte_rate=1000,request_percentage=12.5"),
    ("users", None, "consumer_byte_rate=2000"),
    ("ips", "10.0.0.1", "connection_creation_rate=7"),
    ("brokers", "1", "log.cleaner.threads=2"),
    ("brokers", None, "max.connections.per.ip=77"),
    ("groups", "g", "share.session.timeout.ms=50000,share.heartbeat.interval.ms=6000"),
    ("groups", "s", "share.record.lock.duration.ms=20000,share.delivery.count.limit=7"),
    ("groups", "s", "share.renew.acknowledge.enable=false"),
    ("groups", "s", "share.auto.offset.reset=earliest,share.isolation.level=read_committed"),
    ("groups", "s", "share.partition.max.record.locks=500,share.assignment.interval.ms=2000"),
    ("client-metrics", "n", "metrics=[org.apache.kafka.consumer.,org.apache.kafka.producer.],match=[client_id=a.*]"),
    ("clients", "c", "producer_byte_rate=3000,consumer_byte_rate=4000,controller_mutation_rate=5.5"),
    ("clients", None, "request_percentage=50"),
    ("users", "bob", "SCRAM-SHA-256=[iterations=5000,password=secret]"),
    ("users", "bob", "SCRAM-SHA-512=[iterations=6000,password=secret]"),
)
ELR = "eligible.leader.replicas.version"


def alter(tools: Tools, server: str, kind: str, name: str | None, how: str, what: str) -> None:
    who = ("--entity-default",) if name is None else ("--entity-name", name)
    tools.run(CONFIGS, "--bootstrap-server", server, "--entity-type", kind, *who, "--alter", how, what)


def look(tools: Tools, server: str) -> dict[str, list[str]]:
    """Everything that was set, by kind, and the features."""
    found = {}
    for kind in ("brokers", "groups", "client-metrics", "users", "clients", "ips"):
        said = tools.run(CONFIGS, "--bootstrap-server", server, "--entity-type", kind, "--describe")
        # Quotas of one entity come in no particular order.
        found[kind] = [" ".join(sorted(line.replace(",", "").split())) for line in lines(said)]
    levels = [line.split() for line in lines(tools.run(FEATURES, "--bootstrap-server", server, "describe"))]
    found["features"] = [f"{words[1]} {words[words.index('FinalizedVersionLevel:') + 1]}" for words in levels]
    return found


def test_what_was_set_goes_there_and_back(turns: Any) -> None:
    tools, server = turns.tools, turns.bootstrap
    # A snapshot after each change: Apache Kafka reads half of it from there, half from the log.
    turns.kafkapy("--override", "metadata.log.max.record.bytes.between.snapshots=1")
    for kind, name, setting in CHANGES[:5]:
        alter(tools, server, kind, name, "--add-config", setting)
    metadata = turns.data / "__cluster_metadata-0"
    turns.wait_until(lambda: any(int(one.name[:20]) > 0 for one in metadata.glob("*.checkpoint")))
    for kind, name, setting in CHANGES[5:]:
        alter(tools, server, kind, name, "--add-config", setting)
    tools.run(FEATURES, "--bootstrap-server", server, "upgrade", "--feature", f"{ELR}=1")
    before = look(tools, server)
    assert f"{ELR} 1" in before["features"]
    assert len(before["users"]) == 3

    turns.apache()
    assert look(tools, server) == before
    for kind, name, setting in CHANGES[:4] + CHANGES[5:11:2]:
        names = ",".join(one.split("=")[0] for one in setting.split(","))
        alter(tools, server, kind, name, "--delete-config", names)
    alter(tools, server, "users", "bob", "--delete-config", "SCRAM-SHA-256")
    tools.run(FEATURES, "--bootstrap-server", server, "downgrade", "--feature", f"{ELR}=0")
    before = look(tools, server)

    turns.kafkapy()
    assert look(tools, server) == before
    turns.stop()
