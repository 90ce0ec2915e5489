#!/bin/sh
# Create, list, describe, alter and delete topics; --help tells the options.
set -eu
need=run; . "$(dirname -- "$0")/environment.sh"
exec "$python" -P -m kafkapy.cli.topics "$@"
