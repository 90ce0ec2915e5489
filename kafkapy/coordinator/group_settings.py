"""What members of consumer and share groups are told to keep to; classic groups have it from their members instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupSettings:
    """What one group is configured with, or the broker for all; the names are those of the group's properties."""

    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    assignment_interval_ms: int = 1_000
