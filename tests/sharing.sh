#!/bin/sh
# Weights that are shared, tied or frozen, their names in files, and files that fit in part.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
root=$(pwd)
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0
fail() { echo "FAILED: $*"; failed=1; }

# names FILE: the tensors of a weight file, sorted
names() { head -c 100000 "$1" | tr '{}' '\n\n' | sed -n 's/.*"\([^"]*\)":$/\1/p' | grep -v __metadata__ | tr '\n' ' '; }
settings="data \"$root/examples/emoji/emoji.pkl\"; split 100/50; batch 10; epochs 1; seed 3; lr 0.01;"
# train NAME ARGUMENTS: reads the network, trains it, leaves the weights in NAME.w
train() {
  name=$1; shift
  { cat; echo "train { $settings }"; } >"$name.net"
  "$netc" train "$name.net" -o "run-$name" --force --threads 1 "$@" >/dev/null 2>"$name.err" ||
    { fail "$name"; cat "$name.err"; return; }
  cp "run-$name/last.safetensors" "$name.w"
}

# Labels name weights; what is inside stands behind them.
train labels <<'END'
input 3x32x32; classes 5;
block unit(c) { conv c k3 s2; mix: conv c k1 relu; }
stem: conv 4 k3 s4 relu;
b1: unit 4;
blocks: repeat 2 { dense 4; }
add { side: dense 4; } {};
unit 4;
linear classes;
END
want="b1.conv1.bias b1.conv1.weight b1.mix.bias b1.mix.weight blocks.0.dense1.bias \
blocks.0.dense1.weight blocks.1.dense1.bias blocks.1.dense1.weight conv4.bias conv4.weight fc1.bias \
fc1.weight mix.bias mix.weight side.bias side.weight stem.bias stem.weight "
[ "$(names labels.w)" = "$want" ] || fail "names: $(names labels.w)"

# A label changes no bit, and files from before it stay good.
train plain <<'END'
input 3x32x32; classes 5;
conv 4 k3 s4 bn relu; dropout=0.3; linear classes;
END
train labelled <<'END'
input 3x32x32; classes 5;
stem: conv 4 k3 s4 bn relu; dropout=0.3; head: linear classes;
END
cmp -s run-plain/metrics.csv run-labelled/metrics.csv ||
  [ "$(cut -d, -f1-5 run-plain/metrics.csv)" = "$(cut -d, -f1-5 run-labelled/metrics.csv)" ] ||
  fail "a label changes the bits"
"$netc" eval labelled.net --weights plain.w >old 2>&1 || { fail "an old file"; cat old; }
"$netc" eval labelled.net --weights labelled.w >new 2>&1
grep -v seconds old >old1; grep -v seconds new >new1
cmp -s old1 new1 || fail "an old file gives other results"
"$netc" build labelled.net --weights plain.w -o old.o >/dev/null || fail "an object from an old file"

# One set of weights, however often it is used.
train shared <<'END'
input 3x32x32; classes 5;
shared block unit(c) { conv c k3 p1 bn relu; }
conv 4 k3 s4;
unit 4; unit 4;
enc: dense 3; dense 4 weights=@enc;
repeat 3 shared { dense 4 tanh; }
linear classes;
END
want="conv1.bias conv1.weight dense2.bias dense3.bias dense3.weight enc.bias enc.weight fc1.bias \
fc1.weight unit.bn1.bias unit.bn1.num_batches_tracked unit.bn1.running_mean unit.bn1.running_var \
unit.bn1.weight unit.conv1.bias unit.conv1.weight "
[ "$(names shared.w)" = "$want" ] || fail "shared names: $(names shared.w)"
"$netc" check shared.net >out 2>&1 || { fail "gradients of shared weights"; cat out; }
"$netc" check shared.net --check-passes >out 2>&1 || { fail "passes with shared weights"; cat out; }
"$netc" summary shared.net | grep -c shared | grep -qx 4 || fail "summary of shared weights"

# Frozen: the very bits of the file; the rest is trained; another head begins anew.
train frozen --weights labelled.w <<'END'
input 3x32x32; classes 5;
frozen { stem: conv 4 k3 s4 bn relu; dropout=0.3; } neck: dense 4; head: linear 6; linear classes;
END
grep -q "7 of the network's 13 weights come from \`labelled.w\`" frozen.err &&
  grep -q '`neck.weight` \[4, 4\] is missing' frozen.err &&
  grep -q '`head.weight` has the shape \[5, 256\]; the network needs \[6, 256\]' frozen.err ||
  { fail "what was left out"; cat frozen.err; }
