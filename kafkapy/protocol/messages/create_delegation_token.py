"""CreateDelegationToken (key 38): a secret that stands for a user for a while (KIP-48).

v2 flexible encoding; v3 tokens for another user (KIP-373).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Bytes, Int16, Int32, Int64, String, message, wire


@message()
class CreatableRenewers:
    principal_type: str = wire(String)
    principal_name: str = wire(String)


@message(versions="0-3", flexible="2+")
class CreateDelegationTokenRequest:
    owner_principal_type: str | None = wire(String, "3+", nullable="3+")  # null: who asks is its owner
    owner_principal_name: str | None = wire(String, "3+", nullable="3+")
    renewers: list[CreatableRenewers] = wire(Array(CreatableRenewers))
    max_lifetime_ms: int = wire(Int64)  # -1: delegation.token.max.lifetime.ms


@message(versions="0-3", flexible="2+")
class CreateDelegationTokenResponse:
    """Times are in ms since the epoch."""

    error_code: int = wire(Int16)
    principal_type: str = wire(String)
    principal_name: str = wire(String)
    token_requester_principal_type: str = wire(String, "3+")
    token_requester_principal_name: str = wire(String, "3+")
    issue_timestamp_ms: int = wire(Int64)
    expiry_timestamp_ms: int = wire(Int64)
    max_timestamp_ms: int = wire(Int64)
    token_id: str = wire(String)
    hmac: bytes = wire(Bytes)
    throttle_time_ms: int = wire(Int32)


CREATE_DELEGATION_TOKEN = Api(38, CreateDelegationTokenRequest, CreateDelegationTokenResponse)
