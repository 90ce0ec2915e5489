"""DescribeCluster (key 60): the cluster's id, its controller and its brokers (KIP-700).

v1 brokers or controllers (KIP-919); v2 fenced brokers as well, if asked for (KIP-1073). Flexible from the start.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message(versions="0-2", flexible="0+")
class DescribeClusterRequest:
    include_cluster_authorized_operations: bool = wire(Boolean)
    endpoint_type: int = wire(Int8, "1+", default=1)  # 1 brokers, 2 controllers
    include_fenced_brokers: bool = wire(Boolean, "2+")


@message()
class DescribeClusterBroker:
    broker_id: int = wire(Int32)
    host: str = wire(String)
    port: int = wire(Int32)
    rack: str | None = wire(String, nullable="0+", default=None)
    is_fenced: bool = wire(Boolean, "2+")


@message(versions="0-2", flexible="0+")
class DescribeClusterResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    endpoint_type: int = wire(Int8, "1+", default=1)  # 1 brokers, 2 controllers
    cluster_id: str = wire(String)
    controller_id: int = wire(Int32, default=-1)
    brokers: list[DescribeClusterBroker] = wire(Array(DescribeClusterBroker))
    # a bit for each operation; the least int32: not asked for
    cluster_authorized_operations: int = wire(Int32, default=-2147483648)


DESCRIBE_CLUSTER = Api(60, DescribeClusterRequest, DescribeClusterResponse)
