#!/bin/sh
# Golden diagnostics: every tests/bad/*.net must fail with exit status 1, nothing on stdout, and on
# stderr exactly the comment lines after "# expect:" at its end. `run-bad.sh --bless` writes them anew.
cd "$(dirname "$0")/.." || exit 1
netc=${NETC:-./netc}
[ -x "$netc" ] || { echo "$netc is not built"; exit 1; }
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
failed=0 n=0
for f in tests/bad/*.net; do
  n=$((n + 1))
  sed -n '/^# expect:/,$p' "$f" | sed '1d; s/^# \{0,1\}//' > "$tmp/want"
  timeout 20 "$netc" summary "$f" > "$tmp/out" 2> "$tmp/got"
  status=$?
  if [ $status -ne 1 ]; then
    echo "$f: exit status $status, not 1"; failed=1
  elif [ -s "$tmp/out" ]; then
    echo "$f: wrote to stdout"; failed=1
  elif [ "$1" = --bless ]; then
    { sed '/^# expect:/,$d' "$f"; echo "# expect:"; sed 's/^/# /; s/ $//' "$tmp/got"; } > "$tmp/new"
    cat "$tmp/new" > "$f"
  elif ! diff -u "$tmp/want" "$tmp/got" > "$tmp/diff"; then
    echo "$f: other messages than expected"; cat "$tmp/diff"; failed=1
  fi
done
[ $failed -eq 0 ] && echo "$n bad files: all passed"
exit $failed
