#!/bin/sh
# Write the records of topics to standard output; --help tells the options.
set -eu
need=run; . "$(dirname -- "$0")/environment.sh"
exec "$python" -P -m kafkapy.cli.console_consumer "$@"
