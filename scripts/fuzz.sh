#!/bin/sh
# Fuzzes everything that reads foreign bytes (tests/fuzz_*.c) under libFuzzer and both sanitizers, from
# the corpora in tests/corpus:
#   scripts/fuzz.sh [SECONDS each, default 120] [TARGET ..]
# What is found beyond them is kept in build-fuzz/NAME; --keep adds the smallest set of it that reaches
# as much to tests/corpus.
cd "$(dirname "$0")/.." || exit 1
keep=
[ "${1:-}" = --keep ] && keep=1 && shift
seconds=${1:-120} out=build-fuzz status=0
[ $# -eq 0 ] || shift
command -v clang-19 >/dev/null || { echo "fuzzing needs clang-19 and libclang-rt-19-dev"; exit 77; }
make -s clang-fuzzers || exit 1

# limits NAME: options of one target, and folders to begin from
limits() {
  case $1 in
  parse) echo -rss_limit_mb=3000 -max_len=3000 tests/bad models ;;
  image) echo -rss_limit_mb=2500 -max_len=1500 ;;
  pickle) echo -rss_limit_mb=2500 -max_len=4000 tests/data/pickles ;;
  *) echo -rss_limit_mb=2500 -max_len=4000 ;;
  esac
}

fuzz() {
  mkdir -p "$out/$1" "tests/corpus/$1"
  # shellcheck disable=SC2046
  "$out/fuzz_$1" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=10 -close_fd_mask=3 -artifact_prefix="$out/$1-" \
    "$out/$1" "tests/corpus/$1" $(limits "$1") >"$out/$1.log" 2>&1 ||
    { status=1; echo "$1: a finding, see $out/$1.log"; tail -n 25 "$out/$1.log"; }
  echo "$1: $(grep -a '^Done\|^stat' "$out/$1.log" | tail -n 1)"
}

# The corpus of NAME, and what was found beyond it, as few small files as reach as much.
keep_corpus() {
  mkdir -p "$out/$1-kept"
  # shellcheck disable=SC2046
  "$out/fuzz_$1" -merge=1 -close_fd_mask=3 -max_len=1000 "$out/$1-kept" "tests/corpus/$1" "$out/$1" >>"$out/$1.log" 2>&1
  rm -rf "tests/corpus/$1" && mkdir -p "tests/corpus/$1"
  # shellcheck disable=SC2012
  ls -S -r "$out/$1-kept" | head -n 60 | while read -r f; do cp "$out/$1-kept/$f" "tests/corpus/$1/"; done
}

for target in ${*:-$(ls tests/fuzz_*.c | sed 's/.*fuzz_//; s/\.c$//')}; do
  fuzz "$target"
  [ "$keep" ] && keep_corpus "$target"
done
exit $status
