#!/bin/sh
# Compares one epoch of netc with PyTorch's figures (make_golden.py), to 1e-4.
# Usage: tests/golden/run.sh [CASE ...]    NETC=./netc and CC=cc may be set.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
netc=${NETC:-$root/netc}
case $netc in /*) ;; *) netc=$PWD/$netc ;; esac
cd "$root" || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
${CC:-cc} -std=c11 -O2 -o "$tmp/make_weights" "$here/make_weights.c" -lm || exit 1

value() { # value CASE WORD: what the case's file says after the word
  awk -v word="$2" '$1 == word { print $2 }' "$here/$1.txt"
}

# compare CASE METRICS: prints the differences; fails if one is above the tolerance
compare() {
  awk -F '[ ,]' '
    FNR == NR { if ($1 == "expect") { want[$2] = $3; n++ } next }
    FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { rows++; for (k in want) got[k] = $column[k] }
    END {
      if (rows != 1) { print "metrics.csv has " rows + 0 " rows instead of 1"; exit 1 }
      for (k in want) {
        d = got[k] - want[k]; if (d < 0) d = -d
        if (!(k in column) || got[k] !~ /^[-+0-9.eE]+$/) { bad = bad " no " k; d = 0 }
        if (d > 1e-4) bad = bad " " k " " got[k] " instead of " want[k]
        if (d > worst) worst = d
      }
      if (bad || n != 4) { print "differs:" bad; exit 1 }
      printf "worst difference %.1e\n", worst
    }' "$here/$1.txt" "$2"
}

run_case() {
  "$tmp/make_weights" "$here/$1.txt" "$tmp/$1.safetensors" || return 1
  "$netc" train "$(value "$1" model)" --weights "$tmp/$1.safetensors" --no-shuffle --epochs 1 \
    --split "$(value "$1" split)" --batch "$(value "$1" batch)" --lr "$(value "$1" lr)" \
    -o "$tmp/$1" >"$tmp/log" 2>&1 || { tail -n 5 "$tmp/log"; return 1; }
  compare "$1" "$tmp/$1/metrics.csv"
}

[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.txt | sed 's|^\./||; s|\.txt$||')
passed=0 failed=0
for name; do
  if said=$(run_case "$name"); then
    passed=$((passed + 1))
    echo "ok   golden $name: $said"
  else
    failed=$((failed + 1))
    echo "FAIL golden $name: $said"
  fi
  rm -rf "$tmp/$name" "$tmp/$name.safetensors"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
