#!/usr/bin/env bash
# Installs cargo-deny, once, and prints the path of its program on the last line.
#
#   ARGUS_PARTS   the folder to install into (default: .parts in the repository)
set -euo pipefail
version=0.20.2
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=${ARGUS_PARTS:-$repo/.parts}/cargo-deny
if ! "$root/bin/cargo-deny" --version 2>/dev/null | grep -qF " $version"; then
    echo "installing cargo-deny $version" >&2
    mkdir -p "$root"
    CARGO_TARGET_DIR="$root/build" cargo install cargo-deny --locked --version "$version" --no-default-features --root "$root" --force >&2
    rm -rf "$root/build"
fi
echo "$root/bin/cargo-deny"
