#!/usr/bin/env bash
# The long runs: a million calls and a hundred thousand sessions with memory flat, and ten minutes of backends that die
# under load. The same tests run shorter in scripts/test.sh.
#
#   ARGUS_SOAK_SESSIONS, ARGUS_SOAK_CALLS, ARGUS_STORM_SECONDS   how long
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export ARGUS_SOAK_SESSIONS=${ARGUS_SOAK_SESSIONS:-100000}
export ARGUS_SOAK_CALLS=${ARGUS_SOAK_CALLS:-1000000}
export ARGUS_STORM_SECONDS=${ARGUS_STORM_SECONDS:-600}

cargo test --release --locked -p argus-mcp --test soak
cargo build --release --workspace --locked
ARGUS_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/argus-mcp") tests/e2e/run.sh test_storm.py "$@"
