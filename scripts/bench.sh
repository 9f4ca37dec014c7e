#!/usr/bin/env bash
# Runs the benchmark and installs what it needs: nginx and wrk. Arguments go to argus-bench.
#
#   scripts/bench.sh                        everything, about seven minutes
#   scripts/bench.sh --only calls           a part
#   scripts/bench.sh --markdown             tables for docs/performance.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v wrk >/dev/null || ! [ -x /usr/sbin/nginx ]; then
    scripts/install.sh nginx-light wrk
fi

exec cargo run --release --locked --package argus-bench -- "$@"
