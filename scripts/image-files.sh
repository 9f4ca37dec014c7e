#!/usr/bin/env bash
# Builds the static program and lays out what the last stage of the Dockerfile copies: DIR/root is the root of the image,
# DIR/data its empty data folder. Needs a C compiler with the static C library (on Debian gcc and libc6-dev) and the
# certificates of the system.
#
#   scripts/image-files.sh DIR              a debug build: shares all crates with `cargo build` and takes one link
#   scripts/image-files.sh DIR --release    what is shipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:?where to}
profile=debug
if [ "${2:-}" = --release ]; then profile=release; fi

# Only the program itself is compiled for static linking; the crates below it are the same either way.
cargo rustc --locked ${2:+"$2"} --package argus-mcp --bin argus-mcp -- -C target-feature=+crt-static -C strip=symbols

rm -rf "$folder"
mkdir -p "$folder/root/etc/ssl/certs" "$folder/data"
cp "${CARGO_TARGET_DIR:-target}/$profile/argus-mcp" "$folder/root/argus-mcp"
# Which authorities TLS trusts, and that names are looked up in /etc/hosts and by DNS.
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/"
echo "hosts: files dns" >"$folder/root/etc/nsswitch.conf"
