"""What bytes come in: whatever can be read as a run of them without a copy."""

from __future__ import annotations

Bytes = bytes | bytearray | memoryview
