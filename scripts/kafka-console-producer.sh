#!/bin/sh
# Publish lines of standard input to a topic; --help tells the options.
set -eu
need=run; . "$(dirname -- "$0")/environment.sh"
exec "$python" -P -m kafkapy.cli.console_producer "$@"
