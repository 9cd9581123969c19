#!/usr/bin/env bash
# Runs all tests, those that use a real engine beside all others, since both wait a lot. What uses the engine is
# printed when it has ended. The closing line is pytest's, of both together.
set -uo pipefail
set -m # a job of its own, which handles interrupts as one in the foreground does
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

logs=$(mktemp -d)
engine=
# However this ends, no engine is left.
trap 'kill -INT -- "-$engine" 2>/dev/null; rm -rf "$logs"' EXIT

# No doctest uses it.
.venv/bin/python -m pytest -m real_vllm -p no:cacheprovider --durations=15 --durations-min=3 tests >"$logs/engine" 2>&1 </dev/null &
engine=$!
.venv/bin/python -m pytest -m 'not real_vllm' --durations=15 --durations-min=3 2>&1 | tee "$logs/others"
others=${PIPESTATUS[0]}
printf 'waiting for the tests that use a real engine\n'
wait "$engine"
status=$?
engine=
cat "$logs/engine"

# count WORD: how many tests both closing lines call so.
count() {
  for half in engine others; do
    grep -E '^=+ .* in [0-9.]+s' "$logs/$half" | tail -n 1
  done | grep -Eo "[0-9]+ $1" | awk '{ sum += $1 } END { print sum + 0 }'
}
printf '============ %d failed, %d passed, %d skipped, %d errors in %ds ============\n' \
  "$(count failed)" "$(count passed)" "$(count skipped)" "$(count error)" "$SECONDS"
exit "$((status > others ? status : others))"
