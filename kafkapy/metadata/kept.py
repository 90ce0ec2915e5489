"""Metadata that is not served yet but must not be lost: ACLs, delegation tokens.

Each record is kept as it was replayed, under what identifies it; its removal takes it away. A snapshot writes them back
unchanged.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from kafkapy.metadata.partitions import ReplayError
from kafkapy.protocol.records import metadata as m


class KeptRecords:
    """Records by (kind, identity)."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, Hashable], Any] = {}

    def records(self) -> list[Any]:
        """Everything kept, in the order it came."""
        return list(self._records.values())

    def replay(self, message: Any) -> None:
        """Keep the record, or drop what it removes. Raises ReplayError for a record that is none of these."""
        match message:
            case m.AccessControlEntryRecord():
                self._records["acl", message.id] = message
            case m.RemoveAccessControlEntryRecord():
                self._records.pop(("acl", message.id), None)
            case m.DelegationTokenRecord():
                self._records["token", message.token_id] = message
            case m.RemoveDelegationTokenRecord():
                self._records.pop(("token", message.token_id), None)
            case m.ZkMigrationStateRecord():
                self._records["zookeeper", 0] = message
            case _:
                raise ReplayError(f"{type(message).__name__} is not a record of the cluster's metadata")
