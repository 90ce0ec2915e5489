"""DescribeDelegationToken (key 41): the tokens that there are (KIP-48). v2 flexible encoding; v3 who asked for them."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Bytes, Int16, Int32, Int64, String, message, wire


@message()
class DescribeDelegationTokenOwner:
    principal_type: str = wire(String)
    principal_name: str = wire(String)


@message(versions="0-3", flexible="2+")
class DescribeDelegationTokenRequest:
    owners: list[DescribeDelegationTokenOwner] | None = wire(
        Array(DescribeDelegationTokenOwner), nullable="0+"
    )  # null: all


@message()
class DescribedDelegationTokenRenewer:
    principal_type: str = wire(String)
    principal_name: str = wire(String)


@message()
class DescribedDelegationToken:
    """Times are in ms since the epoch."""

    principal_type: str = wire(String)
    principal_name: str = wire(String)
    token_requester_principal_type: str = wire(String, "3+")
    token_requester_principal_name: str = wire(String, "3+")
    issue_timestamp: int = wire(Int64)
    expiry_timestamp: int = wire(Int64)
    max_timestamp: int = wire(Int64)
    token_id: str = wire(String)
    hmac: bytes = wire(Bytes)
    renewers: list[DescribedDelegationTokenRenewer] = wire(Array(DescribedDelegationTokenRenewer))


@message(versions="0-3", flexible="2+")
class DescribeDelegationTokenResponse:
    error_code: int = wire(Int16)
    tokens: list[DescribedDelegationToken] = wire(Array(DescribedDelegationToken))
    throttle_time_ms: int = wire(Int32)


DESCRIBE_DELEGATION_TOKEN = Api(41, DescribeDelegationTokenRequest, DescribeDelegationTokenResponse)
