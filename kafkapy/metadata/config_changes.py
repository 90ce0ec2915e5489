"""Settings of topics, brokers and groups change: IncrementalAlterConfigs, AlterConfigs.

All changes of one resource are made or none; a resource that is refused never fails its neighbours. What a setting may
be is the configuration's to say (`ConfigRules`); this says whose it is, and what becomes of the old value. Apache's
classes: `ConfigAdminManager`, `ConfigurationControlManager`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafkapy.metadata.bootstrap import ELR_VERSION
from kafkapy.metadata.image import (
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
    ClusterImage,
)
from kafkapy.metadata.topic_names import check_topic_name
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_configs as ac
from kafkapy.protocol.messages import incremental_alter_configs as iac
from kafkapy.protocol.records import metadata as m

SET, DELETE, APPEND, SUBTRACT = range(4)
# What is said of a resource that must have a name and has none; a broker without a name is all of them.
_WITHOUT_NAME = {
    TOPIC_RESOURCE: "Default topic resources are not allowed.",
    GROUP_RESOURCE: "Default group resources are not allowed.",
    CLIENT_METRICS_RESOURCE: "Subscription name can't be empty",
}
_MIN_INSYNC_REPLICAS = "min.insync.replicas"

Altered = dict[str, str | None]  # new values by name; None goes back to the default


def _anything_goes(resource_type: int, name: str, altered: Mapping[str, str | None], after: Mapping[str, str]) -> None:
    """Every setting is fine."""


def _no_lists(resource_type: int, name: str) -> str | None:
    """No setting is a list."""


@dataclass(frozen=True, slots=True)
class ConfigRules:
    """What the configuration says of settings.

    `check` raises KafkaError for changes, or for what would be set after them, that cannot be; `list_default` is the
    default of a setting that is a list, joined with commas, and None for one that is not.
    """

    check: Callable[[int, str, Mapping[str, str | None], Mapping[str, str]], None] = _anything_goes
    list_default: Callable[[int, str], str | None] = _no_lists


def incremental_alter_configs(
    image: ClusterImage, request: iac.IncrementalAlterConfigsRequest, rules: ConfigRules
) -> tuple[list[Any], iac.IncrementalAlterConfigsResponse]:
    """A ConfigRecord for each setting that changes. None if `validate_only`."""
    records: list[Any] = []
    responses = []
    twice = named_twice(request.resources)
    for resource in request.resources:
        response = iac.AlterConfigsResourceResponse(0, None, resource.resource_type, resource.resource_name)
        try:
            _check_kept(resource, twice)
            current = image.configs(resource.resource_type, resource.resource_name)
            altered = {one.name: _new_value(resource.resource_type, one, current, rules) for one in resource.configs}
            records += _records(image, resource, altered, rules)
        except KafkaError as error:
            response.error_code, response.error_message = error.code, error.why
        responses.append(response)
    return [] if request.validate_only else records, iac.IncrementalAlterConfigsResponse(responses=responses)


def alter_configs(
    image: ClusterImage, request: ac.AlterConfigsRequest, rules: ConfigRules
) -> tuple[list[Any], ac.AlterConfigsResponse]:
    """A ConfigRecord for each setting that changes; what is not named loses its value. None if `validate_only`."""
    records: list[Any] = []
    responses = []
    twice = named_twice(request.resources)
    for resource in request.resources:
        response = ac.AlterConfigsResourceResponse(0, None, resource.resource_type, resource.resource_name)
        try:
            _check_kept(resource, twice)
            current = image.configs(resource.resource_type, resource.resource_name)
            altered: Altered = {one.name: one.value for one in resource.configs}
            records += _records(image, resource, {**dict.fromkeys(current.keys() - altered), **altered}, rules)
        except KafkaError as error:
            response.error_code, response.error_message = error.code, error.why
        responses.append(response)
    return [] if request.validate_only else records, ac.AlterConfigsResponse(responses=responses)


def named_twice(resources: Sequence[Any]) -> set[tuple[int, str]]:
    """Type and name of the resources that a request names more than once."""
    counted = Counter((resource.resource_type, resource.resource_name) for resource in resources)
    return {resource for resource, count in counted.items() if count > 1}


def check_resource(resource: Any, twice: set[tuple[int, str]]) -> None:
    """Raise KafkaError(INVALID_REQUEST) for a resource, or one of its settings, named twice, or without a value."""
    names = Counter(one.name for one in resource.configs)
    again = [name for name, count in names.items() if count > 1]
    deletes = [getattr(one, "config_operation", SET) == DELETE for one in resource.configs]
    without_value = [
        one.name for one, no in zip(resource.configs, deletes, strict=True) if one.value is None and not no
    ]
    if (resource.resource_type, resource.resource_name) in twice:
        why = "Each resource must appear at most once."
    elif again:
        why = "Error due to duplicate config keys"
    elif without_value:
        why = f"Null value not supported for : {', '.join(without_value)}"
    else:
        return
    raise KafkaError(ErrorCode.INVALID_REQUEST, why)


def _check_kept(resource: Any, twice: set[tuple[int, str]]) -> None:
    check_resource(resource, twice)
    if resource.resource_type != BROKER_RESOURCE and resource.resource_type not in _WITHOUT_NAME:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {resource.resource_type}")


def _new_value(
    resource_type: int, change: iac.AlterableConfig, current: Mapping[str, str], rules: ConfigRules
) -> str | None:
    """The setting's value after the change. Raises KafkaError: INVALID_REQUEST, INVALID_CONFIG."""
    name, value, operation = change.name, change.value or "", change.config_operation
    if operation == SET:
        return value
    if operation == DELETE:
        return None
    if operation not in (APPEND, SUBTRACT):
        why = f"operation {operation} on {name}: choose 0 set, 1 delete, 2 append or 3 subtract"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
    default = rules.list_default(resource_type, name)
    if default is None:
        word = "APPEND" if operation == APPEND else "SUBTRACT"
        why = f"Can't {word} to key {name} because its type is not LIST."
        if resource_type == BROKER_RESOURCE:
            why = f"Config value {word.lower()} is not allowed for config key: {name}"
        raise KafkaError(ErrorCode.INVALID_CONFIG, why)
    items = [item for item in current.get(name, default).split(",") if item]
    for item in value.split(","):
        if operation == APPEND and item not in items:
            items.append(item)
        elif operation == SUBTRACT and item in items:
            items.remove(item)
    return ",".join(items)


