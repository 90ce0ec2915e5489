"""DescribeConfigs: the configuration of topics, brokers, groups and so on, with the source of every value."""

from __future__ import annotations

from kafkapy.config.describe import (
    Entry,
    describe_broker,
    describe_client_metrics,
    describe_cluster_default,
    describe_group,
    describe_loggers,
    describe_topic,
)
from kafkapy.config_check import check_broker_id
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.loggers import logger_levels
from kafkapy.metadata.image import CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE
from kafkapy.metadata.topic_names import check_topic_name
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.describe_configs import (
    DESCRIBE_CONFIGS,
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)


@serves(DESCRIBE_CONFIGS)
def describe_configs(request: DescribeConfigsRequest, call: Call) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(results=[_describe(resource, request, call) for resource in request.resources])


def _describe(resource: DescribeConfigsResource, request: DescribeConfigsRequest, call: Call) -> DescribeConfigsResult:
    result = DescribeConfigsResult(resource_type=resource.resource_type, resource_name=resource.resource_name)
    try:
        entries = _entries(resource, call)
    except Exception as error:  # one resource's failure is not its neighbours'
        found = refusal(error, call)
        result.error_code, result.error_message = found.code, found.why
        return result
    wanted = resource.configuration_keys
    # An empty list of keys means all, as null does: old clients send it so.
    result.configs = [_shown(entry, request) for entry in entries if not wanted or entry.name in wanted]
    return result


def _entries(resource: DescribeConfigsResource, call: Call) -> list[Entry]:
    cluster, name = call.node.cluster, resource.resource_name
    image, config, dynamic = cluster.image, cluster.started_with, cluster.dynamic_configs
    match resource.resource_type:
        case 2:
            check_topic_name(name)
            if image.topic(name) is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name!r}")
            return describe_topic(image.configs(TOPIC_RESOURCE, name), config, dynamic)
        case 4 if name == "":
            return describe_cluster_default(dynamic)
        case 4:
            check_broker_id(name, config.node_id)
            return describe_broker(config, dynamic)
        case 8:
            check_broker_id(name, config.node_id)
            return describe_loggers(logger_levels())
        case 16:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Client metrics subscription name must not be empty")
            return describe_client_metrics(image.configs(CLIENT_METRICS_RESOURCE, name))
        case 32:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Group name must not be empty")
            return describe_group(image.configs(GROUP_RESOURCE, name), config, dynamic)
        case other:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"there is nothing to describe of resource type {other}")


def _shown(entry: Entry, request: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    synonyms = entry.synonyms if request.include_synonyms else ()
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        is_default=entry.is_default,
        config_source=entry.config_source,
        is_sensitive=entry.is_sensitive,
        synonyms=[DescribeConfigsSynonym(*synonym) for synonym in synonyms],
        config_type=entry.config_type,
        documentation=entry.documentation if request.include_documentation else None,
    )
