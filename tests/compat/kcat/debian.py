"""kcat, as the distribution has it: the one on the path, or Debian's packages unpacked under `.compat/`.

Unpacking needs no root, and nothing outside of that folder changes. The distribution decides the version.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from environments import ROOT, Missing, locked, run

PACKAGES = ("kcat", "librdkafka1", "libyajl2")


@dataclass(frozen=True)
class Kcat:
    """How to start it: the program, and the environment that shows it its libraries."""

    program: str
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """It running, its standard input open."""
        command = [self.program, *arguments]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment
        )

    def run(self, *arguments: str, given: str | None = None) -> str:
        """What it prints; if it fails, what it complained of is the error."""
        done = subprocess.run(
            [self.program, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=60,
        )
        if done.returncode != 0:
            raise AssertionError(f"kcat {' '.join(arguments)} exited with {done.returncode}: {done.stderr}")
        return done.stdout


def kcat() -> Kcat:
    """kcat, unpacked first if it is not on the path."""
    installed = shutil.which("kcat")
    if installed is not None:
        return Kcat(installed, dict(os.environ))
    home = ROOT / "kcat"
    with locked("kcat"):
        if not (home / "made").exists():
            _unpack(home)
            (home / "made").write_text("")
    libraries = os.pathsep.join(str(folder) for folder in (home / "usr" / "lib").iterdir() if folder.is_dir())
    return Kcat(str(home / "usr" / "bin" / "kcat"), {**os.environ, "LD_LIBRARY_PATH": libraries})


def _unpack(home: Path) -> None:
    apt = shutil.which("apt-get")
    if apt is None or shutil.which("dpkg") is None:
        raise Missing("no kcat on the path, and no apt-get and dpkg to fetch it with: install kcat")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    try:
        run([apt, "download", *PACKAGES], cwd=home)
    except RuntimeError:
        # A machine that has never asked for its list of packages.
        run([apt, "update"])
        run([apt, "download", *PACKAGES], cwd=home)
    for package in home.glob("*.deb"):
        run(["dpkg", "-x", str(package), str(home)])