def _records(image: ClusterImage, resource: Any, altered: Altered, rules: ConfigRules) -> list[Any]:
    kind, name = resource.resource_type, resource.resource_name
    if kind != BROKER_RESOURCE and not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, _WITHOUT_NAME[kind])
    if kind == TOPIC_RESOURCE:
        check_topic_name(name)
    current = image.configs(kind, name)
    after = {key: value for key, value in {**current, **altered}.items() if value is not None}
    rules.check(kind, name, altered, after)
    if kind == TOPIC_RESOURCE and image.topic(name) is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    if kind == BROKER_RESOURCE and image.features.get(ELR_VERSION, 0) > 0:
        _check_elr(name, altered)
    return [
        m.ConfigRecord(kind, name, key, value)
        for key, value in altered.items()
        # A broker's are written even if nothing changes: it may have to read a file again that the value names.
        if kind == BROKER_RESOURCE or current.get(key) != value
    ]


def _check_elr(broker: str, altered: Altered) -> None:
    """With eligible leader replicas (KIP-966) the least in-sync count is one for the cluster, and always there."""
    if _MIN_INSYNC_REPLICAS not in altered:
        return
    if broker:
        why = "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        raise KafkaError(ErrorCode.INVALID_CONFIG, why)
    if altered[_MIN_INSYNC_REPLICAS] is None:
        why = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        raise KafkaError(ErrorCode.INVALID_CONFIG, why)
