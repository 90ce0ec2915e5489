"""Every declaration, version by version and field by field, against Apache Kafka's own message definitions.

The definitions are read from Maven's jars: release 4.3.1, and 3.9.1 for the versions that 4.x dropped. On a machine
without Maven those that kafka-python ships are compared as far as they go; in CI Maven's must be there.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol import Versions, find_apis
from kafkapy.protocol.message import Array, Primitive, default_of, is_flexible, versions_of, wires
from kafkapy.protocol.messages.header import RequestHeader, ResponseHeader
from kafkapy.protocol.records import (
    consumer_protocol,
    control,
    groups,
    metadata,
    share_groups,
    share_state,
    streams_groups,
    transactions,
)

JARS = Path(__file__).parents[2] / ".compat" / "apache"
NEWEST = [
    "kafka-clients-4.3.1",
    "kafka-group-coordinator-4.3.1",
    "kafka-metadata-4.3.1",
    "kafka-share-coordinator-4.3.1",
    "kafka-transaction-coordinator-4.3.1",
]
BEFORE_4 = ["kafka-clients-3.9.1"]
NOT_SHIPPED = "kafka-python ships no definition of it: install Maven to compare every message"

APIS = find_apis()
MESSAGES = [cls for api in APIS.values() for cls in (api.request, api.response)] + [RequestHeader, ResponseHeader]
RECORDS = [
    cls
    for module in (
        metadata,
        groups,
        consumer_protocol,
        share_groups,
        share_state,
        streams_groups,
        control,
        transactions,
    )
    for cls in vars(module).values()
    if inspect.isclass(cls) and cls.__module__ == module.__name__ and versions_of(cls) != Versions.parse("0+")
]


@dataclass
class Field:
    """What is compared of one field in one version."""

    type: Any
    nullable: bool
    tag: int | None
    default: Any
    flexible: bool


Shape = dict[str, Field]
Definition = dict[str, Any]


class Definitions:
    """Apache's definitions by message name."""

    def __init__(self, newest: dict[str, Definition], before_4: dict[str, Definition], source: str) -> None:
        self.newest = newest
        self.before_4 = before_4
        self.source = source

    def of(self, cls: type, version: int | None = None) -> Definition:
        """The newest definition that has the version."""
        found = [
            definition
            for definition in (self.newest.get(cls.__name__), self.before_4.get(cls.__name__))
            if definition and (version is None or version in Versions.parse(definition["validVersions"]))
        ]
        if not found and self.source != "Maven":
            pytest.skip(NOT_SHIPPED)
        assert found, f"Apache defines no {cls.__name__} v{version}"
        return found[0]


def parse_definition(text: str) -> Definition:
    """JSON with comments to the end of the line, outside of strings."""
    without_comments = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*', lambda match: match[1] or "", text)
    definition: Definition = json.loads(without_comments)
    return definition


def from_jar(name: str) -> dict[str, Definition]:
    jar = JARS / f"{name}.jar"
    if not jar.exists():
        artifact, version = name.rsplit("-", 1)
        copy = f"-Dartifact=org.apache.kafka:{artifact}:{version}"
        command = ["mvn", "-q", "-B", "dependency:copy", copy, f"-DoutputDirectory={JARS}"]
        JARS.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, timeout=300, capture_output=True)
    with zipfile.ZipFile(jar) as archive:
        found = [parse_definition(archive.read(path).decode()) for path in archive.namelist() if path.endswith(".json")]
    return {definition["name"]: definition for definition in found if "validVersions" in definition}


def without_trials(definitions: dict[str, Definition]) -> dict[str, Definition]:
    """Without the messages that had no version yet which a broker speaks."""
    trials = {one["apiKey"] for one in definitions.values() if one.get("latestVersionUnstable")}
    return {
        name: one for name, one in definitions.items() if one["validVersions"] != "0" or one.get("apiKey") not in trials
    }


