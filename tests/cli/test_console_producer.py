"""kafka-console-producer: which records a line becomes, and what is said of those that fail."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from kafkapy.cli import command
from kafkapy.cli.console_producer import console_producer, lines


class FakeFuture:
    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure

    def get(self) -> None:
        if self.failure:
            raise self.failure

    def add_errback(self, tell: Callable[[BaseException], None]) -> None:
        if self.failure:
            tell(self.failure)


class FakeProducer:
    """Keeps what it was sent; with `failure`, every record fails with it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.sent: list[tuple[Any, ...]] = []
        self.settings: dict[str, Any] = {}
        self.closed = False

    def __call__(self, **settings: Any) -> FakeProducer:
        self.settings = settings
        return self

    def send(self, topic: str, value: Any = None, key: Any = None, headers: Any = None) -> FakeFuture:
        assert value is not None or key is not None, "Need at least one: key or value"
        self.sent.append((topic, key, value, headers))
        return FakeFuture(self.failure)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self.closed = True


def run(producer: Any, arguments: str, *typed: str, server: str = "--bootstrap-server localhost:9092") -> int:
    words = f"{server} --topic test {arguments}".split()
    return command.status_of(lambda words: console_producer(words, producer, iter(typed)), words, command.say)


def test_document_types_messages(capsys: pytest.CaptureFixture[str]) -> None:
    producer = FakeProducer()
    assert run(producer, "", "one", "", "two", server="--broker-list localhost:9092") == 0
    assert producer.sent == [("test", None, b"one", []), ("test", None, b"", []), ("test", None, b"two", [])]
    assert producer.settings["bootstrap_servers"] == ["localhost:9092"]
    assert producer.closed
    assert capsys.readouterr() == ("", "")


def test_settings_are_those_of_apaches_command() -> None:
    producer = FakeProducer()
    run(producer, "")
    wanted = {"acks": -1, "linger_ms": 1000, "retries": 3, "request_timeout_ms": 1500, "compression_type": None}
    assert wanted.items() <= producer.settings.items()
    assert producer.settings["client_id"] == "console-producer"


def test_options_go_before_properties_and_both_before_files(tmp_path: Any) -> None:
    file = tmp_path / "producer.properties"
    file.write_text("acks=0\nlinger.ms=1\nbatch.size=7\nretries=9\n")
    producer = FakeProducer()
    options = "--command-property acks=1 --command-property linger.ms=2 --timeout 3 --compression-codec"
    run(producer, f"--command-config {file} {options} --max-block-ms 9")
    wanted = {"acks": 1, "linger_ms": 3, "batch_size": 7, "retries": 9, "max_block_ms": 9, "compression_type": "gzip"}
    assert wanted.items() <= producer.settings.items()
    assert producer.settings["enable_idempotence"] is False


def test_keys_headers_and_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    producer = FakeProducer()
    reader = "--reader-property parse.key=true --reader-property key.separator=: --reader-property parse.headers=true"
    more = "--reader-property headers.delimiter=| --reader-property headers.key.separator== "
    run(producer, f"{reader} {more} --reader-property null.marker=N", "a=1,b=N|k:v:w", "N|N:v", "N|k:N")
    assert producer.sent == [
        ("test", b"k", b"v:w", [("a", b"1"), ("b", None)]),
        ("test", None, b"v", []),
        ("test", b"k", None, []),
    ]
    assert capsys.readouterr() == ("", "")


def test_line_without_separator(capsys: pytest.CaptureFixture[str]) -> None:
    producer = FakeProducer()
    arguments = "--property parse.key=true --property key.separator=:"
    assert run(producer, arguments, "k:v", "nokey", "x:y") == 1
    assert producer.sent == [("test", b"k", b"v", [])]
    assert producer.closed
    printed = capsys.readouterr()
    assert printed.err == "No key separator found on line number 2: 'nokey'\n"
    assert printed.out == (
        "Warning: --property is deprecated and will be removed in a future version. Use --reader-property instead.\n"
    )
    assert run(producer, f"{arguments} --property ignore.error=true", "nokey") == 0
    assert producer.sent[-1] == ("test", None, b"nokey", [])


def test_record_that_fails_is_told_and_the_next_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    producer = FakeProducer(KafkaTimeoutError("too late"))
    assert run(producer, "", "one", "two") == 0
    assert len(producer.sent) == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        "Error when sending message to topic test with key: null, value: 3 bytes with error: "
        "KafkaTimeoutError: too late"
    )
    assert run(producer, "--sync", "one", "two") == 1
    assert len(producer.sent) == 3
    assert capsys.readouterr().err == "KafkaTimeoutError: too late\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            "--compression-codec nono",
            "Invalid value nono for configuration compression.type: "
            "String must be one of: none, gzip, snappy, lz4, zstd",
        ),
        ("--batch-size x", "Cannot parse argument 'x' of option batch-size"),
        ("--reader-property headers.separator=: ", "headers.separator and headers.key.separator may not be equal"),
        ("--command-property linger.ms=x --command-property", "Option command-property requires an argument"),
        ("--command-config /none", "Cannot read the properties in /none: No such file or directory"),
        ("--line-reader my.Reader", "There is no line reader my.Reader here; there is LineMessageReader"),
    ],
)
def test_what_cannot_be_done_is_said_first(arguments: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    producer = FakeProducer()
    assert run(producer, arguments, "one") == 1
    assert capsys.readouterr().err.splitlines()[0] == complaint
    assert producer.sent == []


@pytest.mark.parametrize(
    ("server", "complaint"),
    [
        ("", 'Missing required argument "[bootstrap-server]"'),
        ("--bootstrap-server foo", "Please provide valid host:port like host1:9091,host2:9092"),
    ],
)
def test_no_usable_server(server: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeProducer(), "", server=server) == 1
    assert capsys.readouterr().err.startswith(f"{complaint}\n")


def test_unknown_property_is_named_and_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeProducer(), "--command-property nonsense=1", "x") == 0
    assert capsys.readouterr().err == "The configuration 'nonsense' was supplied but isn't a known config.\n"


def test_lines_end_as_java_ends_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(lines(io.BytesIO("one\ntwo\r\n\nthr\u00e9\rlast".encode()), prompt=False)) == [
        "one",
        "two",
        "",
        "thr\u00e9",
        "last",
    ]
    assert list(lines(io.BytesIO(b"a\n"), prompt=True)) == ["a"]
    assert capsys.readouterr().out == ">>"
