"""DescribeCluster: the brokers, the controller and the cluster's id (KIP-700)."""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_CLUSTER
from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_cluster import (
    DESCRIBE_CLUSTER,
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

BROKERS = 1
CONTROLLERS = 2


@serves(DESCRIBE_CLUSTER)
def describe_cluster(request: DescribeClusterRequest, call: Call) -> DescribeClusterResponse:
    if request.endpoint_type != BROKERS:
        known = request.endpoint_type == CONTROLLERS
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE if known else ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message="This is a broker: ask it for brokers, endpoint type 1.",
        )
    cluster = call.node.cluster
    brokers = []
    for broker in cluster.image.brokers():
        endpoint = broker.endpoint(call.listener)
        if endpoint is not None and (broker.is_active or request.include_fenced_brokers):
            brokers.append(
                DescribeClusterBroker(broker.id, endpoint.host, endpoint.port, broker.rack, broker.is_fenced)
            )
    return DescribeClusterResponse(
        cluster_id=cluster.image.cluster_id,
        controller_id=call.node.config.node_id,
        brokers=brokers,
        cluster_authorized_operations=ON_CLUSTER if request.include_cluster_authorized_operations else NOT_ASKED,
    )
