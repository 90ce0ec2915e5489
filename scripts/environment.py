"""Make the virtual environment beside the code: `environment.py run|dev|bench`; environment.sh starts it at need.

Whoever comes second while another installs waits for the lock and finds the work done. A stamp in the environment says
for which place and pyproject.toml it was made, and is written last: an interrupted installation is simply done again.
Only the standard library is used, and standard output stays clean: it belongs to the script that needs the environment.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
WHAT = {"run": str(ROOT), "dev": f"{ROOT}[dev]", "bench": f"{ROOT}[bench]"}
COVERS = {"run": ["run"], "dev": ["run", "dev"], "bench": ["run", "bench"]}


def main(need: str) -> None:
    """Install what `need` stands for, unless it is there already; exit with one line where that cannot be done."""
    # The lock is on the checkout's own directory: no file is left over, and the system drops it if this process dies.
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if stamp(need).exists() and stamp(need).read_text() == expected_stamp():
        return
    say(f"setting up {ENVIRONMENT} (once; this takes a moment)")
    try:
        install(need)
    except subprocess.CalledProcessError:
        sys.exit("kafkapy: installing failed, see above; is the package index reachable?")
    except KeyboardInterrupt:
        sys.exit("kafkapy: interrupted; the next start goes on with the set-up")
    except OSError as failure:
        sys.exit(f"kafkapy: cannot write {ENVIRONMENT}: {failure}")
    for covered in COVERS[need]:
        stamp(covered).write_text(expected_stamp())
    say("set up")


def install(need: str) -> None:
    """Create the environment if it is missing or broken, and install this checkout into it, editable."""
    own_pip = [str(PYTHON), "-m", "pip"]
    if importlib.util.find_spec("ensurepip"):
        pip = own_pip
        if not works([*own_pip, "--version"]):
            venv.create(ENVIRONMENT, clear=True, with_pip=True)
    elif importlib.util.find_spec("pip"):
        # Debian takes ensurepip out of Python; its separately packaged pip can still install into the environment.
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
        if not works([str(PYTHON), "--version"]):
            venv.create(ENVIRONMENT, clear=True)
    else:
        sys.exit(
            f"kafkapy: {sys.executable} has neither ensurepip nor pip; on Debian or Ubuntu: apt install python3-venv"
        )
    options = ["--quiet", "--disable-pip-version-check", "--editable", WHAT[need]]
    # PIP_USER, where somebody has set it, is refused by pip inside a virtual environment.
    environ = os.environ | {"PIP_USER": "0"}
    subprocess.run([*pip, "install", *options], check=True, stdout=sys.stderr, env=environ)  # noqa: S603  # our own words


def works(command: list[str]) -> bool:
    """Whether `command` can be run and succeeds."""
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # our own words
    except OSError:
        return False


def stamp(need: str) -> Path:
    """The file that says for what `need` was last installed."""
    return ENVIRONMENT / f"installed-{need}"


def expected_stamp() -> str:
    """The stamp of this place and this pyproject.toml; environment.sh compares the same text."""
    return f"{ROOT}\n{(ROOT / 'pyproject.toml').read_text()}"


def say(text: str) -> None:
    """Tell the person who waits."""
    print(f"kafkapy: {text}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
