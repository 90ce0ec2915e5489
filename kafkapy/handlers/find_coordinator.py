"""FindCoordinator: which broker coordinates a group or a transactional id, or keeps a share partition's state.

From v4 on for several keys at once (KIP-699).
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.groups import Groups
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.find_coordinator import (
    FIND_COORDINATOR,
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from kafkapy.share_coordinator import ShareCoordinator
from kafkapy.transactions import Transactions

Coordinators = Groups | Transactions | ShareCoordinator

GROUP = 0
TRANSACTION = 1
SHARE = 2
_FIRST_VERSION_WITH_KEYS = 4
_FIRST_VERSION_WITH_SHARES = 6


@serves(FIND_COORDINATOR)
def find_coordinator(
    request: FindCoordinatorRequest, call: Call
) -> FindCoordinatorResponse | Awaitable[FindCoordinatorResponse]:
    """The first who asks for a kind of coordinator has its topic made."""
    coordinators = _coordinators(request, call)
    if coordinators is not None and not coordinators.is_ready:
        return _wait_found(coordinators, request, call)
    found = []
    for key in _keys(request, call):
        try:
            if coordinators is None:
                why = f"there is no coordinator for keys of type {request.key_type}"
                raise KafkaError(ErrorCode.INVALID_REQUEST, why)
            found.append(_at(coordinators.coordinator_of(key), key, call))
        except Exception as error:  # one key's failure is not its neighbours'
            found.append(_refused(key, error, call))
    return _response(found, call)


async def _wait_found(
    coordinators: Coordinators, request: FindCoordinatorRequest, call: Call
) -> FindCoordinatorResponse:
    found = []
    for key in _keys(request, call):
        try:
            found.append(_at(await coordinators.wait_coordinator_of(key), key, call))
        except Exception as error:  # one key's failure is not its neighbours'
            found.append(_refused(key, error, call))
    return _response(found, call)


def _coordinators(request: FindCoordinatorRequest, call: Call) -> Coordinators | None:
    """Those of the request's type of keys."""
    if request.key_type == GROUP:
        return call.node.groups
    if request.key_type == TRANSACTION:
        return call.node.transactions
    if request.key_type == SHARE and call.version >= _FIRST_VERSION_WITH_SHARES:
        return call.node.share_coordinator
    return None


def _keys(request: FindCoordinatorRequest, call: Call) -> list[str]:
    return request.coordinator_keys if call.version >= _FIRST_VERSION_WITH_KEYS else [request.key]


def _at(node_id: int, key: str, call: Call) -> Coordinator:
    address = call.node.cluster.address(node_id, call.listener)
    if address is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"broker {node_id} has no listener {call.listener}")
    return Coordinator(key, node_id, address.host, address.port, error_message="")


def _refused(key: str, error: Exception, call: Call) -> Coordinator:
    found = refusal(error, call)
    return Coordinator(key, -1, "", -1, found.code, found.why)


def _response(coordinators: list[Coordinator], call: Call) -> FindCoordinatorResponse:
    if call.version >= _FIRST_VERSION_WITH_KEYS:
        return FindCoordinatorResponse(coordinators=coordinators)
    [found] = coordinators
    return FindCoordinatorResponse(
        error_code=found.error_code,
        # Apache puts the error's name here where it has nothing else to say, in the versions that have the field.
        error_message=found.error_message or "NONE",
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )
