#!/bin/sh
# Documents begin with this command; a single broker needs no ZooKeeper, and it says so.
set -eu
need=run; . "$(dirname -- "$0")/environment.sh"
exec "$python" -P -m kafkapy.cli.zookeeper "$@"
