#!/bin/sh
# A small file of each kind that netc reads as data, cut off after every byte: either it is a data set
# all the same (a table that ends early is one), or one error names the file and netc ends with 1; and
# that in 700 MB, whatever lengths the rest announces.
cd "$(dirname "$0")/.." || exit 1
. tests/checks
corpus=$root/tests/corpus

# seed NAME FILE: a seed of the fuzzer without the bytes that choose options.
seed() { tail -c +$((${3:-1} + 1)) "$corpus/$1" >"$2"; }
# cut FILE AT..: the command line `netc data TARGET` for each length of FILE.
cut() {
  cp "$1" whole
  size=$(wc -c <whole) step=1 status_0=0
  [ "$size" -le 400 ] || step=$((size / 400 + 1))
  at=0
  while [ $at -lt "$size" ]; do
    head -c $at whole >"$1"
    (ulimit -v 700000; exec timeout 20 "$netc" data "$2" --no-color >out 2>err) 2>/dev/null
    status=$? n=$((n + 1))
    case $status in
    0) status_0=$((status_0 + 1)) ;;
    1) [ "$(grep -c '^netc: error: `' err)" -eq 1 ] || { echo "FAILED: $1 cut at $at:"; cat err; failed=1; } ;;
    *) echo "FAILED: $1 cut at $at ends with $status"; cat err; failed=1 ;;
    esac
    at=$((at + step))
  done
  cp whole "$1"
  "$netc" data "$2" >out 2>err; ok "$2: the whole file is none: $(cat err)"
  echo "$1: $size bytes, $status_0 lengths are data"
}
mkdir pics pics/a pics/b snd snd/a snd/b
