# Sourced by the other scripts: gives them $root (the checkout) and $python (a Python that has what they need).
#
#     need=dev; . "$(dirname -- "$0")/environment.sh"
#
# $need is `run` for what kafkapy itself imports, `dev` for the tests' and checks' tools as well, `bench` for the
# benchmark's loads and its plot. When the stamp shows that they were installed for this very pyproject.toml and place,
# nothing is started: two small files are compared.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
python=$root/.venv/bin/python

is_installed() {
    [ -x "$python" ] && [ -f "$root/.venv/installed-$need" ] &&
        [ "$(cat "$root/.venv/installed-$need")" = "$root
$(cat "$root/pyproject.toml")" ]
}

find_python() {
    # $PYTHON first, so that a person can choose; then whatever `python3` is, then the versions by name.
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "kafkapy needs Python 3.11 or newer, and found none; install it, or name one with PYTHON=/path/to/python3" >&2
    return 1
}

if ! is_installed; then
    system_python=$(find_python) || exit 1
    "$system_python" "$root/scripts/environment.py" "$need" || exit 1
fi
