#!/usr/bin/env bash
# Passes the whole test suite and installs what it needs: format, lints, dependency rules, Rust tests, end-to-end tests
# with servers, clients and the conformance suite that are not ours, and with the container image in Docker.
#
#   ARGUS_PARTS        where the parts are installed (default: .parts in the repository)
#   CARGO_TARGET_DIR   where cargo builds (default: target)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "dependency rules"
"$(scripts/cargo-deny.sh)" --all-features check bans licenses sources

ARGUS_AGAIN=$(mktemp)
export ARGUS_AGAIN
trap 'rm -f "$ARGUS_AGAIN"' EXIT

step "Rust tests"
# Most of them wait for most of their time.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-4} scripts/rust-tests.sh --workspace

step "proofs that time themselves, one after the other"
scripts/rust-tests.sh -p argus-mcp --test relay -- --ignored --test-threads=1

step "instructions of a call"
scripts/instructions.sh

step "container image"
scripts/docker.sh
ARGUS_IMAGE_FILES=$(mktemp -d)
export ARGUS_IMAGE_FILES
trap 'rm -rf "$ARGUS_IMAGE_FILES" "$ARGUS_AGAIN"' EXIT
scripts/image-files.sh "$ARGUS_IMAGE_FILES"

step "end-to-end tests"
cargo build --workspace --locked
ARGUS_BIN=${CARGO_TARGET_DIR:-target}/debug/argus-mcp
ARGUS_BIN=$(realpath "$ARGUS_BIN") tests/e2e/run.sh "$@"

if [ -s "$ARGUS_AGAIN" ]; then
    step "Rust tests that failed at first, to be mended"
    cat "$ARGUS_AGAIN"
fi