def from_kafka_python() -> Definitions:
    package = importlib.util.find_spec("kafka")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "protocol" / "schemas" / "resources"
    found = [parse_definition(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return Definitions({definition["name"]: definition for definition in found}, {}, "kafka-python")


@pytest.fixture(scope="module")
def apache() -> Definitions:
    try:
        newest = {name: definition for jar in NEWEST for name, definition in from_jar(jar).items()}
        before_4 = {name: definition for jar in BEFORE_4 for name, definition in without_trials(from_jar(jar)).items()}
    except (OSError, subprocess.SubprocessError):
        if os.environ.get("CI") == "true":
            raise
        return from_kafka_python()
    return Definitions(newest, before_4, "Maven")


def snake_case(name: str) -> str:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def apache_shape(definition: Definition, version: int) -> Shape:
    common = {structure["name"]: structure["fields"] for structure in definition.get("commonStructs", [])}

    def has(field: dict[str, Any], what: str) -> bool:
        return version in Versions.parse(field.get(what, "none"))

    def shape(fields: list[dict[str, Any]]) -> Shape:
        # A field that is only ever tagged says its versions there alone.
        return {
            snake_case(field["name"]): described(field)
            for field in fields
            if has(field, "versions" if "versions" in field else "taggedVersions")
        }

    def described(field: dict[str, Any]) -> Field:
        name: str = field["type"]
        element = name.removeprefix("[]")
        inner = field.get("fields") or common.get(element)
        described_type: Any = shape(inner) if inner is not None else element
        tag = field["tag"] if has(field, "taggedVersions") else None
        nullable = has(field, "nullableVersions")
        return Field(
            type=[described_type] if name.startswith("[]") else described_type,
            nullable=nullable,
            tag=tag,
            default=apache_default(
                field, is_structure=inner is not None, may_be_absent=tag is not None and not nullable
            ),
            flexible=field.get("flexibleVersions") != "none",
        )

    return shape(definition["fields"])


def apache_default(field: dict[str, Any], is_structure: bool, may_be_absent: bool) -> Any:
    """The default as a Python value; "structure" stands for one of defaults.

    One difference is intended: a tagged structure that is absent reads as None here, and as a structure of defaults in
    Apache's generated classes. Neither writes it; with None a reader sees whether the sender meant something by it. A
    structure that may be null is not among them: null is written, and means something else than absent.
    """
    text = field.get("default")
    if text == "null":
        return None
    if field["type"].startswith("[]"):
        return []
    if is_structure:
        return None if may_be_absent else "structure"
    if text is None:
        zeros = {"string": "", "bytes": b"", "records": None, "uuid": UUID(int=0), "bool": False, "float64": 0.0}
        return zeros.get(field["type"], 0)
    if field["type"] == "bool":
        return str(text).lower() == "true"
    return text if field["type"] == "string" else int(str(text), 0)


def declared_shape(cls: type, version: int) -> Shape:
    def described_type(declared: Any) -> Any:
        if isinstance(declared, Array):
            return [described_type(declared.of)]
        return declared.name if isinstance(declared, Primitive) else declared_shape(declared, version)

    found = {}
    for name, wire in wires(cls).items():
        if version not in wire.versions:
            continue
        default = default_of(cls, name)
        found[name] = Field(
            type=described_type(wire.type),
            nullable=version in wire.nullable,
            tag=wire.tag if version in wire.tagged else None,
            default="structure" if type(default) is wire.type else default,
            flexible=wire.flexible,
        )
    return found


def versioned(classes: list[type]) -> list[Any]:
    return [
        pytest.param(cls, version, id=f"{cls.__name__}-v{version}")
        for cls in classes
        for version in range(versions_of(cls).first, versions_of(cls).last + 1)
    ]


@pytest.mark.parametrize(("cls", "version"), versioned(MESSAGES + RECORDS))
def test_a_version_has_the_fields_that_apache_gives_it(cls: type, version: int, apache: Definitions) -> None:
    definition = apache.of(cls, version)
    declared, expected = declared_shape(cls, version), apache_shape(definition, version)

    assert list(declared) == list(expected)
    assert declared == expected
    assert is_flexible(cls, version) == (version in Versions.parse(definition["flexibleVersions"]))


@pytest.mark.parametrize("cls", MESSAGES + RECORDS, ids=lambda cls: cls.__name__)
def test_a_message_is_declared_from_its_first_version_to_its_newest(cls: type, apache: Definitions) -> None:
    newest = Versions.parse(apache.of(cls)["validVersions"])
    oldest = Versions.parse(apache.before_4.get(cls.__name__, apache.of(cls))["validVersions"])

    declared = versions_of(cls)
    if apache.source == "Maven":
        assert declared == (min(newest.first, oldest.first), newest.last)
    else:
        assert declared.last >= newest.last


@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.name)
def test_an_api_has_apaches_key_and_stable_versions(api: Any, apache: Definitions) -> None:
    request, response = apache.of(api.request), apache.of(api.response)
    last = Versions.parse(request["validVersions"]).last

    assert (api.key, api.key) == (request["apiKey"], response["apiKey"])
    if apache.source == "Maven":
        assert api.versions.last == (last - 1 if request.get("latestVersionUnstable") else last)


def test_every_metadata_record_has_apaches_number(apache: Definitions) -> None:
    expected = {
        definition["apiKey"]: name for name, definition in apache.newest.items() if definition["type"] == "metadata"
    }
    if not expected:
        pytest.skip(NOT_SHIPPED)

    assert {number: cls.__name__ for number, cls in metadata.METADATA_RECORDS.items()} == expected


def test_group_records_have_apaches_kinds(apache: Definitions) -> None:
    kinds = groups.GROUP_RECORDS | share_groups.SHARE_GROUP_RECORDS | streams_groups.STREAMS_GROUP_RECORDS
    for kind, classes in list(kinds.items())[1:]:  # kind 0 has the name LegacyOffsetCommit there
        for cls in classes:
            assert apache.of(cls)["apiKey"] == kind


def test_share_state_records_have_apaches_kinds(apache: Definitions) -> None:
    for kind, classes in share_state.SHARE_STATE_RECORDS.items():
        for cls in classes:
            assert apache.of(cls)["apiKey"] == kind
