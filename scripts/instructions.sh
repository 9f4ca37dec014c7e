#!/usr/bin/env bash
# Counts the instructions of the relay path and holds them against the committed figures, within 5 %. Installs valgrind
# and the runner of gungraun that fits the locked version.
#
#   ARGUS_PARTS        where the runner is installed (default: .parts in the repository)
#   CARGO_TARGET_DIR   where cargo builds (default: target)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v valgrind >/dev/null; then scripts/install.sh valgrind; fi

version=$(sed -n '/^name = "gungraun"$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)
root=${ARGUS_PARTS:-$PWD/.parts}/gungraun
if ! "$root/bin/gungraun-runner" --version 2>/dev/null | grep -qF " $version"; then
    echo "installing gungraun-runner $version" >&2
    mkdir -p "$root"
    CARGO_TARGET_DIR="$root/build" cargo install gungraun-runner --locked --version "$version" --root "$root" --force >&2
    rm -rf "$root/build"
fi

GUNGRAUN_RUNNER="$root/bin/gungraun-runner" exec cargo bench --locked --package argus-bench --bench relay "$@"
