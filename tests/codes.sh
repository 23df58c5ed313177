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
for code in $(grep -oh '[EW]0[1-9][0-9][0-9]' compiler/base/codes.def compiler/base/codes.h | sort -u); do
  [ -f "docs/errors/$code.md" ] || fail "docs/errors/$code.md is missing"
done

# Writes the blocks of the example `$1:` of the page into the folder: example.net, commands, and the
# file that every ```csv block of the page is, named in the line above it.
unpack() {
  mkdir -p "$tmp/$1" && awk -v which="$1:" -v dir="$tmp/$1/" '
    /^(Wrong|Right):$/ { on = $0 == which }
    /^`[a-z.]*`:$/ { gsub(/[`:]/, ""); name = $0 }
    /^```$/ { out = "" }
    out { print > out }
    /^```net$/ && on { out = dir "example.net" }
    /^```sh$/ && on { out = dir "commands" }
    /^```csv$/ { out = dir name }' "$page"
  [ -f "$tmp/$1/commands" ] || echo "netc lint example.net" >"$tmp/$1/commands"
}

# What the commands of an example say, one JSON object a line.
try() {
  netc() { "$netc" "$@" --diagnostics=json; }
  (cd "$tmp/$1" && . ./commands) >/dev/null 2>"$tmp/err" </dev/null
}

n=0
for page in docs/errors/*.md; do
  code=$(basename "$page" .md)
  grep -q "[(\"]$code[,\"]" compiler/base/codes.def compiler/base/codes.h || fail "$code is no message's code"
  "$netc" explain "$code" >"$tmp/out" || fail "netc explain $code"
  head -1 "$page" | sed 's/^# //' >"$tmp/title"
  grep -q -F -f "$tmp/title" "$tmp/out" || fail "netc explain $code shows another page"
  rm -rf "$tmp/Wrong" "$tmp/Right"
  for which in Wrong Right; do
    n=$((n + 1))
    grep -q "^$which:\$" "$page" || { fail "$page has no example \`$which:\`"; continue; }
    unpack $which
    try $which
    status=$?
    if [ $which = Wrong ]; then
      grep -q "\"code\":\"$code\"" "$tmp/err" || { fail "$page: the wrong example gives"; cat "$tmp/err"; }
    elif [ $status != 0 ] || grep -q '"code":"' "$tmp/err"; then
      fail "$page: the right example gives"
      cat "$tmp/err"
    fi
  done
done
[ $n -gt 70 ] || fail "only $n examples"
"$netc" explain E0202 | grep -q kernel_size || fail "explain shows no example"
"$netc" explain e0202 >/dev/null || fail "small letters"
"$netc" explain | grep -q W0101 || fail "explain lists no codes"
"$netc" explain E9999 2>"$tmp/err"; [ $? -eq 2 ] || fail "E9999 is explained"
"$netc" explain E0120 2>"$tmp/err"
grep -q 'did you mean `E0102`' "$tmp/err" || { fail "no code is suggested"; cat "$tmp/err"; }
"$netc" explain E01 >"$tmp/out"
grep -q '^E0101: ' "$tmp/out" || { fail "codes of one kind are not listed"; cat "$tmp/err"; }
"$netc" explain unused weights >"$tmp/out" 2>"$tmp/err" && fail "two codes"
"$netc" explain shapes >"$tmp/out" || fail "a word of a title is not found"
grep -q '^E0401' "$tmp/out" || fail "the pages of a word are not listed"
[ $failed = 0 ] && echo "$n examples of codes: all passed"
exit $failed
