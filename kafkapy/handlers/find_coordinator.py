"""FindCoordinator: which broker coordinates a group or a transactional id, or keeps a share partition's state.

From v4 on for several keys at once (KIP-699).
"""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.find_coordinator import (
    FIND_COORDINATOR,
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

GROUP = 0
TRANSACTION = 1
SHARE = 2
_FIRST_VERSION_WITH_KEYS = 4
_FIRST_VERSION_WITH_SHARES = 6


@serves(FIND_COORDINATOR)
def find_coordinator(request: FindCoordinatorRequest, call: Call) -> FindCoordinatorResponse:
    if call.version >= _FIRST_VERSION_WITH_KEYS:
        return FindCoordinatorResponse(coordinators=[_find(key, request, call) for key in request.coordinator_keys])
    found = _find(request.key, request, call)
    return FindCoordinatorResponse(
        error_code=found.error_code,
        # Apache puts the error's name here where it has nothing else to say, in the versions that have the field.
        error_message=found.error_message or "NONE",
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _find(key: str, request: FindCoordinatorRequest, call: Call) -> Coordinator:
    try:
        node_id = _coordinator_of(key, request.key_type, call)
        address = call.node.cluster.address(node_id, call.listener)
        if address is None:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"broker {node_id} has no listener {call.listener}")
        return Coordinator(key, node_id, address.host, address.port, error_message="")
    except Exception as error:  # one key's failure is not its neighbours'
        found = refusal(error, call)
        return Coordinator(key, -1, "", -1, found.code, found.why)


def _coordinator_of(key: str, key_type: int, call: Call) -> int:
    if key_type == GROUP:
        return call.node.groups.coordinator_of(key)
    if key_type == TRANSACTION:
        return call.node.transactions.coordinator_of(key)
    if key_type == SHARE and call.version >= _FIRST_VERSION_WITH_SHARES:
        return call.node.share_coordinator.coordinator_of(key)
    raise KafkaError(ErrorCode.INVALID_REQUEST, f"there is no coordinator for keys of type {key_type}")
