"""Settings of everything that has some, by kafka-configs.sh and kafka-client-metrics.sh: set, shown, taken back."""

from collections.abc import Callable
from typing import Any

import pytest


def entity(kind: str, name: str | None) -> tuple[str, ...]:
    return ("--entity-type", kind, *(("--entity-default",) if name is None else ("--entity-name", name)))


def shown(run: Any, *who: str) -> list[str]:
    """The lines behind the head."""
    return run("kafka-configs", *who, "--describe").splitlines()[1:]  # type: ignore[no-any-return]


def line(setting: str, source: str, default: str) -> str:
    own = f"{source}:{setting}, " if source else ""
    return f"{setting} sensitive=false synonyms={{{own}DEFAULT_CONFIG:{default}}}"


def test_a_topic(run: Any, topic: Callable[..., str]) -> None:
    who = entity("topics", topic())
    added = "max.message.bytes=1234,cleanup.policy=[compact,delete]"
    run("kafka-configs", *who, "--alter", "--add-config", added)
    lines = sorted(shown(run, *who))
    assert line("cleanup.policy=compact,delete", "DYNAMIC_TOPIC_CONFIG", "log.cleanup.policy=delete") in lines
    assert line("max.message.bytes=1234", "DYNAMIC_TOPIC_CONFIG", "message.max.bytes=1048588") in lines
    everything = shown(run, *who, "--all")
    assert "compression.type=producer sensitive=false synonyms={DEFAULT_CONFIG:compression.type=producer}" in everything
    run("kafka-configs", *who, "--alter", "--delete-config", "max.message.bytes,cleanup.policy")
    assert not [one for one in shown(run, *who) if "DYNAMIC_TOPIC" in one]


def test_a_broker_and_all_brokers(run: Any, topic: Callable[..., str]) -> None:
    one, every, made = entity("brokers", "1"), entity("brokers", None), entity("topics", topic())
    said = run("kafka-configs", *every, "--alter", "--add-config", "message.max.bytes=2000000")
    assert said == "Completed updating default config for brokers in the cluster."
    run("kafka-configs", *one, "--alter", "--add-config", "message.max.bytes=3000000,log.cleaner.threads=2")
    default = "DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=2000000"
    sources = f"DYNAMIC_BROKER_CONFIG:message.max.bytes=3000000, {default}, DEFAULT_CONFIG:message.max.bytes=1048588"
    lines = shown(run, *one)
    assert f"message.max.bytes=3000000 sensitive=false synonyms={{{sources}}}" in lines
    assert line("log.cleaner.threads=2", "DYNAMIC_BROKER_CONFIG", "log.cleaner.threads=1") in lines
    assert f"message.max.bytes=2000000 sensitive=false synonyms={{{default}}}" in shown(run, *every)
    # A topic has what its broker has, from the next moment on.
    assert f"max.message.bytes=3000000 sensitive=false synonyms={{{sources}}}" in shown(run, *made, "--all")

    run("kafka-configs", *one, "--alter", "--delete-config", "message.max.bytes,log.cleaner.threads")
    run("kafka-configs", *every, "--alter", "--delete-config", "message.max.bytes")
    assert not [one for one in shown(run, *one) if "message.max.bytes" in one]


@pytest.mark.parametrize(
    ("name", "setting", "why"),
    [
        ("1", "node.id=5", "InvalidRequestException: Cannot update these configs dynamically: [node.id]"),
        ("1", "log.cleaner.threads=9", "double the current value 1"),
        ("1", "message.max.bytes=-1", "Invalid value -1 for configuration message.max.bytes: Value must be at least 0"),
        (None, "cordoned.log.dirs=*", "broker id must be specified: [cordoned.log.dirs]"),
    ],
)
def test_what_a_broker_cannot_have(run: Any, name: str | None, setting: str, why: str) -> None:
    assert why in run("kafka-configs", *entity("brokers", name), "--alter", "--add-config", setting, fails=True)


def test_levels_of_loggers(run: Any) -> None:
    who = entity("broker-loggers", "1")

    def level() -> str:
        return next(one for one in shown(run, *who) if one.startswith("root="))

    before = level().split()[0].removeprefix("root=")
    run("kafka-configs", *who, "--alter", "--add-config", "root=ERROR")
    assert level().startswith("root=ERROR ")
    run("kafka-configs", *who, "--alter", "--add-config", f"root={before}")
    assert level().startswith(f"root={before} ")


