"""What a person who asks for help is told."""

from __future__ import annotations

from benchmarks.command_line import parser


def test_help() -> None:
    assert "10% of the work" in parser().format_help()
