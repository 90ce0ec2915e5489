#!/bin/sh
# Run a broker with a configuration file, as Kafka's own command is called.
#
#     scripts/kafka-server-start.sh [-daemon] config/server.properties [--override KEY=VALUE]...
#
# With -daemon it runs in the background, and what it says goes to kafkaServer.out in $LOG_DIR, or in the current directory.
set -eu
usage() {
    echo "USAGE: $0 [-daemon] server.properties [--override property=value]*" >&2
    exit 1
}

daemon=no
if [ "${1:-}" = -daemon ]; then
    daemon=yes
    shift
fi
case "${1:-}" in
    '' | -*) usage ;;
esac
config=$1
shift

need=run; . "$(dirname -- "$0")/environment.sh"
if [ $daemon = no ]; then
    exec "$python" -P -m kafkapy --config "$config" "$@"
fi
output=${LOG_DIR:-.}/kafkaServer.out
nohup "$python" -P -m kafkapy --config "$config" "$@" > "$output" 2>&1 < /dev/null &
echo "kafkapy runs in the background, process $!; what it says is in $output"
