"""SCRAM credentials of users (KIP-554, KIP-900): what is set, who asks for it, who changes it.

A client sends the password salted and hashed; what is kept is derived from that as RFC 5802 has it, and is enough to
recognise who knows the password, not to log in. Apache's classes: `ScramControlManager`, `ScramImage`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Sequence

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_user_scram_credentials as alter
from kafkapy.protocol.messages import describe_user_scram_credentials as dsc
from kafkapy.protocol.records.metadata import RemoveUserScramCredentialRecord, UserScramCredentialRecord

_HASHES = {1: "sha256", 2: "sha512"}  # by mechanism: SCRAM-SHA-256, SCRAM-SHA-512
_MIN_ITERATIONS, _MAX_ITERATIONS = 4096, 16384


class ScramCredentials:
    """Every user's credentials; only the replay of the metadata changes them."""

    def __init__(self) -> None:
        self._records: dict[str, dict[int, UserScramCredentialRecord]] = {}

    def replay(self, record: UserScramCredentialRecord | RemoveUserScramCredentialRecord) -> None:
        if isinstance(record, UserScramCredentialRecord):
            self._records.setdefault(record.name, {})[record.mechanism] = record
            return
        of_user = self._records.get(record.name, {})
        of_user.pop(record.mechanism, None)
        if not of_user:
            self._records.pop(record.name, None)

    def has(self, user: str, mechanism: int) -> bool:
        return mechanism in self._records.get(user, {})

    def records(self) -> Iterator[UserScramCredentialRecord]:
        """The records whose replay sets all of this."""
        for of_user in self._records.values():
            yield from of_user.values()

    def describe(self, users: Sequence[str]) -> list[dsc.DescribeUserScramCredentialsResult]:
        """Mechanisms and iterations of these users; of all, if none is named."""
        counts = Counter(users or list(self._records))
        return [self._describe(user, count) for user, count in counts.items()]

    def _describe(self, user: str, count: int) -> dsc.DescribeUserScramCredentialsResult:
        result = dsc.DescribeUserScramCredentialsResult(user, ErrorCode.NONE, "", [])
        if count > 1:
            result.error_code = ErrorCode.DUPLICATE_RESOURCE
            why = "Cannot describe SCRAM credentials for the same user twice in a single request"
            result.error_message = f"{why}: {user}"
        elif user not in self._records:
            result.error_code = ErrorCode.RESOURCE_NOT_FOUND
            result.error_message = f"Attempt to describe a user credential that does not exist: {user}"
        else:
            found = self._records[user]
            result.credential_infos = [dsc.CredentialInfo(one, found[one].iterations) for one in sorted(found)]
        return result


def alter_user_scram_credentials(
    credentials: ScramCredentials, request: alter.AlterUserScramCredentialsRequest
) -> tuple[list[UserScramCredentialRecord | RemoveUserScramCredentialRecord], alter.AlterUserScramCredentialsResponse]:
    """A record for each change; one result for each user, who may be named once only."""
    records: list[UserScramCredentialRecord | RemoveUserScramCredentialRecord] = []
    results = []
    changes: list[alter.ScramCredentialDeletion | alter.ScramCredentialUpsertion] = [
        *request.deletions,
        *request.upsertions,
    ]
    first: dict[str, alter.ScramCredentialDeletion | alter.ScramCredentialUpsertion] = {}
    for change in changes:
        first.setdefault(change.name, change)
    named = Counter(change.name for change in changes)
    for change in first.values():
        result = alter.AlterUserScramCredentialsResult(change.name, ErrorCode.NONE, None)
        try:
            # What is wrong with the first naming says more than that there is a second.
            record = (
                _removed(credentials, change)
                if isinstance(change, alter.ScramCredentialDeletion)
                else _upserted(change)
            )
            if named[change.name] > 1:
                why = "A user credential cannot be altered twice in the same request"
                raise KafkaError(ErrorCode.DUPLICATE_RESOURCE, why)
            records.append(record)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.why or None
        results.append(result)
    return records, alter.AlterUserScramCredentialsResponse(results=results)


def _removed(credentials: ScramCredentials, change: alter.ScramCredentialDeletion) -> RemoveUserScramCredentialRecord:
    _check_name_and_mechanism(change.name, change.mechanism)
    if not credentials.has(change.name, change.mechanism):
        why = "Attempt to delete a user credential that does not exist"
        raise KafkaError(ErrorCode.RESOURCE_NOT_FOUND, why)
    return RemoveUserScramCredentialRecord(change.name, change.mechanism)


def _upserted(change: alter.ScramCredentialUpsertion) -> UserScramCredentialRecord:
    _check_name_and_mechanism(change.name, change.mechanism)
    if not _MIN_ITERATIONS <= change.iterations <= _MAX_ITERATIONS:
        why = "Too few iterations" if change.iterations < _MIN_ITERATIONS else "Too many iterations"
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, why)
    if not change.salted_password:
        # Java's HMAC takes no empty key, and Apache says no more than this.
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    algorithm = _HASHES[change.mechanism]
    client_key = hmac.digest(change.salted_password, b"Client Key", algorithm)
    return UserScramCredentialRecord(
        change.name,
        change.mechanism,
        bytes(change.salt),
        hashlib.new(algorithm, client_key).digest(),
        hmac.digest(change.salted_password, b"Server Key", algorithm),
        change.iterations,
    )


def _check_name_and_mechanism(name: str, mechanism: int) -> None:
    if not name:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if mechanism not in _HASHES:
        raise KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
