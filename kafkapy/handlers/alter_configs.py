"""AlterConfigs: settings that are in force the moment the reply is there, in place of all that were set before."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.alter_configs import (
    ALTER_CONFIGS,
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


@serves(ALTER_CONFIGS)
async def alter_configs(request: AlterConfigsRequest, call: Call) -> AlterConfigsResponse:
    try:
        return await call.node.cluster.wait_change(lambda controller: controller.alter_configs(request))
    except Exception as error:  # the log refused them all
        found = refusal(error, call)
        return AlterConfigsResponse(
            responses=[
                AlterConfigsResourceResponse(found.code, found.why, resource.resource_type, resource.resource_name)
                for resource in request.resources
            ]
        )
