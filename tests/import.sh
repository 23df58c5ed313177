#!/bin/sh
# netc import: what netc exports comes back as the same network with the same weights and logits; what
# is no model is one error. PYTHON: one that has onnx; then its nine models and the operator cases of
# tests/onnx_cases.txt are run too, and models by hand.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
python=${PYTHON:-python3}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $*"; cat "$tmp/err" 2>/dev/null; exit 1; }

# back NET: export, import, export again: the same bytes but for names; the same loss.
back() {
  "$netc" train "$1" --epochs 1 --split 60/20 --force -o "$tmp/run" >/dev/null 2>"$tmp/err" ||
    fail "$1 does not train"
  w=$tmp/run/last.safetensors
  "$netc" export "$1" --weights "$w" -o "$tmp/a.onnx" 2>"$tmp/err" || fail "$1 is not exported"
  rm -f "$tmp/a.net" "$tmp/a.safetensors"
  "$netc" import "$tmp/a.onnx" -o "$tmp/a.net" 2>"$tmp/err" || fail "$1 is not imported"
  "$netc" fmt "$tmp/a.net" >"$tmp/formatted" || fail "fmt"
  names=$(grep -a -o '"classes":"[^}]*"' "$w")
  [ -n "$names" ] && grep -a -q -F -e "$names" "$tmp/a.safetensors" || fail "$1 loses its classes"
  cmp -s "$tmp/a.net" "$tmp/formatted" || fail "$1 comes back in another layout than fmt's"
  "$netc" export "$tmp/a.net" --weights "$tmp/a.safetensors" -o "$tmp/b.onnx" 2>"$tmp/err" ||
    fail "$1 is not exported again"
  rm -f "$tmp/b.net" "$tmp/b.safetensors"
  "$netc" import "$tmp/b.onnx" -o "$tmp/b.net" 2>"$tmp/err" || fail "$1 is not imported again"
  tail -n +2 "$tmp/a.net" >"$tmp/a.text"; tail -n +2 "$tmp/b.net" >"$tmp/b.text"
  cmp "$tmp/a.text" "$tmp/b.text" >"$tmp/err" || fail "$1 changes on its second way"
  cmp "$tmp/a.safetensors" "$tmp/b.safetensors" >"$tmp/err" || fail "$1: weights change"
  data="--data examples/emoji/emoji.pkl --split 60/20 --json"
  "$netc" eval "$1" --weights "$w" $data 2>"$tmp/err" | sed 's/.*"loss":\([^,]*\),.*/\1/' >"$tmp/want"
  "$netc" eval "$tmp/a.net" --weights "$tmp/a.safetensors" $data 2>"$tmp/err" |
    sed 's/.*"loss":\([^,]*\),.*/\1/' >"$tmp/got"
  [ -s "$tmp/got" ] && cmp -s "$tmp/want" "$tmp/got" || fail "$1 has another loss when it is back"
}
n=0
for net in models/emoji.net models/emoji-pool.net models/resnet20.net tests/golden/mixed.net; do
  back "$net"
  n=$((n + 1))
done
echo "train { data \"$PWD/examples/emoji/emoji.pkl\"; split 60/20; batch 10; epochs 1; }" >>"$tmp/a.net"
"$netc" train "$tmp/a.net" --weights "$tmp/a.safetensors" -o "$tmp/again" >/dev/null 2>"$tmp/err" ||
  fail "it does not train on"

# refused WORDS FILE: one error with these words, exit status 1, and nothing written.
refused() {
  rm -f "$tmp/x.net" "$tmp/x.safetensors"
  "$netc" import "$2" -o "$tmp/x.net" >"$tmp/out" 2>"$tmp/err"
  [ $? -eq 1 ] || fail "imported: $2"
  grep -q -e "$1" "$tmp/err" || fail "no \`$1\`"
  [ ! -e "$tmp/x.net" ] && [ ! -e "$tmp/x.safetensors" ] || fail "a file was left"
}
: >"$tmp/empty.onnx"
refused 'no graph' "$tmp/empty.onnx"
refused 'no ONNX model' README.md
refused 'no such file' "$tmp/none.onnx"
size=$(wc -c <"$tmp/a.onnx")
for i in 1 2 3 4 5 6 7 8 9; do
  head -c $((size * i / 10)) "$tmp/a.onnx" >"$tmp/cut.onnx"
  refused 'no ONNX model' "$tmp/cut.onnx"
done
"$netc" import "$tmp/a.onnx" -o "$tmp/a.net" 2>"$tmp/err"
[ $? -eq 1 ] && grep -q -e --force "$tmp/err" || fail "a network was replaced without being asked"

# Bytes changed one by one, anywhere before the weights: an answer, not a crash.
head -c 100000 /dev/urandom >"$tmp/noise"
for i in $(seq 1 120); do
  cp "$tmp/b.onnx" "$tmp/bad.onnx"
  at=$((i * size / 121))
  dd if="$tmp/noise" of="$tmp/bad.onnx" bs=1 count=$((1 + i % 3)) seek=$at skip=$i conv=notrunc 2>/dev/null
  timeout 150 "$netc" import "$tmp/bad.onnx" --force -o "$tmp/x.net" >/dev/null 2>"$tmp/err"
  [ $? -le 1 ] || fail "byte $at changed: a crash"
done
echo "$n networks went out and came back"

"$python" -c 'import numpy, onnx' 2>/dev/null || { echo "skipped: $python has no onnx"; exit 77; }
if "$python" -c 'import onnxruntime' 2>/dev/null; then
  at=tests/golden
  NETC=$netc "$python" tests/onnx_back.py $at/layers/reshape.net $at/layers/transpose.net \
    $at/layers/transpose3d.net $at/layers/groupnorm.net $at/layers/attention-three.net \
    $at/operators/reverse.net $at/operators/mask.net $at/operators/mask1d.net \
    $at/operators/permute.net $at/operators/unflatten4d.net $at/operators/concat-height.net \
    $at/operators/concat-width.net $at/families/mixer.net $at/families/llama.net \
    $at/families/reader.net 2>"$tmp/err" || fail "exports do not come back"
fi
NETC=$netc "$python" tests/onnx_backend.py 2>"$tmp/err" || fail "the models of onnx"
NETC=$netc "$python" tests/onnx_models.py 2>"$tmp/err" || fail "models as exporters write them"
NETC=$netc "$python" tests/onnx_backend.py --cases 2>"$tmp/err" || fail "cases of onnx"
echo "$(wc -l <tests/onnx_cases.txt) cases of onnx"
