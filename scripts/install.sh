#!/usr/bin/env bash
# Installs packages of Debian, as root, and lets none of them start a service while it is installed. (What a package sets
# up for the next start of the machine is its own.)
#
#   scripts/install.sh PACKAGE...
#
#   ARGUS_POLICY   the file by which the machine says which services may start (default: /usr/sbin/policy-rc.d)
set -euo pipefail

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "missing: $*. Install it, for example as root: apt-get install $*" >&2
    exit 1
fi

policy=${ARGUS_POLICY:-/usr/sbin/policy-rc.d}
# Two at once would take each other's policy for the machine's.
exec 8>/run/argus-install.lock
flock 8

kept=$(mktemp -d "$policy.XXXXXX")
placed=
put_back() {
    if [ -n "$placed" ]; then rm -f "$policy"; fi
    # Moved and not copied, so that a link stays one.
    if [ -e "$kept/policy" ] || [ -L "$kept/policy" ]; then mv "$kept/policy" "$policy"; fi
    rmdir "$kept"
}
trap put_back EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$kept/policy"; fi
placed=yes
# 101: not allowed.
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
