"""IncrementalAlterConfigs: settings that are in force the moment the reply is there.

Those of topics, brokers and groups are the cluster's metadata; the levels of loggers belong to this process alone.
"""

from __future__ import annotations

import dataclasses

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.loggers import BROKER_LOGGER_RESOURCE, alter_loggers
from kafkapy.metadata.config_changes import check_resource, named_twice
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)


@serves(INCREMENTAL_ALTER_CONFIGS)
async def incremental_alter_configs(
    request: IncrementalAlterConfigsRequest, call: Call
) -> IncrementalAlterConfigsResponse:
    """One answer for each resource, in the order of the request."""
    kept = [resource for resource in request.resources if resource.resource_type != BROKER_LOGGER_RESOURCE]
    answers = iter(await _wait_altered(dataclasses.replace(request, resources=kept), call))
    return IncrementalAlterConfigsResponse(
        responses=[
            _alter_loggers(resource, request, call)
            if resource.resource_type == BROKER_LOGGER_RESOURCE
            else next(answers)
            for resource in request.resources
        ]
    )


async def _wait_altered(request: IncrementalAlterConfigsRequest, call: Call) -> list[AlterConfigsResourceResponse]:
    try:
        response = await call.node.cluster.wait_change(lambda controller: controller.incremental_alter_configs(request))
    except Exception as error:  # the log refused them all
        return [_refused(resource, error, call) for resource in request.resources]
    return response.responses


def _alter_loggers(
    resource: AlterConfigsResource, request: IncrementalAlterConfigsRequest, call: Call
) -> AlterConfigsResourceResponse:
    try:
        check_resource(resource, named_twice(request.resources))
        node_id = call.node.config.node_id
        alter_loggers(resource.resource_name, resource.configs, node_id, validate_only=request.validate_only)
    except Exception as error:  # one resource's failure is not its neighbours'
        return _refused(resource, error, call)
    return AlterConfigsResourceResponse(0, None, resource.resource_type, resource.resource_name)


def _refused(resource: AlterConfigsResource, error: Exception, call: Call) -> AlterConfigsResourceResponse:
    found = refusal(error, call)
    return AlterConfigsResourceResponse(found.code, found.why, resource.resource_type, resource.resource_name)
