#!/bin/sh
# Networks that predict numbers, or yes and no for several labels: what compare, sweep, runs, stop and the records say of them.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
[ -x "$netc" ] || { echo "$netc is not built"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
fail() { echo "FAILED: $1"; cat out err; exit 1; }

awk 'BEGIN { srand(1); print "a,b,y"; for (i = 0; i < 200; i++) { a = rand(); b = rand(); print a "," b "," 3 * a - b + 5 } }' > t.csv
train='train { data "t.csv" target=y; split 0.8; optimizer adam; lr 0.05; batch 20; epochs 12; seed 1; stop val_mae patience=3; }'
echo "input 2; target 1; linear 16 relu; linear 1; $train" > wide.net
echo "input 2; target 1; linear 1 relu; linear 1; $train" > narrow.net

"$netc" compare wide.net narrow.net --seeds 3 -o c > out 2>err || fail "compare"
grep -q 'best val mae' out || fail "compare shows the error"
grep -Eq '^wide .* best$' out || fail "the lower error leads"
grep -q 'accuracy' out && fail "compare speaks of accuracies"
head -1 c/results.csv | grep -q ',measure,train_measure,' || fail "columns of results.csv"
sed -n 2p c/results.csv | grep -q ',mae,' || fail "results.csv names the measure"
grep -q 'validation error (MAE)' c/report.html || fail "the report draws the error"
grep -q 'nothing learned' out c/report.html && fail "a network that learned"

echo "input 2; target 1; linear 1; $train" | sed 's/lr 0.05/lr 1e-6/; s/epochs 12/epochs 2/' > idle.net
"$netc" compare idle.net --seeds 1 -o i > out 2>err || fail "compare of one"
grep -q 'guessing the mean' out || fail "a network that learned nothing is told so"

"$netc" train wide.net -o r > out 2>err || fail "train"
grep -q '"val_mae"' r/run.json || fail "run.json"
"$netc" runs r > out 2>err || fail "runs"
grep -q 'val mae' out || fail "runs shows the error"
sed 's/val_mae/val_acc/' wide.net > bad.net
"$netc" train bad.net -o b > out 2>err && fail "stop val_acc without classes"
grep -q 'is there where the target is classes, or yes and no' err || fail "what is wrong with stop"

awk 'BEGIN { srand(2); print "a,b,hot,wet"; for (i = 0; i < 200; i++) { a = rand(); b = rand(); print a "," b "," (a > 0.5) "," (b > 0.3) } }' > l.csv
echo 'input 2; target 2; linear 16 relu; linear 2;
train { data "l.csv" target={hot wet}; split 0.8; loss bce; optimizer adam; lr 0.02; batch 20; epochs 12; seed 1; stop val_f1 patience=12; }' > l.net
"$netc" train l.net -o l > out 2>err || fail "train labels"
grep -q 'of labels, F1 0.9' err || fail "labels are learned"
head -1 l/metrics.csv | grep -q ',val_f1$' || fail "metrics.csv of labels"
"$netc" eval l.net --weights l/best.safetensors > out 2>err || fail "eval labels"
awk '/^label/ { n = 1 } n && $1 == 2 && $2 > 0.9 && $5 > 0.9 { ok = 1 } END { exit !ok }' out || fail "a row for each label"
printf 'a,b\n0.9,0.1\n0.1,0.9\n' > q.csv
"$netc" predict l.net --weights l/best.safetensors q.csv > out 2>err || fail "predict labels"
awk '$1 == 1 && $2 > 0.5 && $3 < 0.5 { a = 1 } $1 == 2 && $2 < 0.5 && $3 > 0.5 { b = 1 } END { exit !(a && b) }' out ||
  fail "probabilities of labels"
sed 's/val_f1/val_mae/' l.net > bad.net
"$netc" train bad.net -o b > out 2>err && fail "stop val_mae of labels"

# A share for each class: noisy one-hot rows; mixed samples have mixed targets.
awk 'BEGIN { srand(3); print "a,b,p,q,r"; for (i = 0; i < 300; i++) { a = rand(); b = rand(); k = a > b ? 0 : a + b > 1 ? 1 : 2
  print a "," b "," (k == 0 ? 0.8 : 0.1) "," (k == 1 ? 0.8 : 0.1) "," (k == 2 ? 0.8 : 0.1) } }' > s.csv
echo 'input 2; target 3; linear 16 relu; linear 3;
train { data "s.csv" target={p q r}; split 0.8; loss cross_entropy; optimizer adam; lr 0.02; batch 20; epochs 20; seed 1; stop val_acc patience=20; augment mixup=0.2; }' > s.net
"$netc" train s.net -o s > out 2>err || fail "train shares"
awk '/best epoch/ && match($0, /accuracy [0-9.]+/) && substr($0, RSTART + 9, 6) > 0.9 { ok = 1 } END { exit !ok }' err || fail "shares are learned"
"$netc" eval s.net --weights s/best.safetensors > out 2>err && grep -q 'accuracy 0.9' out || fail "eval shares"
"$netc" predict s.net --json --weights s/best.safetensors q.csv > out 2>err || fail "predict shares"
grep -q '"probabilities"' out || fail "probabilities of shares"
echo "regression: passed"
