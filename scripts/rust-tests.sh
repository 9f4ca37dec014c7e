#!/usr/bin/env bash
# Runs `cargo test` with these arguments, and a test program in which something failed once more, whole. The tests start
# thousands of real processes, and on a machine that is busy with something else one of them may miss a limit: what is
# broken fails twice. What passed at the second attempt only is no success but a defect of the test or the program.
#
#   ARGUS_AGAIN   the file that gets the names of what passed at the second attempt only (default: it is printed)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What stands behind `--` is for the test programs.
behind=()
for ((at = 1; at <= $#; at++)); do
    if [ "${!at}" = -- ]; then
        behind=("${@:at}")
        break
    fi
done

said=$(mktemp)
trap 'rm -f "$said"' EXIT
cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$said" && exit 0

# Cargo ends with: error: 1 target failed: `-p argus-mcp --test relay`
mapfile -t programs < <(sed -n 's/^    `\(-p .*\)`$/\1/p' "$said")
if [ ${#programs[@]} -eq 0 ]; then
    exit 1 # it was not built
fi
for program in "${programs[@]}"; do
    printf '\nonce more: %s\n' "$program"
    # shellcheck disable=SC2086 # several words
    cargo test --locked $program "${behind[@]}"
done
sed -n 's/^test \(.*\) \.\.\. FAILED$/  \1/p' "$said" >>"${ARGUS_AGAIN:-/dev/stdout}"