"$netc" summary frozen.net | grep -q '^Non-trainable params: 120 (\*)' || fail "summary of frozen weights"
python=$(command -v python3) && "$python" - <<'END' || [ -z "$python" ] || fail "frozen weights moved"
import json, struct
def load(path):
    b = open(path, 'rb').read()
    n = struct.unpack('<Q', b[:8])[0]
    return {k: b[8 + n + v['data_offsets'][0]:8 + n + v['data_offsets'][1]]
            for k, v in json.loads(b[8:8 + n]).items() if k != '__metadata__'}
a, b = load('labelled.w'), load('frozen.w')
assert all(a[k] == b[k] for k in a if k.startswith('stem')), 'moved'
assert a['head.bias'] != b['head.bias']
END

# A file of which nothing fits is an error; so is one that is no file of weights, or holds NaN.
cat >other.net <<END
input 3x32x32; classes 5; conv 9 k5; a: linear 7; b: linear classes; train { $settings }
END
"$netc" train other.net -o run-other --weights labelled.w >/dev/null 2>err && fail "nothing fits"
grep -q "none of the weights in \`labelled.w\` fits the network" err || { fail "nothing fits"; cat err; }
"$netc" eval frozen.net --weights labelled.w >/dev/null 2>err && fail "eval takes what fits in part"
# PyTorch's files have a matrix that two layers share under both names; with other values it is a stranger.
[ -z "$python" ] || "$python" - <<'END'
import json, struct
b = open('labelled.w', 'rb').read()
n = struct.unpack('<Q', b[:8])[0]
head, body = json.loads(b[8:8 + n]), b[8 + n:]
a, e = head['head.weight']['data_offsets']
head['twin.weight'] = dict(head['head.weight'], data_offsets=[len(body), len(body) + e - a])
for name, twin in (('twin.w', body[a:e]), ('odd.w', body[a:e - 1] + b'\x01')):
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    open(name, 'wb').write(struct.pack('<Q', len(text)) + text + body + twin)
END
if [ "$python" ]; then
  "$netc" eval labelled.net --weights twin.w 2>&1 | grep -v seconds >new; cmp -s new old1 || { fail "a tied matrix"; cat new; }
  "$netc" eval labelled.net --weights odd.w >new 2>&1 && fail "a tensor that is not the network's"
  grep -q '`twin.weight` is no tensor' new || { fail "which tensor"; cat new; }
fi
# Whose weights a layer has, and whether they are trained, makes another network: compare runs each.
tail="linear classes; train { $settings }"
echo "input 3x32x32; classes 5; conv 4 k3 s4; gap; a: dense 4; dense 4; $tail" >plain.net
echo "input 3x32x32; classes 5; conv 4 k3 s4; gap; a: dense 4; dense 4 weights=@a; $tail" >tied.net
echo "input 3x32x32; classes 5; frozen { conv 4 k3 s4; } gap; a: dense 4; dense 4; $tail" >cold.net
"$netc" compare plain.net tied.net cold.net --seeds 1 --epochs 1 -o three >out 2>&1 || { fail "compare"; cat out; }
[ "$(ls three/runs | wc -l)" = 3 ] || fail "three networks, $(ls three/runs | wc -l) runs"
# So does a file of weights by what is in it, not by its name.
"$netc" train plain.net -o run-p --epochs 1 >/dev/null 2>&1 && cp run-p/last.safetensors w.st
"$netc" compare plain.net --weights w.st --seeds 1 --epochs 1 -o from >out 2>&1 || { fail "compare --weights"; cat out; }
"$netc" train plain.net -o run-q --epochs 2 >/dev/null 2>&1 && cp run-q/last.safetensors w.st
"$netc" compare plain.net --weights w.st --seeds 1 --epochs 1 -o from >out 2>&1 || { fail "compare --weights"; cat out; }
[ "$(ls from/runs | wc -l)" = 2 ] || fail "other weights of one name are another run"
[ $failed = 0 ] && echo "weights are shared, named and loaded as they should be"
exit $failed
