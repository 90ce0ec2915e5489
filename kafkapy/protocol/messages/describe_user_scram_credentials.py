"""DescribeUserScramCredentials (key 50): which users have SCRAM credentials; never the credentials (KIP-554)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire


@message()
class UserName:
    name: str = wire(String)


@message(versions="0", flexible="0+")
class DescribeUserScramCredentialsRequest:
    users: list[UserName] | None = wire(Array(UserName), nullable="0+")  # null, or none: all


@message()
class CredentialInfo:
    mechanism: int = wire(Int8)  # 1 SCRAM-SHA-256, 2 SCRAM-SHA-512
    iterations: int = wire(Int32)


@message()
class DescribeUserScramCredentialsResult:
    user: str = wire(String)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    credential_infos: list[CredentialInfo] = wire(Array(CredentialInfo))


@message(versions="0", flexible="0+")
class DescribeUserScramCredentialsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    results: list[DescribeUserScramCredentialsResult] = wire(Array(DescribeUserScramCredentialsResult))


DESCRIBE_USER_SCRAM_CREDENTIALS = Api(50, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse)
