#!/bin/sh
# What a change must pass beside `make test`, within some ten minutes on two cores: every C file laid out
# as .clang-format says, a build with clang that has no warnings, the quick tests under its sanitizers,
# and every fuzz target for FUZZ_SECONDS (default 20) from the corpora in tests/corpus, by a fixed seed (0: the corpora only).
cd "$(dirname "$0")/.." || exit 1
sh scripts/deps.sh ci || exit 1
status=0
step() { # step WHAT COMMAND ..
  what=$1 && shift
  start=$(date +%s)
  if "$@"; then result=ok; else result=FAILED status=1; fi
  echo "ci: $result, $what, $(($(date +%s) - start)) s"
}
step "layout of C files" sh scripts/format.sh --check
step "clang, sanitizers, quick tests" make -s clang-quick
step "fuzzing" env FUZZ_SEED=1 sh scripts/fuzz.sh "${FUZZ_SECONDS:-20}"
exit $status
