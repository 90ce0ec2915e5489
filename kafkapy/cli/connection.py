"""How a command reaches the broker: its address, the client's settings, and what to say when nobody answers.

`--bootstrap-server` and the older `--broker-list` name brokers. `--zookeeper HOST:2181[/chroot]`, as commands up to 2.x
took it, names a ZooKeeper that a single broker does not need: it stands for the broker on the same host.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from kafkapy.cli.options import CommandError, Options

Client = TypeVar("Client")

BROKER_PORT = 9092
BROKER_VARIABLE = "KAFKAPY_ZOOKEEPER_BROKER"

# How long a command tries before it says that nobody answers: long enough for a broker that is just starting.
BOOTSTRAP_TIMEOUT_MS = 5000

# Java's settings that mean nothing to a Python client, or that it has under another roof.
_WITHOUT_MEANING = {
    "key.serializer",
    "value.serializer",
    "key.deserializer",
    "value.deserializer",
    "bootstrap.servers",
    "buffer.memory",
    "interceptor.classes",
    "partitioner.class",
    "metrics.recording.level",
}
_OTHER_NAME = {
    "send.buffer.bytes": "send_buffer_bytes",
    "receive.buffer.bytes": "receive_buffer_bytes",
    "metadata.max.age.ms": "metadata_max_age_ms",
    "auto.commit.interval.ms": "auto_commit_interval_ms",
    "ssl.truststore.location": "ssl_cafile",
    "ssl.keystore.location": "ssl_certfile",
    "ssl.key.password": "ssl_password",
}


def add_zookeeper(options: Options) -> None:
    """Let the command take --zookeeper."""
    options.add_argument(
        "--zookeeper",
        metavar="HOST:PORT",
        help=f"as older commands had it: stands for the broker on that host's port {BROKER_PORT}, "
        f"or for the one that the environment variable {BROKER_VARIABLE} names",
    )


def addresses(values: argparse.Namespace) -> list[str] | None:
    """The brokers that the options name, as `host:port`; None if they name none."""
    listed = values.bootstrap_server or getattr(values, "broker_list", None)
    if listed:
        return [checked(address.strip()) for address in listed.split(",") if address.strip()]
    if getattr(values, "zookeeper", None):
        return brokers_beside(values.zookeeper)
    return None


def checked(address: str) -> str:
    """`address` if it reads `host:port`; the broker's usual port is never guessed, as in Apache's commands."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise CommandError(f"Invalid url in bootstrap.servers: {address}")
    return address


def brokers_beside(zookeeper: str) -> list[str]:
    """The brokers that `HOST:PORT,...[/chroot]` stands for, told to the user in one line."""
    hosts = [host.rpartition(":")[0] or host for host in zookeeper.partition("/")[0].split(",")]
    chosen = os.environ.get(BROKER_VARIABLE)
    brokers = [checked(chosen)] if chosen else [f"{host}:{BROKER_PORT}" for host in hosts]
    print(
        f"A single kafkapy needs no ZooKeeper: {zookeeper} stands for the broker {','.join(brokers)}", file=sys.stderr
    )
    return brokers


def connect(client: Callable[..., Client], brokers: list[str], settings: Mapping[str, Any]) -> Client:
    """A connected `client` of kafka-python's, or a CommandError that says in one line why there is none."""
    # One line at the end says all that the library would say of each of its attempts.
    library = logging.getLogger("kafka")
    shown = library.level
    library.setLevel(logging.CRITICAL)
    try:
        return client(**{"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS, **settings, "bootstrap_servers": brokers})
    except (KafkaTimeoutError, KafkaConnectionError):
        raise CommandError(
            f"No Kafka broker answers at {','.join(brokers)}: is it running, and is this its address?"
        ) from None
    finally:
        library.setLevel(shown)


def client_settings(properties: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for a client of kafka-python's that mean what Java's `properties` mean.

    `known` is the client's own table of settings with their defaults. A property that it does not have is named on
    standard error and otherwise ignored, as a Java client does.
    """
    settings: dict[str, Any] = {}
    for name, text in properties.items():
        if name in _WITHOUT_MEANING:
            continue
        if name == "sasl.jaas.config":
            settings |= _credentials(text)
            continue
        argument = _OTHER_NAME.get(name, name.replace(".", "_"))
        if argument in known:
            settings[argument] = _typed(name, text.strip(), known[argument])
        else:
            print(f"The configuration '{name}' was supplied but isn't a known config.", file=sys.stderr)
    return settings


def _typed(name: str, text: str, default: Any) -> Any:
    if name in {"acks", "compression.type"}:
        return {"all": "all", "-1": -1, "0": 0, "1": 1, "none": None}.get(text, text)
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise CommandError(
                f"Invalid value {text} for configuration {name}: Expected value to be either true or false"
            )
        return text.lower() == "true"
    if isinstance(default, int | float) or name.endswith((".ms", ".bytes")):
        try:
            return int(text)
        except ValueError:
            raise CommandError(f"Invalid value {text} for configuration {name}: Not a number of type INT") from None
    return text


def _credentials(jaas: str) -> dict[str, str]:
    words = dict(word.rstrip(";").split("=", 1) for word in jaas.split() if "=" in word)
    unquoted = {key: value.strip("\"'") for key, value in words.items()}
    return {f"sasl_plain_{key}": unquoted[key] for key in ("username", "password") if key in unquoted}


def say_warnings() -> None:
    """Show the client library's warnings on standard error in one line each, without the tracebacks that it adds."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("[%(asctime)s] %(levelname)s %(message)s (%(name)s)"))
    library = logging.getLogger("kafka")
    library.addHandler(handler)
    library.setLevel(logging.WARNING)
    library.propagate = False
    # A group's first assignment is made before the topic's metadata is there, and made again once it is.
    logging.getLogger("kafka.coordinator.assignors").setLevel(logging.ERROR)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.exc_info, record.exc_text, record.stack_info = None, None, None
        return super().format(record).replace("\n", " ")
