#!/bin/sh
# Every ```net example of the documentation is a network that netc accepts and whose layout is known.
cd "$(dirname "$0")/.." || exit 1
netc=${NETC:-./netc}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/docs"
for f in README.md docs/*.md; do
  [ -f "$f" ] || continue
  awk -v out="$tmp/docs/$(basename "$f" .md)" '
    /^```net$/ { inside = 1; file = out "-" ++n ".net"; next }
    /^```/ { inside = 0 }
    inside { print > file }' "$f"
done
failed=0 n=0
for f in "$tmp"/docs/*.net; do
  n=$((n + 1))
  "$netc" summary "$f" > "$tmp/out" 2> "$tmp/err" || { failed=1; echo "$f:"; cat "$tmp/err"; cat "$f"; }
  "$netc" fmt "$f" > "$tmp/fmt" 2> "$tmp/err" || { failed=1; cat "$tmp/err"; }
done
[ $failed -eq 0 ] && [ $n -gt 3 ] && echo "$n examples: all passed"
exit $failed
