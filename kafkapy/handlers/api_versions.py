"""ApiVersions: what this broker serves, straight from the table of handlers, and the features it has."""

from __future__ import annotations

import re

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import (
    API_VERSIONS,
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
_FIRST_VERSION_WITH_SOFTWARE = 3
_FIRST_VERSION_WITH_MINIMUM_0 = 4


@serves(API_VERSIONS)
def api_versions(request: ApiVersionsRequest | None, call: Call) -> ApiVersionsResponse:
    """A version that is not served is answered with our own range, from which the client chooses (KIP-511)."""
    if request is None:
        return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[_served(call.api)])
    if call.version >= _FIRST_VERSION_WITH_SOFTWARE and not _names_software(request):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    cluster = call.node.cluster
    broker = cluster.image.broker(call.node.config.node_id)
    features = {} if broker is None else broker.features
    return ApiVersionsResponse(
        api_keys=[_served(handler.api) for handler in call.node.handlers.values()],
        supported_features=[
            SupportedFeatureKey(name, low, high)
            for name, (low, high) in features.items()
            # Clients before v4 refuse a feature whose lowest level is 0 (KAFKA-17011).
            if low > 0 or call.version >= _FIRST_VERSION_WITH_MINIMUM_0
        ],
        finalized_features_epoch=cluster.features_epoch,
        finalized_features=[
            FinalizedFeatureKey(name, level, level) for name, level in sorted(cluster.features.items())
        ],
    )


def _served(api: Api) -> ApiVersion:
    return ApiVersion(api.key, api.versions.first, api.versions.last)


def _names_software(request: ApiVersionsRequest) -> bool:
    return all(map(_SOFTWARE.fullmatch, (request.client_software_name, request.client_software_version)))
