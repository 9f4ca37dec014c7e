#!/usr/bin/env bash
# Runs the benchmark and installs what it needs: nginx and wrk. Arguments go to argus-bench.
#
#   scripts/bench.sh                        everything, about seven minutes
#   scripts/bench.sh --only calls           a part
#   scripts/bench.sh --markdown             tables for docs/performance.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v wrk >/dev/null || ! [ -x /usr/sbin/nginx ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light wrk >/dev/null
fi

exec cargo run --release --locked --package argus-bench -- "$@"
