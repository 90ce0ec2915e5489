"""UpdateFeatures: levels at which the whole cluster works are raised and lowered, all or none."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.update_features import (
    UPDATE_FEATURES,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)


@serves(UPDATE_FEATURES)
async def update_features(request: UpdateFeaturesRequest, call: Call) -> UpdateFeaturesResponse:
    cluster, node_id = call.node.cluster, call.node.config.node_id
    kraft_version = cluster.quorum.kraft_version
    try:
        await cluster.wait_change(lambda controller: controller.update_features(request, node_id, kraft_version))
    except Exception as error:  # one of them, or the log, refused them all
        found = refusal(error, call)
        return UpdateFeaturesResponse(error_code=found.code, error_message=found.why)
    # The text is Apache's.
    done = [UpdatableFeatureResult(one.feature, ErrorCode.NONE, "NONE") for one in request.feature_updates]
    return UpdateFeaturesResponse(error_message=None, results=done)
