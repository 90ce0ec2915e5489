"""File systems of a test's own, in memory and small: in a mount namespace, so that nobody else sees them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]  # where commands within are run

# Without privileges in a user namespace; where those are forbidden, root needs none.
_WAYS = (
    (["unshare", "--user", "--map-root-user", "--mount"], ["--user", "--preserve-credentials", "--mount"]),
    (["unshare", "--mount"], ["--mount"]),
)


class Missing(Exception):  # noqa: N818  # a reason to skip, not an error
    """This machine lets nobody here mount anything; the message says why."""


class Volumes:
    """Each path of `sizes`, which must be a directory, becomes a file system of so many bytes.

    `within` is what to put before a command that shall see them. They last until `close`, whatever is killed in them.
    """

    def __init__(self, sizes: dict[Path, int]) -> None:
        mounts = [f"mount -t tmpfs -o size={size} tmpfs '{path}'" for path, size in sizes.items()]
        script = " && ".join([*mounts, "echo mounted", "exec cat"])  # cat lasts until its input ends, as when we end
        told = []
        for enter, join in _WAYS:
            try:
                self._keeper = subprocess.Popen(
                    [*enter, "sh", "-c", script],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                )
            except FileNotFoundError as error:
                raise Missing(f"no {error.filename} on the path: it is part of util-linux") from error
            if self._keeper.stdout.readline() == "mounted\n":  # type: ignore[union-attr]
                self.within = ["nsenter", "--target", str(self._keeper.pid), *join, "--wd"]
                return
            told.append(self._keeper.stderr.read().strip())  # type: ignore[union-attr]
            self.close()
        raise Missing(f"no file system can be mounted here, neither in a user namespace nor as root: {told}")

    def run(self, *command: str) -> None:
        """Run a command that sees them, such as a mount."""
        subprocess.run([*self.within, *command], check=True)

    def see(self, path: Path) -> Path:
        """A path for us by which to reach what is at `path` for those within."""
        return Path(f"/proc/{self._keeper.pid}/root{path}")

    def free_bytes(self, path: Path) -> int:
        """What is left on the volume that has the path."""
        volume = os.statvfs(self.see(path))
        return volume.f_bavail * volume.f_frsize

    def close(self) -> None:
        self._keeper.communicate()
