#!/bin/sh
# Every message has a code, every code a page, and every page's wrong example gives its code, and its
# right one none.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }

perl tests/message_formats.pl compiler/*/*.c compiler/*/*.y compiler/*/*.l cli/*.c | sort -u >"$tmp/used"
[ "$(wc -l <"$tmp/used")" -gt 100 ] || fail "the messages are not found"
perl -0777 -ne 'while (/MESSAGE\((\w+), ((?:\s*"(?:[^"\\]|\\.)*")+)\)/g) {
    my ($code, $parts) = ($1, $2);
    print $code =~ /^W/ ? "warning " : "error ", join("", $parts =~ /"((?:[^"\\]|\\.)*)"/g), "\n";
  }' compiler/base/codes.def | sort -u >"$tmp/known"
comm -23 "$tmp/used" "$tmp/known" >"$tmp/new"
comm -13 "$tmp/used" "$tmp/known" >"$tmp/old"
[ -s "$tmp/new" ] && fail "messages without a code in compiler/base/codes.def:" && cat "$tmp/new"
[ -s "$tmp/old" ] && fail "codes of messages that are gone:" && cat "$tmp/old"
for code in $(sed -n 's/^MESSAGE(\([EW][0-9]*\),.*/\1/p' compiler/base/codes.def | sort -u); do
  [ -f "docs/errors/$code.md" ] || fail "docs/errors/$code.md is missing"
done

n=0
for page in docs/errors/*.md; do
  code=$(basename "$page" .md)
  grep -q "MESSAGE($code," compiler/base/codes.def || fail "$code is no message's code"
  "$netc" explain "$code" >"$tmp/out" || fail "netc explain $code"
  head -1 "$page" | sed 's/^# //' >"$tmp/title"
  grep -q -F -f "$tmp/title" "$tmp/out" || fail "netc explain $code shows another page"
  for which in Wrong Right; do
    awk -v which="$which:" '$0 == which { on = 1 } on && /^```$/ { exit } on && text { print } on && /^```net/ { text = 1 }' \
      "$page" >"$tmp/$which.net"
    [ -s "$tmp/$which.net" ] || continue
    "$netc" lint --diagnostics=json "$tmp/$which.net" >/dev/null 2>"$tmp/err"
    if [ $which = Wrong ]; then
      grep -q "\"code\":\"$code\"" "$tmp/err" || { fail "$page: the wrong example gives"; cat "$tmp/err"; }
      n=$((n + 1))
    elif grep -q '"code"' "$tmp/err"; then
      fail "$page: the right example gives"
      cat "$tmp/err"
    fi
  done
done
[ $n -gt 25 ] || fail "only $n pages have examples"
"$netc" explain E0202 | grep -q kernel_size || fail "explain shows no example"
"$netc" explain e0202 >/dev/null || fail "small letters"
"$netc" explain | grep -q W0101 || fail "explain lists no codes"
"$netc" explain E9999 2>"$tmp/err"; [ $? -eq 2 ] || fail "E9999 is explained"
[ $failed = 0 ] && echo "$n codes with examples"
exit $failed
