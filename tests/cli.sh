#!/bin/sh
# The command line from outside: exit statuses, JSON, run directories, runs that are interrupted and
# go on, comparisons that do.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

json() { # json EXPRESSION: stdout is one JSON object j, of which the expression is true
  n=$((n + 1))
  python3 -c "import json,sys; j=json.load(open('out')); assert isinstance(j, dict); assert $1, j" 2>pyerr ||
    { echo "FAILED: json: $1"; tail -n 3 pyerr; failed=1; }
}
results() { cut -d, -f1-5 "$1/metrics.csv"; }

cat > small.net <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 relu; maxpool 4; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 95/40; lr 0.05; batch 10; epochs 4; seed 3;
        optimizer sgd momentum=0.9; augment flip shift=2; }
END
sed 's/conv 8/conv 12/' small.net > other.net

# --- the command line ---
exits 0 --help; prints 'netc COMMAND'
exits 0 --version; prints '^netc [0-9]'
exits 0 summary --time-passes "$root/models/resnet20.net"; says '^  sched .* -[0-9]*$'
grep -Eq ' [0-9]{12}' err; [ $? -eq 1 ]; ok "memory that a pass gives back is a figure below 0"
exits 2
exits 2 trian small.net; says 'did you mean `netc train`'
exits 2 --frobnicate
for c in train summary eval predict fmt compare sweep lint check data; do
  exits 0 $c --help; prints Usage
  exits 2 $c --no-such-option
done
exits 2 train
exits 2 train small.net other.net
exits 2 train small.net --epochs none
exits 2 train small.net --split 3:4
exits 2 bench small.net --seconds -1
exits 0 bench small.net --model --seconds 0.02; prints 'measured / model'; prints 'us / model'
exits 2 eval small.net
exits 2 train small.net --dump=none; says "fuse"
exits 0 train small.net --dump=fuse; prints "conv1"
exits 1 train missing.net; says 'missing.net'
exits 1 train small.net --data missing.pkl; says 'missing.pkl'
exits 1 train small.net --split 2000/10; says '1005'
[ ! -e runs ]; ok "wrong input leaves no directory behind"

# --- summary, fmt, lint ---
exits 0 summary small.net; prints 'Conv2d-1 *\[-1, 8, 16, 16\] *224'; prints 'Linear-3 *\[-1, 5\] *645'
exits 0 summary small.net --json; json "j['params'] == 869 and j['layers'][0]['output_shape'] == [8, 16, 16]"
exits 0 summary small.net --wide; prints 'Conv2d-1 *\[-1, 8, 16, 16\] *224 *55,296 *9$'
exits 0 summary small.net --json; json "j['layers'][0]['memory_bytes'] == 4 * (224 + 8 * 16 * 16)"
cat > own.net <<END
op shift(x[N,H,W,C]) -> y[N,H,W,C] { param b[c:C] ~ 0; y[n,h,w,c] = x[n,h,w,c] + b[c]; }
input 3x32x32; classes 5; shift; linear classes;
END
exits 0 summary own.net; prints 'shift-1 *\[-1, 3, 32, 32\] *3$'
exits 0 build --cpu=help; prints 'cortex-m4'
exits 1 build small.net --cpu=cortex-m99 -o x.o; says 'cpu=help'
exits 0 build small.net --cpu=cortex-m3 -o m3.o
exits 0 draw small.net -o small.svg; says 'written to small.svg'
python3 -c "import xml.dom.minidom as m; d = m.parse('small.svg'); t = [x.firstChild.data for x in d.getElementsByTagName('text')]; assert any('869 parameters' in x for x in t) and any('conv k3 s2 p1, relu' in x for x in t), t"
ok "a picture of the network"
exits 1 draw small.net -o small.svg --times own.net; says 'bench --json'
echo 'left: input 3x8x8; a: conv 4 k1; b: conv 4 k1; conv 4 k1; add {} @b; conv 4 k1; add {} @a;' >skips.net
exits 0 draw skips.net -o skips.svg
[ "$(grep -o 'L3[0-9]* ' skips.svg | sort -u | wc -l)" = 2 ] && grep -q '>left<' skips.svg; ok "bows beside one another have lanes of their own"
exits 0 fmt small.net; cp out once.net
exits 0 fmt once.net; cmp -s out once.net; ok "fmt is idempotent"
exits 0 check --check-passes once.net
cat > endless.net <<'EOF'
op long(x[N,H,W,C]) -> y[N,1,1,C] { y[n,0,0,c] += x[n,0,0,c] * 1e-9 for n:N, c:C, i:100000, j:100000; }
input 4; classes 3;
linear 4; long {}; linear classes;
EOF
exits 1 check endless.net; says 'endless.net:3:11: error: checking takes some .* most of them here'
exits 0 fmt --check once.net
exits 0 lint small.net --lr 3; says 'learning rate of 3'
exits 0 lint small.net --batch 500; says 'larger than the training split'

