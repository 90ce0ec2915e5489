"""On what machine, with what, and when was it measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Circumstances:
    """What a reader needs to judge the numbers by."""

    lines: tuple[str, ...]

    @classmethod
    def now(cls, rounds: int, folder: Path) -> Circumstances:
        """Of this machine, today; `folder` is where the data goes."""
        return cls(
            (
                f"**Date**: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
                f"**Processor**: {_processor()}, {os.cpu_count()} cores",
                f"**Memory**: {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
                f"**Disk**: {_file_system(folder)}, both brokers' data on the same",
                f"**System**: Linux {platform.release().partition('-')[0]}",
                f"**Python**: {platform.python_implementation()} {platform.python_version()}",
                f"**Java**: {_java()}",
                f"**Rounds**: {rounds}; a figure is the median, with the least and the greatest behind it",
            )
        )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system that the folder is on: that of the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]))[1]


def _java() -> str:
    said = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr.splitlines()
    return said[1].strip() if len(said) > 1 else said[0]
