"""The quorum's part of the metadata log: whose epoch it is, in control records and in the file `quorum-state`.

Each start of the single voter begins a new leader epoch: the last one plus one. The epoch is in `quorum-state` before
the first batch is written in it, and that batch is a LeaderChange control record. Bytes only: reading and writing the
file is the caller's. Apache's classes: `FileQuorumStateStore`, `ElectionState`, `LeaderState`. KIP-595, KIP-853.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafkapy.protocol import codec
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.id_text import id_text, parse_id
from kafkapy.protocol.records.control import (
    KRaftVersionRecord,
    LeaderChangeMessage,
    RegisteredVoter,
    Voter,
    VotersRecord,
)
from kafkapy.protocol.wire import ZERO_UUID

NOBODY = -1
LEADER_CHANGE, SNAPSHOT_HEADER, SNAPSHOT_FOOTER, KRAFT_VERSION, KRAFT_VOTERS = 2, 3, 4, 5, 6
_CONTROL_KEY = struct.Struct(">hh")  # version, type
_STATIC_VOTERS, _DYNAMIC_VOTERS = 0, 1  # data_version of the file


class QuorumStateError(Exception):
    """A `quorum-state` file that is not what a voter writes; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class QuorumState:
    """The election that a voter last knew. `leader_id` and `voted_id` are -1 for nobody."""

    leader_epoch: int = 0
    leader_id: int = NOBODY
    voted_id: int = NOBODY
    voted_directory_id: UUID = ZERO_UUID

    def elected(self, node_id: int) -> QuorumState:
        """The next epoch, led by `node_id`: what a single voter writes at each start."""
        return QuorumState(self.leader_epoch + 1, node_id)

    def encode(self) -> bytes:
        """The file's content, version 1."""
        return json.dumps(
            {
                "leaderId": self.leader_id,
                "leaderEpoch": self.leader_epoch,
                "votedId": self.voted_id,
                "votedDirectoryId": id_text(self.voted_directory_id),
                "data_version": _DYNAMIC_VOTERS,
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> QuorumState:
        """Reads version 1, and version 0 of clusters with voters named in their configuration.

        Raises QuorumStateError.
        """
        try:
            found: dict[str, Any] = json.loads(data)
            version = found["data_version"]
            if version not in (_STATIC_VOTERS, _DYNAMIC_VOTERS):
                raise QuorumStateError(f"quorum-state has version {version}; this broker reads 0 and 1")
            directory = parse_id(found["votedDirectoryId"]) if "votedDirectoryId" in found else ZERO_UUID
            leader_epoch, leader_id, voted_id = (found[name] for name in ("leaderEpoch", "leaderId", "votedId"))
            if not all(type(number) is int for number in (leader_epoch, leader_id, voted_id)):
                raise TypeError("leaderEpoch, leaderId and votedId must be numbers")
            return cls(leader_epoch, leader_id, voted_id, directory)
        except (ValueError, KeyError, TypeError) as error:
            raise QuorumStateError(f"quorum-state cannot be read: {error!r}") from error


def epoch_batch(
    node_id: int, leader_epoch: int, offset: int, now_ms: int, voter: RegisteredVoter | None = None
) -> bytes:
    """The batch that begins an epoch of the single voter `node_id`, to stand at `offset`.

    `voter` is given for the first batch of a log whose voters are not named in the configuration (KIP-853).
    """
    itself = Voter(voter_id=node_id)
    change = LeaderChangeMessage(leader_id=node_id, voters=[itself], granting_voters=[itself])
    records = [control_record(LEADER_CHANGE, change, offset, now_ms)]
    if voter is not None:
        records += voter_records(voter, offset + 1, now_ms)
    return build_batch(records, leader_epoch=leader_epoch, control=True)


def voter_records(voter: RegisteredVoter, offset: int, now_ms: int) -> list[Record]:
    """The control records of a standalone voter: kraft.version 1, and the set of this one voter.

    They follow the header of `00000000000000000000-0000000000.checkpoint` and stand in the first batch of the log.
    """
    return [
        control_record(KRAFT_VERSION, KRaftVersionRecord(k_raft_version=1), offset, now_ms),
        control_record(KRAFT_VOTERS, VotersRecord(voters=[voter]), offset + 1, now_ms),
    ]


def control_record(control_type: int, content: Any, offset: int, now_ms: int) -> Record:
    """A record whose key says which control record it is; all of them are written in version 0."""
    return Record(offset, now_ms, _CONTROL_KEY.pack(0, control_type), codec.encode_bytes(content, 0))


def control_type_of(record: Record) -> int:
    """Which control record it is. Raises ValueError for a key that says nothing."""
    if record.key is None or len(record.key) < _CONTROL_KEY.size:
        raise ValueError(f"the control record at offset {record.offset} has no type")
    return int(_CONTROL_KEY.unpack_from(record.key)[1])


def kraft_version_of(record: Record) -> int:
    """What a KRAFT_VERSION record says."""
    return int(codec.decode(KRaftVersionRecord, 0, record.value or b"")[0].k_raft_version)


def voters_of(record: Record) -> list[RegisteredVoter]:
    """What a KRAFT_VOTERS record says."""
    voters: list[RegisteredVoter] = codec.decode(VotersRecord, 0, record.value or b"")[0].voters
    return voters
