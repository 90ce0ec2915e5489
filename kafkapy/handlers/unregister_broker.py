"""UnregisterBroker: a broker that will not come back is forgotten."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.unregister_broker import (
    UNREGISTER_BROKER,
    UnregisterBrokerRequest,
    UnregisterBrokerResponse,
)


@serves(UNREGISTER_BROKER)
async def unregister_broker(request: UnregisterBrokerRequest, call: Call) -> UnregisterBrokerResponse:
    try:
        await call.node.cluster.wait_change(lambda controller: controller.unregister_broker(request.broker_id))
    except Exception as error:
        found = refusal(error, call)
        return UnregisterBrokerResponse(error_code=found.code, error_message=found.why)
    return UnregisterBrokerResponse()