# --- train ---
exits 0 train small.net
for f in metrics.csv best.safetensors last.safetensors run.json small.net curves.svg curves.png; do
  [ -s runs/small/$f ] || command -v gnuplot >/dev/null || continue
  [ -s runs/small/$f ]; ok "runs/small/$f"
done
[ "$(head -n 1 runs/small/metrics.csv)" = epoch,train_loss,train_acc,val_loss,val_acc,seconds ]; ok header
[ "$(wc -l < runs/small/metrics.csv)" = 5 ]; ok "a row an epoch"
cp runs/small/run.json out; json "j['settings']['lr'] == 0.05 and j['status'] == 'done' and j['epochs_done'] == 4"
env PATH=/nowhere "$netc" train small.net --epochs 1 -o runs/undrawn >log 2>&1 && [ -s runs/undrawn/last.safetensors ] &&
  [ -z "$(find runs/undrawn -name '.?*')" ]; ok "without gnuplot nothing is left half-drawn"
exits 0 train small.net --threads 1 --json; json "j['directory'] == 'runs/small-2' and len(j['epochs']) == 4"
cmp -s runs/small/last.safetensors runs/small-2/last.safetensors; ok "one thread and several: the same bytes"
[ "$(results runs/small)" = "$(results runs/small-2)" ]; ok "the same metrics"
cp -r runs/small before
exits 1 train small.net -o runs/small; says 'holds a run'
exits 1 train small.net -o runs/small --force --weights small.net; says 'safetensors'
diff -r runs/small before >/dev/null; ok "a failure leaves the old run alone"
exits 1 train small.net -o small.net; says 'not a directory'
exits 0 train small.net -o runs/small --force --epochs 1
[ "$(wc -l < runs/small/metrics.csv)" = 2 ]; ok "--force replaces"
exits 0 train other.net -o other --epochs 1 --weights before/best.safetensors; says 'conv1.weight'; says '\[8, 3, 3, 3\]'
says "1 of the network's 4 weights"
exits 1 eval other.net --weights before/best.safetensors; says 'do not fit the network'
python3 - <<'END'
b = open('before/best.safetensors', 'rb').read()
open('nan.safetensors', 'wb').write(b[:-4] + b'\0\0\xc0\x7f')
END
exits 1 eval small.net --weights nan.safetensors; says 'holds a NaN or an infinity'
exits 1 train small.net --weights nan.safetensors -o o; says 'holds a NaN or an infinity'
[ ! -e o ]; ok "no directory for weights that do not fit"
exits 1 train "$root/models/emoji.net" --lr 1000 -o nan; says 'no longer a finite number in epoch 1, batch'
[ ! -e nan/best.safetensors ]; ok "no weights of a run that broke at once"
exits 0 train small.net --weights before/last.safetensors -o w --epochs 1

# --- interrupted and resumed ---
sed 's/epochs 4/epochs 60/' small.net > long.net
exits 0 train long.net -o whole
sleeps='0.3 0.35 0.4 0.45 0.5 0.6'
for s in $sleeps; do
  for signal in INT KILL TERM; do
    "$netc" train long.net --resume parts >out 2>err &
    pid=$!
    sleep $s
    kill -$signal $pid 2>/dev/null
    wait $pid
    status=$? n=$((n + 1))
    case $signal:$status in
    *:0 | INT:130 | KILL:137 | TERM:143) ;;
    *) echo "FAILED: $signal gave status $status"; cat err; failed=1 ;;
    esac
  done
done
exits 0 train long.net --resume parts
for f in best last; do
  cmp -s whole/$f.safetensors parts/$f.safetensors; ok "interrupted and resumed: $f.safetensors"
done
[ "$(results whole)" = "$(results parts)" ]; ok "interrupted and resumed: metrics"
exits 1 train long.net --resume parts --lr 0.5; says 'its lr was 0.05'
exits 1 train other.net --resume parts; says 'its network was'
exits 0 train long.net --resume parts --epochs 62
[ "$(wc -l < parts/metrics.csv)" = 63 ]; ok "a finished run goes on with more epochs"
printf x > whole/checkpoint.safetensors
exits 1 train long.net --resume whole --epochs 70; says 'checkpoint.safetensors'


# --- one writer at a time ---
sed 's/epochs 4/epochs 100000/' small.net > endless.net
"$netc" train endless.net -o busy >/dev/null 2>&1 &
pid=$!
"$netc" compare endless.net other.net -o busystudy >/dev/null 2>&1 &
study=$!
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s busy/metrics.csv ] && [ -e busystudy/runs ] && break; sleep 0.3; done
exits 1 train endless.net -o busy --force; says 'another netc is writing'
exits 1 train endless.net --resume busy; says 'another netc is writing'
exits 1 compare endless.net other.net -o busystudy; says 'another netc is writing'
kill -KILL $study
kill -TERM $pid
wait $pid
wait $study 2>/dev/null
exits 0 train small.net -o busy --force
sleep 1
exits 0 compare small.net other.net -o busystudy --epochs 1 --seeds 1

