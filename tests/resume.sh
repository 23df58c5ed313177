#!/bin/sh
# A run that is killed at random moments, and goes on each time, ends with the bytes of one that
# never stopped. KILLS says how often (default 8). A disk that fills up costs no checkpoint.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
[ -x "$netc" ] || { echo "$netc is not built"; exit 1; }
root=$(pwd) kills=${KILLS:-8}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

fail() { echo "FAILED: $1"; cat err; exit 1; }
# random N: a whole number from 0 to N - 1
random() { od -An -N4 -tu4 /dev/urandom | awk -v n="$1" '{ print $1 % n }'; }
results() { cut -d, -f1-5 "$1/metrics.csv"; }

cat > run.net <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 bn relu; dropout=0.2; maxpool 4; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 190/40; batch 10; epochs 600; seed 3;
        optimizer adam; lr 0.002; clip 1; average 0.95; augment flip shift=2; }
END
"$netc" train run.net -o whole >/dev/null 2>err || fail "the run that is left alone"

# The first weights are written and nothing behind them: the run can be gone on with.
mkdir -p parts/last.safetensors
"$netc" train run.net -o parts --force >/dev/null 2>err
[ $? -eq 1 ] && [ -e parts/best.safetensors ] || fail "a folder stands where the last weights belong"
rmdir parts/last.safetensors

# kill_once: starts the run or goes on with it, and kills it between 0.1 and 1 s later.
done=0 ended=0
kill_once() {
  "$netc" train run.net --resume parts >/dev/null 2>err &
  pid=$!
  sleep "$(awk -v r="$(random 900)" 'BEGIN { print 0.1 + r / 1000 }')"
  kill -KILL $pid 2>/dev/null
  wait $pid 2>/dev/null
  status=$?
  case $status in
  137) done=$((done + 1)) ;;
  0) same; ended=$((ended + 1)); rm -rf parts ;;
  *) fail "status $status" ;;
  esac
}
same() {
  for f in best last; do
    cmp whole/$f.safetensors parts/$f.safetensors || fail "$f.safetensors differs after $done kills"
  done
  [ "$(results whole)" = "$(results parts)" ] || fail "metrics.csv differs after $done kills"
  [ -z "$(find parts -name '.*.*' -type f)" ] || fail "half-written files are left"
}
while [ $done -lt "$kills" ] && [ $ended -lt 100 ]; do
  kill_once
  # What a kill leaves can always be read: whole weights, or none.
  for f in parts/best.safetensors parts/last.safetensors; do
    [ ! -e $f ] || "$netc" eval run.net --weights $f >/dev/null 2>err || fail "$f is damaged"
  done
done
"$netc" train run.net --resume parts >/dev/null 2>err || fail "the last part of a killed run"
same

# A full disk: here, no file may grow beyond a size that weights exceed.
sha256sum parts/*.safetensors parts/metrics.csv > before
(trap '' XFSZ; ulimit -f 2; exec "$netc" train run.net --resume parts --epochs 100000 >/dev/null 2>err)
[ $? -eq 1 ] || fail "a full disk ends a run with status 1"
grep -q 'error: cannot write `parts/' err || fail "a full disk is told"
grep -v metrics before | sha256sum -c --quiet || fail "a full disk costs no weights"
[ -z "$(find parts -name '.*.*' -type f)" ] || fail "half-written files are left on a full disk"
"$netc" train run.net --resume parts --epochs 601 >/dev/null 2>err || fail "going on after a full disk"
echo "resume: the same bytes after $done kills ($ended runs ended in between): passed"
