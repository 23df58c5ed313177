#!/bin/sh
# Fuzzes everything that reads foreign bytes (tests/fuzz_*.c) under libFuzzer and both sanitizers, from
# the corpora in tests/corpus, as many targets at a time as there are processors:
#   scripts/fuzz.sh [SECONDS each, default 120] [TARGET ..]
# 0 seconds: the corpora once and nothing new, so that every run does the same.
# What is found beyond them is kept in build-fuzz/NAME; --keep adds the smallest set of it that reaches
# as much to tests/corpus.
cd "$(dirname "$0")/.." || exit 1
keep=
[ "${1:-}" = --keep ] && keep=1 && shift
seconds=${1:-120} out=build-fuzz at_once=$(nproc) running=0
[ $# -eq 0 ] || shift
command -v clang-19 >/dev/null || { echo "fuzzing needs clang-19 and libclang-rt-19-dev"; exit 77; }
make -s clang-fuzzers || exit 1

# limits NAME: options of one target, and folders to begin from
limits() {
  case $1 in
  parse) echo -rss_limit_mb=3000 -max_len=3000 tests/bad models ;;
  image) echo -rss_limit_mb=2500 -max_len=1500 ;;
  pickle) echo -rss_limit_mb=2500 -max_len=4000 tests/data/pickles ;;
  onnx) echo -rss_limit_mb=2500 -max_len=6000 ;;
  *) echo -rss_limit_mb=2500 -max_len=4000 ;;
  esac
}

# new NAME: how long to look for new inputs, and where they go
new() {
  if [ "$seconds" = 0 ]; then echo -runs=0; else echo "-max_total_time=$seconds" "$out/$1"; fi
}

# One input may take a minute: a hundred thousand layers take some seconds here, more beside other work.
fuzz() {
  mkdir -p "$out/$1" "tests/corpus/$1"
  # shellcheck disable=SC2046
  "$out/fuzz_$1" -seed="${FUZZ_SEED:-0}" -timeout=60 -report_slow_units=60 -close_fd_mask=3 -artifact_prefix="$out/$1-" \
    $(new "$1") "tests/corpus/$1" $(limits "$1") >"$out/$1.log" 2>&1 ||
    { touch "$out/$1.failed"; echo "$1: a finding, see $out/$1.log"; tail -n 25 "$out/$1.log"; }
  echo "$1: $(grep -a '^Done\|^stat' "$out/$1.log" | tail -n 1)"
}

# The corpus of NAME, and what was found beyond it, as few small files as reach as much: sixty of all sizes.
keep_corpus() {
  mkdir -p "$out/$1-kept"
  # shellcheck disable=SC2046
  "$out/fuzz_$1" -merge=1 -close_fd_mask=3 -max_len=1000 "$out/$1-kept" "tests/corpus/$1" "$out/$1" >>"$out/$1.log" 2>&1
  rm -rf "tests/corpus/$1" && mkdir -p "tests/corpus/$1"
  every=$(($(ls "$out/$1-kept" | wc -l) / 60 + 1))
  # shellcheck disable=SC2012
  ls -S -r "$out/$1-kept" | awk -v every="$every" 'NR % every == 0' | while read -r f; do cp "$out/$1-kept/$f" "tests/corpus/$1/"; done
}

targets=${*:-$(ls tests/fuzz_*.c | sed 's/.*fuzz_//; s/\.c$//')}
rm -f "$out"/*.failed
for target in $targets; do
  fuzz "$target" &
  running=$((running + 1))
  [ $((running % at_once)) -ne 0 ] || wait # all of them take as long
done
wait
[ ! "$keep" ] || for target in $targets; do keep_corpus "$target"; done
! ls "$out"/*.failed >/dev/null 2>&1
