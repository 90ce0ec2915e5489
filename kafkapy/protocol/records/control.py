"""The control records of logs."""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.message import Array, Int16, Int32, Int64, Uuid, message, wire


@message()
class Voter:
    voter_id: int = wire(Int32)
    voter_directory_id: UUID = wire(Uuid, "1+")


@message(versions="0-1", flexible="0+")
class LeaderChangeMessage:
    version: int = wire(Int16)
    leader_id: int = wire(Int32)
    voters: list[Voter] = wire(Array(Voter))
    granting_voters: list[Voter] = wire(Array(Voter))


@message(versions="0", flexible="0+")
class SnapshotHeaderRecord:
    version: int = wire(Int16)
    last_contained_log_timestamp: int = wire(Int64)


@message(versions="0", flexible="0+")
class SnapshotFooterRecord:
    version: int = wire(Int16)


@message(versions="0", flexible="0+")
class KRaftVersionRecord:
    version: int = wire(Int16)
    k_raft_version: int = wire(Int16)


@message(versions="0", flexible="0+")
class VotersRecord:
    version: int = wire(Int16)
    voters: list[Voter] = wire(Array(Voter))


@message(versions="0")
class EndTxnMarker:
    coordinator_epoch: int = wire(Int32)
