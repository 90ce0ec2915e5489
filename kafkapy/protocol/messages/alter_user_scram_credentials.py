"""AlterUserScramCredentials (key 51): SCRAM credentials of users are set and removed (KIP-554).

The client salts and hashes the password; what a broker keeps is derived from that, and gives neither back.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Bytes, Int8, Int16, Int32, String, message, wire


@message()
class ScramCredentialDeletion:
    name: str = wire(String)
    mechanism: int = wire(Int8)  # 1 SCRAM-SHA-256, 2 SCRAM-SHA-512


@message()
class ScramCredentialUpsertion:
    name: str = wire(String)
    mechanism: int = wire(Int8)
    iterations: int = wire(Int32)
    salt: bytes = wire(Bytes)
    salted_password: bytes = wire(Bytes)


@message(versions="0", flexible="0+")
class AlterUserScramCredentialsRequest:
    deletions: list[ScramCredentialDeletion] = wire(Array(ScramCredentialDeletion))
    upsertions: list[ScramCredentialUpsertion] = wire(Array(ScramCredentialUpsertion))


@message()
class AlterUserScramCredentialsResult:
    user: str = wire(String)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


@message(versions="0", flexible="0+")
class AlterUserScramCredentialsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[AlterUserScramCredentialsResult] = wire(Array(AlterUserScramCredentialsResult))


ALTER_USER_SCRAM_CREDENTIALS = Api(51, AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse)
