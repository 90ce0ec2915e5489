"""ListConfigResources: the names of everything whose settings can be described.

Groups and client metrics subscriptions exist here once something is set on them. Version 0 knows the latter only.
"""

from __future__ import annotations

from collections.abc import Iterator

from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.loggers import BROKER_LOGGER_RESOURCE
from kafkapy.metadata.image import BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.list_config_resources import (
    LIST_CONFIG_RESOURCES,
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

_ALL = (GROUP_RESOURCE, CLIENT_METRICS_RESOURCE, BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, TOPIC_RESOURCE)


@serves(LIST_CONFIG_RESOURCES)
def list_config_resources(request: ListConfigResourcesRequest, call: Call) -> ListConfigResourcesResponse:
    wanted = request.resource_types or _ALL if call.version > 0 else (CLIENT_METRICS_RESOURCE,)
    if not set(wanted) <= set(_ALL):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    found = [ConfigResource(name, kind) for kind in _ALL if kind in wanted for name in _names(kind, call)]
    return ListConfigResourcesResponse(config_resources=found)


def _names(kind: int, call: Call) -> Iterator[str]:
    cluster = call.node.cluster
    if kind == TOPIC_RESOURCE:
        yield from (topic.name for topic in cluster.image.topics())
    elif kind in (BROKER_RESOURCE, BROKER_LOGGER_RESOURCE):
        yield from (str(address.node_id) for address in cluster.addresses(call.listener))
    else:
        yield from (name for found, name in cluster.image.configured_resources() if found == kind)
