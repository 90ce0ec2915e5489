"""Quotas of users, client ids and addresses (KIP-546): what is set, who asks for it, who changes it.

An entity is made of one or two parts, each a type and a name; the name None is the default for its type. Apache's
classes: `ClientQuotaControlManager`, `ClientQuotasImage`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from typing import NamedTuple

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_client_quotas as alter
from kafkapy.protocol.messages import describe_client_quotas as describe
from kafkapy.protocol.records.metadata import ClientQuotaRecord, EntityData

USER, CLIENT_ID, IP = "user", "client-id", "ip"
_EXACT, _DEFAULT, _SPECIFIED = range(3)
_INT_MAX, _LONG_MAX = 2**31 - 1, 2**63 - 1
_FRACTION = 1e-6  # what is this near to a whole number counts as one

Entity = frozenset[tuple[str, str | None]]


class _Limit(NamedTuple):
    """The most that a quota may be, if it must be whole; `kind` is the type that Apache gives it."""

    most: float = math.inf
    kind: str = ""


_OF_CLIENTS = {
    "producer_byte_rate": _Limit(_LONG_MAX, "a LONG"),
    "consumer_byte_rate": _Limit(_LONG_MAX, "a LONG"),
    "request_percentage": _Limit(),
    "controller_mutation_rate": _Limit(),
}
_CONNECTION_RATE = "connection_creation_rate"
_OF_ADDRESSES = {_CONNECTION_RATE: _Limit(_INT_MAX, "an INT")}


class ClientQuotas:
    """Every quota that is set, by entity and key; only the replay of the metadata changes it."""

    def __init__(self) -> None:
        self._values: dict[Entity, dict[str, float]] = {}

    def replay(self, record: ClientQuotaRecord) -> None:
        entity: Entity = frozenset((part.entity_type, part.entity_name) for part in record.entity)
        # Replaced, not changed in place: a reader may hold the mapping it got.
        values = dict(self._values.get(entity, {}))
        if record.remove:
            values.pop(record.key, None)
        else:
            values[record.key] = record.value
        if values:
            self._values[entity] = values
        else:
            self._values.pop(entity, None)

    def of(self, entity: Entity) -> Mapping[str, float]:
        """What is set for exactly this entity."""
        return self._values.get(entity, {})

    def connection_rate(self, address: str) -> float | None:
        """How many new connections a second an IP address may make: its own quota, or that of all; None: any number."""
        for name in (address, None):
            rate = self.of(frozenset(((IP, name),))).get(_CONNECTION_RATE)
            if rate is not None:
                return rate
        return None

    def records(self) -> Iterator[ClientQuotaRecord]:
        """The records whose replay sets all of this."""
        for entity, values in self._values.items():
            for key, value in values.items():
                yield ClientQuotaRecord(_parts(entity), key, value, False)

    def describe(self, request: describe.DescribeClientQuotasRequest) -> list[describe.EntryData]:
        """The entities that the request's filter lets through.

        Raises KafkaError: INVALID_REQUEST for a filter that contradicts itself, UNSUPPORTED_VERSION for a type of
        entity that there is not.
        """
        wanted: dict[str, describe.ComponentData] = {}
        for component in request.components:
            _check_component(component, wanted)
            wanted[component.entity_type] = component
        if IP in wanted and len(wanted) > 1:
            why = "IP filter component should not be used with user or clientId filter component."
            raise _invalid(f"Invalid entity filter component combination. {why}")
        return [
            describe.EntryData(
                [describe.EntityData(*part) for part in sorted(entity, key=lambda part: part[0])],
                [describe.ValueData(key, value) for key, value in values.items()],
            )
            for entity, values in self._values.items()
            if _matches(dict(entity), wanted, is_strict=request.strict)
        ]


def alter_client_quotas(
    quotas: ClientQuotas, request: alter.AlterClientQuotasRequest
) -> tuple[list[ClientQuotaRecord], alter.AlterClientQuotasResponse]:
    """A record for each quota that changes, none if `validate_only`; one result for each entity.

    All changes of an entity are made or none. One that is named again is refused, its first naming counts all the
    same: that is what Apache does.
    """
    records: list[ClientQuotaRecord] = []
    results: dict[Entity, KafkaError | None] = {}
    for entry in request.entries:
        entity: Entity = frozenset({part.entity_type: part.entity_name for part in entry.entity}.items())
        try:
            if entity in results or len({op.key for op in entry.ops}) != len(entry.ops):
                raise _invalid(f"Ignoring duplicate entity {_text(entity)}")
            records += _alter_entity(quotas, entity, entry.ops)
            results[entity] = None
        except KafkaError as error:
            results[entity] = error
    answers = [
        alter.EntryResult(
            ErrorCode.NONE if error is None else error.code,
            None if error is None else error.why,
            [alter.EntityData(*part) for part in sorted(entity, key=lambda part: part[0])],
        )
        for entity, error in results.items()
    ]
    return [] if request.validate_only else records, alter.AlterClientQuotasResponse(entries=answers)


def _alter_entity(quotas: ClientQuotas, entity: Entity, ops: list[alter.OpData]) -> Iterator[ClientQuotaRecord]:
    limits = _limits(dict(entity))
    current = quotas.of(entity)
    for op in ops:
        if not op.remove:
            _check_value(limits, op)
    for op in ops:
        if op.remove and op.key in current:
            yield ClientQuotaRecord(_parts(entity), op.key, 0.0, True)
        elif not op.remove and current.get(op.key) != op.value:
            yield ClientQuotaRecord(_parts(entity), op.key, op.value, False)


def _limits(entity: Mapping[str, str | None]) -> Mapping[str, _Limit]:
    """The quotas that an entity of these parts may have. Raises KafkaError(INVALID_REQUEST)."""
    if not entity:
        raise _invalid("Invalid empty client quota entity")
    for kind, name in entity.items():
        if kind not in (USER, CLIENT_ID, IP):
            raise _invalid(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _invalid(f"Empty {kind} not supported")
    if IP not in entity:
        return _OF_CLIENTS
    if len(entity) > 1:
        # The missing blank is Apache's.
        why = "IP entity shouldnot be combined with User or ClientId"
        raise _invalid(f"Invalid quota entity combination, {why}")
    address = entity[IP]
    if address is not None and not _is_address(address):
        raise _invalid(f"{address} is not a valid IP or resolvable host.")
    return _OF_ADDRESSES


def _check_value(limits: Mapping[str, _Limit], op: alter.OpData) -> None:
    limit = limits.get(op.key)
    if limit is None:
        raise _invalid(f"Invalid configuration key {op.key}")
    if op.value <= 0:
        raise _invalid(f"Quota {op.key} must be greater than 0")
    if op.value > limit.most:
        raise _invalid(f"Proposed value for {op.key} is too large for {limit.kind}.")
    if limit.kind and op.value % 1 > _FRACTION:
        raise _invalid(f"{op.key} cannot be a fractional value.")


def _is_address(text: str) -> bool:
    """Whether it is an IP address, as Java writes it too: IPv6 in brackets, IPv4 of fewer than four numbers.

    Apache looks names up in the DNS as well; of them only localhost is taken here, since nothing here may wait.
    """
    if text == "localhost":
        return True
    if ":" in text:
        try:
            IPv6Address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
        except ValueError:
            return False
        return "%" not in text
    numbers = text.split(".")
    if len(numbers) > 4 or not all(re.fullmatch(r"[0-9]{1,10}", number) for number in numbers):
        return False
    *leading, last = map(int, numbers)
    return all(number < 256 for number in leading) and last < 256 ** (4 - len(leading))


def _check_component(component: describe.ComponentData, before: Mapping[str, describe.ComponentData]) -> None:
    kind, match = component.entity_type, component.match
    if not kind:
        raise _invalid("Invalid empty entity type.")
    if kind in before:
        raise _invalid(f"Entity type {kind} cannot appear more than once in the filter.")
    if kind not in (USER, CLIENT_ID, IP):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
    if component.match_type == _EXACT:
        if match is None:
            raise _invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.")
    elif component.match_type in (_DEFAULT, _SPECIFIED):
        name = "MATCH_TYPE_DEFAULT" if component.match_type == _DEFAULT else "MATCH_TYPE_SPECIFIED"
        if match is not None:
            raise _invalid(f"Request specified {name}, but also specified a match string.")
    else:
        raise _invalid(f"Unknown match type {component.match_type}")


def _matches(
    entity: Mapping[str, str | None], wanted: Mapping[str, describe.ComponentData], *, is_strict: bool
) -> bool:
    if is_strict and len(entity) != len(wanted):
        return False
    return all(
        kind in entity and (component.match_type == _SPECIFIED or entity[kind] == component.match)
        for kind, component in wanted.items()
    )


def _parts(entity: Entity) -> list[EntityData]:
    return [EntityData(*part) for part in sorted(entity, key=lambda part: part[0])]


def _text(entity: Entity) -> str:
    parts = ", ".join(f"{kind}={'null' if name is None else name}" for kind, name in sorted(entity, key=lambda p: p[0]))
    return f"ClientQuotaEntity(entries={{{parts}}})"


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, why)