# Under nohup the signal is ignored from birth, and a run has to ignore it too.
if ! grep -q '^SigIgn:.*[13579bdf]$' /proc/self/status; then
"$netc" train endless.net -o hung --lr 0.02 --no-shuffle >out 2>err &
pid=$!
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s hung/metrics.csv ] && break; sleep 0.3; done
kill -HUP $pid
wait $pid
[ $? -eq 129 ] && [ -s hung/checkpoint.safetensors ]; ok "a terminal that hangs up costs nothing"
says 'to go on: netc train endless.net --lr 0.02 --no-shuffle --resume hung'
fi

# --- early stopping ---
sed 's/epochs 4/epochs 80; stop val_loss patience=2 restore/' small.net > stop.net
exits 0 train stop.net -o stop --no-shuffle --lr 0.1; says 'stopped early'
cmp -s stop/best.safetensors stop/last.safetensors ||
  python3 - <<'END'
def tensors(p):
    b = open(p, 'rb').read()
    return b[8 + int.from_bytes(b[:8], 'little'):]
assert tensors('stop/best.safetensors') == tensors('stop/last.safetensors')
END
ok "restore puts the best weights back"

# --- eval, predict ---
w=before/best.safetensors
exits 0 eval small.net --weights $w; prints '^accuracy'; prints 'precision'
cp out by-file; exits 0 eval small.net -w before; cmp -s out by-file; ok "--weights DIR: the best weights of a run"
exits 1 eval small.net -w .; says 'last.safetensors'
# A run whose file was changed since, or whose data came by --data, is measured on what it was trained with.
mkdir place; cp "$root/examples/emoji/emoji.pkl" near.pkl; sed 's,data "[^"]*",data "../near.pkl",' small.net >place/moved.net
exits 0 train place/moved.net --epochs 1 -o in/moved; echo '# later' >>place/moved.net; exits 0 eval in/moved; prints '^accuracy'
exits 0 eval in/moved --part all; prints '^samples   1005'
sed 's,data "[^"]*",data "nothing.pkl",' small.net >elsewhere.net
exits 0 train elsewhere.net --data near.pkl --epochs 1 -o given; exits 0 eval given; prints '^samples   40'
exits 0 eval small.net --weights $w --json --worst worst.png --confusion confusion.svg
json "j['worst'] and j['worst'][0]['file'] and all(x['class'] != x['predicted'] for x in j['worst'])"
python3 -c "import xml.dom.minidom as m; d = m.parse('confusion.svg'); assert len(d.getElementsByTagName('rect')) == 25"
ok "the confusion matrix as a picture"
json "j['samples'] == 40 and sum(map(sum, j['confusion'])) == 40"
cp before/run.json run; python3 - <<'END'
import json
e, r = json.load(open('out')), json.load(open('run'))
assert abs(e['loss'] - r['best']['val_loss']) < 1e-6 and abs(e['accuracy'] - r['best']['val_acc']) < 1e-9
END
ok "eval of the best weights gives the run's own figures"
[ "$(head -c 4 worst.png | tail -c 3)" = PNG ]; ok "a sheet of the worst"
exits 0 eval small.net --weights $w --data "$root/examples/emoji/emoji.pkl" --json; json "j['samples'] == 1005"
mkdir -p pictures/a pictures/b && cp "$root"/examples/emoji/images/*.png pictures/b
cp "$root"/examples/emoji/images/*dove*.png pictures/a
exits 0 pack pictures -o few.pkl
exits 0 eval small.net --weights $w --data few.pkl --json; json "0 < j['samples'] < 20"
exits 1 eval small.net --weights $w --data few.pkl --part val; says 'needs more samples than there are'
exits 1 eval other.net --weights $w; says 'conv1.weight'
exits 1 eval small.net --weights small.net
exits 0 predict small.net --weights $w worst.png worst.png --top 3 --json
json "len(j['images']) == 2 and len(j['images'][0]['top']) == 3 and j['images'][0] == j['images'][1]"
exits 1 predict small.net --weights $w small.net worst.png; prints worst.png; says small.net

# --- compare, sweep ---
exits 0 compare small.net other.net --seeds 2 --epochs 2 --json -o cmp
json "[r['label'] for r in j['results']] == ['small', 'other'] and len(j['results'][0]['seeds']) == 2"
for f in report.html results.csv results.json; do [ -s cmp/$f ]; ok cmp/$f; done
exits 0 compare small.net other.net --seeds 2 --epochs 2 --csv -o cmp; says '4 of them done before'
exits 0 compare small.net other.net --seeds 2 --epochs 2 -o cmp
python3 - <<'END'
import json, re
best = max(r['best_val_acc']['mean'] for r in json.load(open('cmp/results.json'))['results'])
share, n, error = re.search(r'accuracy of ([\d.]+) on (\d+) samples has itself a standard error of ([\d.]+)\.',
                            open('out').read().replace('\n', ' ')).groups()
assert float(share) == round(best, 2) and abs(float(error) - (best * (1 - best) / int(n)) ** .5) < 6e-4
END
ok "the standard error of the best accuracy of all"
for h in 'best val acc' 'val acc' 'train acc' 'val loss'; do grep -q "data-h=\"$h\"" cmp/report.html; ok "$h on a phone"; done
exits 2 compare
exits 0 compare small.net --seeds 1 --epochs 1 --json -o one; json "j['results'][0]['p'] is None and not j['results'][0]['best_of_study']"
exits 0 compare small.net other.net --seeds 2 --epochs 2 --json -o cmp; json "all(r['p'] is None for r in j['results'])"
sed 's/95\/40/60\/40/' small.net > fewer.net
exits 0 compare small.net fewer.net --seeds 3 --epochs 1 -o unlike; prints 'other data than'; says 'do not see the same samples'
exits 1 compare small.net other.net -o before; says 'holds a training run'
cat > study.net <<END
include "small.net";
sweep rate { lr {0.01 0.05}; }
sweep epochs { epochs {1 2 4}; }
END
exits 1 runs nowhere; says 'holds no runs'
exits 0 runs . --json; json "len(j['runs']) > 2 and all('dir' in r for r in j['runs'])"
exits 0 runs . --all --sort=-val_acc --json
json "len(j['runs']) > 8 and [r['best']['val_acc'] for r in j['runs'] if 'best' in r] == sorted((r['best']['val_acc'] for r in j['runs'] if 'best' in r), reverse=True)"
exits 0 runs . --all --where 'epochs_done<3' --where network=small --json
json "j['runs'] and all(r['epochs_done'] < 3 and r['network'] == 'small' for r in j['runs'])"
exits 0 runs before runs/small --column optimizer; prints 'sgd momentum=0.9'
exits 0 runs --diff before runs/small; prints '^val_loss'
exits 2 runs --diff before
exits 2 runs --where lr
exits 0 sweep study.net --seeds 2 --json -o sweep; says '4 runs of 5'
json "len(j['results']) == 5 and j['results'][2]['epochs'] == 1"
python3 - <<'END'
import json
r = {x['label']: x for x in json.load(open('out'))['results']}
assert r['epochs=4']['val_loss'] == r['lr=0.05']['val_loss']
END
ok "equal runs are one"
"$netc" sweep study.net --study rate --seeds 9 --epochs 40 -o half >out 2>err &
pid=$!
sleep 1
kill -TERM $pid
wait $pid
status=$?
[ $status -eq 143 ] || [ $status -eq 0 ]; ok "SIGTERM ends a sweep with status 143, not $status"
exits 0 sweep study.net --study rate --seeds 9 --epochs 40 -o half
exits 0 sweep study.net --study rate --seeds 2 -o sweep; says '4 of them done before'
# Parts of a sweep on several machines, and the report of all of them: as from one.
exits 1 sweep study.net --seeds 2 --merge -o cluster; says 'lacks 4 of 4 runs'
exits 2 sweep study.net --shard 3/2
exits 2 sweep study.net --shard 1/2 --merge
for i in 1 2 3; do
  "$netc" sweep study.net --seeds 2 --shard $i/3 -o cluster >out$i 2>&1 &
done
wait
exits 0 sweep study.net --seeds 2 -o single
exits 0 sweep study.net --seeds 2 --merge --csv -o cluster
n=$((n + 1))
python3 - <<'END' || failed=1
import csv
def rows(f): return [{k: v for k, v in r.items() if 'seconds' not in k} for r in csv.DictReader(open(f))]
assert rows('out') == rows('single/results.csv') == rows('cluster/results.csv') and len(rows('out')) == 5
END
cp cluster/results.csv merged.csv
exits 0 sweep study.net --seeds 2 -o cluster; says '4 of them done before'
cmp -s merged.csv cluster/results.csv; ok "the merged table is that of a single call"
rm -r cluster/runs/"$(ls cluster/runs | head -n 1)"
exits 1 sweep study.net --seeds 2 --merge -o cluster; says 'lacks 1 of 4 runs'
exits 1 sweep small.net; says 'names nothing to sweep'
exits 1 sweep study.net --study none; says 'no study'

[ $failed -eq 0 ] && echo "command line: $n checks passed"
exit $failed
