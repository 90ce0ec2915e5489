"""The control records of logs: markers that the log itself needs, never shown to a consumer.

They stand in batches whose attributes say `control`. The key is two int16: version 0, and the type in
`CONTROL_RECORDS`; the value is the message, behind an int16 version only in the end of a transaction (Apache's
`ControlRecordType`, `EndTransactionMarker`). The others carry their version as their first field. LeaderChangeMessage
v1 adds directory ids (KIP-853).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, UInt16, Uuid, message, wire


@message()
class Voter:
    """A voter of a KRaft quorum, as an election sees it."""

    voter_id: int = wire(Int32)
    voter_directory_id: UUID = wire(Uuid, "1+")


@message(versions="0-1", flexible="0+")
class LeaderChangeMessage:
    """A leader took over a KRaft log."""

    version: int = wire(Int16)
    leader_id: int = wire(Int32)
    voters: list[Voter] = wire(Array(Voter))
    granting_voters: list[Voter] = wire(Array(Voter))


@message(versions="0", flexible="0+")
class SnapshotHeaderRecord:
    """Begins a snapshot; the time is that of the last record in it, in ms since the epoch."""

    version: int = wire(Int16)
    last_contained_log_timestamp: int = wire(Int64)


@message(versions="0", flexible="0+")
class SnapshotFooterRecord:
    """Ends a snapshot: one without it is not whole."""

    version: int = wire(Int16)


@message(versions="0", flexible="0+")
class KRaftVersionRecord:
    """The version of the KRaft protocol from here on."""

    version: int = wire(Int16)
    k_raft_version: int = wire(Int16)


@message()
class VoterEndpoint:
    """Where a voter listens."""

    name: str = wire(String)
    host: str = wire(String)
    port: int = wire(UInt16)


@message()
class KRaftVersionFeature:
    """The KRaft versions that a voter supports, both ends included."""

    min_supported_version: int = wire(Int16)
    max_supported_version: int = wire(Int16)


@message()
class RegisteredVoter:
    """A voter of a KRaft quorum, with all that is needed to reach it."""

    voter_id: int = wire(Int32)
    voter_directory_id: UUID = wire(Uuid)
    endpoints: list[VoterEndpoint] = wire(Array(VoterEndpoint))
    k_raft_version_feature: KRaftVersionFeature = wire(KRaftVersionFeature)


@message(versions="0", flexible="0+")
class VotersRecord:
    """The quorum's voters from here on (KIP-853)."""

    version: int = wire(Int16)
    voters: list[RegisteredVoter] = wire(Array(RegisteredVoter))


@message(versions="0")
class EndTxnMarker:
    """A transaction ended in this partition, committed or aborted as the type of the record says."""

    coordinator_epoch: int = wire(Int32)


CONTROL_RECORDS: dict[int, type[Any]] = {
    0: EndTxnMarker,  # aborted
    1: EndTxnMarker,  # committed
    2: LeaderChangeMessage,
    3: SnapshotHeaderRecord,
    4: SnapshotFooterRecord,
    5: KRaftVersionRecord,
    6: VotersRecord,
}
"""The value of every control record by the type in its key."""
