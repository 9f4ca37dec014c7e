#!/usr/bin/env bash
# Installs Docker and docker-compose of Debian, once, for the tests of the container image. Starts nothing. Those tests
# start an engine of their own, in a network of its own, which needs root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
missing=()
command -v dockerd >/dev/null && command -v docker >/dev/null || missing+=(docker.io)
command -v docker-compose >/dev/null || missing+=(docker-compose)
command -v ip >/dev/null || missing+=(iproute2)
if [ "$(id -u)" != 0 ]; then
    echo "the tests of the container image need root, because they start a Docker engine of their own" >&2
    echo "run this as root, or only the other tests, as the README says" >&2
    exit 1
fi
if [ ${#missing[@]} = 0 ]; then exit 0; fi
./install.sh "${missing[@]}"