def test_a_group(run: Any, name: str) -> None:
    who = entity("groups", name)
    run("kafka-configs", *who, "--alter", "--add-config", "consumer.heartbeat.interval.ms=2000")
    assert shown(run, *who) == [
        line(
            "consumer.heartbeat.interval.ms=2000",
            "DYNAMIC_GROUP_CONFIG",
            "group.consumer.heartbeat.interval.ms=500",
        )
    ]
    assert f"Dynamic configs for group {name} are:" in run.lines(
        "kafka-configs", "--entity-type", "groups", "--describe"
    )
    run("kafka-configs", *who, "--alter", "--delete-config", "share.record.lock.duration.ms")
    assert shown(run, *who) == []


def test_quotas(run: Any, name: str) -> None:
    user, both = entity("users", name), (*entity("users", name), *entity("clients", None))
    address = entity("ips", "10.1.2.3")

    def quotas(*who: str) -> str:
        return run("kafka-configs", *who, "--describe")  # type: ignore[no-any-return]

    run("kafka-configs", *user, "--alter", "--add-config", "producer_byte_rate=1024,request_percentage=12.5")
    head, _, values = quotas(*user).partition(" are ")
    assert head == f"Quota configs for user-principal '{name}'"
    assert sorted(values.split(", ")) == ["producer_byte_rate=1024.0", "request_percentage=12.5"]
    run("kafka-configs", *both, "--alter", "--add-config", "consumer_byte_rate=10")
    assert f"user-principal '{name}', the default client-id are consumer_byte_rate=10.0" in quotas(*both)
    run("kafka-configs", *address, "--alter", "--add-config", "connection_creation_rate=10")
    assert quotas(*address) == "Quota configs for ip '10.1.2.3' are connection_creation_rate=10.0"

    run("kafka-configs", *user, "--alter", "--delete-config", "producer_byte_rate,request_percentage")
    run("kafka-configs", *both, "--alter", "--delete-config", "consumer_byte_rate")
    run("kafka-configs", *address, "--alter", "--delete-config", "connection_creation_rate")
    assert [quotas(*who) for who in (user, both, address)] == ["", "", ""]
    why = run("kafka-configs", *user, "--alter", "--add-config", "producer_byte_rate=-1", fails=True)
    assert "Quota producer_byte_rate must be greater than 0" in why


def test_scram_credentials(run: Any, name: str) -> None:
    user = entity("users", name)
    run("kafka-configs", *user, "--alter", "--add-config", "SCRAM-SHA-256=[iterations=8192,password=secret]")
    run("kafka-configs", *user, "--alter", "--add-config", "SCRAM-SHA-512=[password=secret]")
    head, _, values = run("kafka-configs", *user, "--describe").partition(" are ")
    assert head == f"SCRAM credential configs for user-principal '{name}'"
    assert sorted(values.split(", ")) == ["SCRAM-SHA-256=iterations=8192", "SCRAM-SHA-512=iterations=4096"]
    why = run("kafka-configs", *user, "--alter", "--delete-config", "SCRAM-SHA-256,SCRAM-SHA-512", fails=True)
    assert "A user credential cannot be altered twice in the same request" in why
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        run("kafka-configs", *user, "--alter", "--delete-config", mechanism)
    assert run("kafka-configs", *user, "--describe") == ""


def test_client_metrics(run: Any, name: str) -> None:
    metrics = ("--metrics", "org.apache.kafka.producer.", "--interval", "60000", "--match", "client_id=x")
    assert (
        run("kafka-client-metrics", "--alter", "--name", name, *metrics) == f"Altered client metrics config for {name}."
    )
    assert name in run.lines("kafka-client-metrics", "--list")
    assert run("kafka-client-metrics", "--describe", "--name", name).splitlines() == [
        f"Client metrics configs for {name} are:",
        "interval.ms=60000",
        "match=client_id=x",
        "metrics=org.apache.kafka.producer.",
    ]
    assert run("kafka-client-metrics", "--delete", "--name", name) == f"Deleted client metrics config for {name}."
    assert name not in run.lines("kafka-client-metrics", "--list")
    why = run("kafka-client-metrics", "--alter", "--name", name, "--interval", "50", fails=True)
    assert "interval must be between 100 and 3600000 (1 hour)" in why
