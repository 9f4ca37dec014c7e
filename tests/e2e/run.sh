#!/usr/bin/env bash
# The end-to-end tests: installs the parts that are not ours, then runs pytest. Arguments go to pytest.
#
#   ARGUS_BIN     the argus-mcp binary (default: target/release or target/debug, whichever is newer)
#   ARGUS_IMAGE_FILES   what scripts/image-files.sh made (without it the container image is not tested)
#   ARGUS_PARTS   where the parts are (default: .parts in the repository)
#
#   tests/e2e/run.sh                  everything, through the gateway: two files at a time, then what has to be alone;
#                                     what fails runs once more, and what passes then only is named at the end
#   tests/e2e/run.sh --hop direct     without the gateway: proves the tests themselves
#   tests/e2e/run.sh -k inspector     a selection
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)

ARGUS_PARTS=$("$here/parts.sh" | tail -n 1)
export ARGUS_PARTS
if [ -z "${ARGUS_BIN:-}" ]; then
    target=${CARGO_TARGET_DIR:-$repo/target}
    ARGUS_BIN=$(ls -t "$target/release/argus-mcp" "$target/debug/argus-mcp" 2>/dev/null | head -n 1 || true)
fi
export ARGUS_BIN=${ARGUS_BIN:-}

cd "$here"
export PYTHONDONTWRITEBYTECODE=1
pytest() { "$ARGUS_PARTS/py2/bin/python" -m pytest "$@"; }
if [ $# -gt 0 ]; then
    pytest "$@"
else
    pytest -n 2 --dist loadfile -m "not alone" --reruns 1
    pytest -m alone --reruns 1
fi
