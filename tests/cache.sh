#!/bin/sh
# The cache of compiled kernels: found again, damaged, written by several at once, switched off,
# cleared; the figures of a training run are the same each time.
netc=${NETC:-./netc}
case $netc in /*) ;; *) netc=$PWD/$netc ;; esac
root=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
unset NETC_CACHE
status=0
fail() {
  echo "cache: $*"
  status=1
}

# figures RUN OPTIONS...: losses and accuracies of an epoch
figures() {
  run=$1
  shift
  "$netc" train "$root/models/emoji.net" --epochs 1 --threads 1 --force -o "$tmp/$run" "$@" \
    2>/dev/null | awk '$1 == 1 { print $2, $3, $4, $5 }'
}
# compiled OPTIONS...: does a run compile anything?
compiled() {
  "$netc" train "$root/models/emoji.net" --epochs 1 --threads 1 --force -o "$tmp/t" --time-passes \
    "$@" 2>&1 >/dev/null | grep -q 'LLVM code'
}
files() { find "$tmp/cache" -name '*.o' 2>/dev/null | wc -l; }

want=$(figures first --no-cache)
[ "$want" ] || fail "training without a cache fails"
[ "$(files)" -eq 0 ] || fail "--no-cache keeps code"
NETC_CACHE=0 figures off >/dev/null
[ "$(files)" -eq 0 ] || fail "NETC_CACHE=0 keeps code"
[ "$(figures cold)" = "$want" ] || fail "other figures from an empty cache"
[ "$(files)" -gt 0 ] || fail "nothing is kept"
[ "$(figures warm)" = "$want" ] || fail "other figures from a full cache"
compiled && fail "a second run compiles"
compiled --no-cache || fail "--no-cache does not compile"

# Damage of every kind: cut off, a byte changed in the head and in the code, empty, another file's.
n=0
for f in "$tmp"/cache/netc/*.o; do
  size=$(wc -c <"$f")
  case $((n % 5)) in
    0) head -c $((size / 2)) "$f" >"$tmp/part" && cp "$tmp/part" "$f" ;;
    1) printf X | dd of="$f" bs=1 seek=20 conv=notrunc 2>/dev/null ;;
    2) printf XYZ | dd of="$f" bs=1 seek=$((size - 100)) conv=notrunc 2>/dev/null ;;
    3) : >"$f" ;;
    4) echo "something else" >"$f" ;;
  esac
  n=$((n + 1))
done
[ "$(figures damaged)" = "$want" ] || fail "other figures from a damaged cache"
compiled && fail "damaged files are not replaced"

# Several at once, on an empty cache.
"$netc" cache --clear >/dev/null || fail "cache --clear fails"
[ "$(files)" -eq 0 ] || fail "cache --clear leaves files"
for i in 1 2 3; do figures "at-once$i" >"$tmp/figures$i" & done
wait
for i in 1 2 3; do
  [ "$(cat "$tmp/figures$i")" = "$want" ] || fail "other figures from processes at once"
done
compiled && fail "nothing is found after several wrote at once"

# A folder that cannot be.
: >"$tmp/file"
[ "$(XDG_CACHE_HOME=$tmp/file figures nowhere)" = "$want" ] || fail "no folder, other figures"
"$netc" cache | grep -q ' files, [0-9.]* MB$' || fail "netc cache does not tell"
exit $status
