#!/bin/sh
# What users hand to netc, or do to its files, that is not what it looks like.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

cat > small.net <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 relu; maxpool 4; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 95/40; lr 0.05; batch 10; epochs 2; seed 3; }
END

# --- numbers are decimal ---
printf 'input 1x6x6; classes 2; conv 3 k1x5 p0x2; linear classes;\n' > pads.net
exits 0 summary pads.net; prints '\[-1, 3, 6, 6\]'
exits 2 train small.net --split 0x10/5
exits 2 train small.net --split 0x1p-1
exits 2 data "$root/examples/emoji/emoji.pkl" --scale 0x1/0xff
exits 2 predict small.net --weights w --top 0x1 x.png

# --- files that are no data set are told without being read whole ---
truncate -s 2G zeros.pkl
(ulimit -v 1000000; timeout 60 "$netc" data zeros.pkl 2>err; [ $? -eq 1 ]); ok "2 GB of zeros, in 1 GB"
says 'no kind of data set'
printf 'once upon a time\n' > story.pkl
exits 1 train small.net --data story.pkl; says 'text, not a pickle'
: > nothing.pkl
exits 1 data nothing.pkl; says 'it is empty'
python3 - <<'END'
import zipfile, struct, warnings
warnings.simplefilter('ignore')
def npy(n):
    h = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % n
    h += ' ' * (117 - len(h)) + '\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(h)) + h.encode() + bytes(4 * n)
with zipfile.ZipFile('twice.npz', 'w') as z:
    z.writestr('x.npy', npy(3)); z.writestr('y.npy', npy(3)); z.writestr('x.npy', npy(4))
END
exits 1 data twice.npz; says 'two arrays named `x`'
# A name for each of many samples: hours, if every name were looked for among all.
python3 -c 'import pickle; pickle.dump({"img_%d.png" % i: i % 5 for i in range(400000)}, open("labels.pkl", "wb"))'
timeout 60 "$netc" data labels.pkl >out 2>err; [ $? -eq 1 ]; ok "400,000 names"
says 'no key is known to hold the images'

# --- a run without its checkpoint is not started over ---
exits 0 train small.net -o run
rm run/checkpoint.safetensors
cp -r run kept
exits 1 train small.net --resume run; says 'no checkpoint'; says '\-\-force'
diff -r run kept >/dev/null; ok "a refused --resume changed files"
exits 0 train small.net -o run --force

# --- a changed byte in a checkpoint is noticed, wherever it is ---
python3 - <<'END'
d = bytearray(open('run/checkpoint.safetensors', 'rb').read())
for name, at in (('a', len(d) - 9), ('b', len(d) // 2), ('c', d.index(b'"loss_sum":"0x') + 14)):
    e = bytearray(d); e[at] ^= 1
    open(name + '.changed', 'wb').write(e)
END
for name in a b c; do
  cp $name.changed run/checkpoint.safetensors
  exits 1 train small.net --resume run --epochs 3
  says 'run/checkpoint.safetensors'
done

# --- pictures: the names may be pipes and links, and titles anything ---
mkdir pipes && mkfifo pipes/curves.svg && ln -s "$tmp/precious" pipes/curves.png && echo mine > precious
exits 0 train small.net -o pipes
[ "$(cat precious)" = mine ]; ok "curves.png wrote through a link"
if command -v gnuplot >/dev/null; then
  [ -f pipes/curves.svg ] && [ ! -L pipes/curves.png ]; ok "curves.svg is a file now"
  ls -A pipes | grep -q '^\.'; [ $? -ne 0 ]; ok "temporary files are left behind"
  odd=$(printf 'a]]>b\001c\377<d.net')
  cp small.net "$odd"
  exits 0 train "$odd" -o odd
  exits 0 train "$odd" -o odd2 --json
  python3 - <<'END'
import json, xml.dom.minidom as m
for d in ('pipes', 'odd'):
    m.parse(d + '/curves.svg')
    json.loads(open('odd/run.json', 'rb').read().decode('utf-8'))
json.loads(open('out', 'rb').read().decode('utf-8'))
END
  ok "an SVG or a run.json that is none"
fi

# --- a full disk behind --help ---
if [ -w /dev/full ]; then
  for c in --help --version 'train --help' 'data --help'; do
    "$netc" $c >/dev/full 2>err
    [ $? -eq 1 ]; ok "netc $c into a full disk"
    says 'cannot write'
  done
fi

# --- an operator of many tensors ---
{
  echo 'op many(x[N,H,W,C]) -> y[N,H,W,C] {'
  i=1; last='x[n,h,w,c]'
  while [ $i -le 80 ]; do echo "  t$i[n,h,w,c] = 0.5*$last + 1;"; last="t$i[n,h,w,c]"; i=$((i + 1)); done
  echo "  y[n,h,w,c] = $last;"
  echo '}'
  echo 'input 1x2x2; classes 2; many; linear classes;'
} > many.net
timeout 60 "$netc" check many.net >out 2>err; n=$((n + 1))
[ "$(grep -c error: err)" -le 1 ]; ok "more than one error for an operator of 80 tensors"

# --- an image as output, under a loss of one's own: thousands of values a sample, of two classes ---
python3 - <<'END'
import struct, zipfile
def npy(kind, shape, values):
    h = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    h += ' ' * (117 - len(h)) + '\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(h)) + h.encode() + values
images = bytes((7 * i + r + c) % 251 for i in range(48) for r in range(32) for c in range(32))
with zipfile.ZipFile('wide.npz', 'w') as z:
    z.writestr('data.npy', npy('|u1', (48, 1, 32, 32), images))
    z.writestr('labels.npy', npy('|u1', (48,), bytes(i % 2 for i in range(48))))
END
cat > wide.net <<'END'
op level(x[N,H,W,C], int label[N]) -> l[N] loss { l[n] += (x[n,h,w,c] - label[n]) * 0.001; }
input 1x32x32; classes 2; conv classes k1 bias=0;
train { data "wide.npz"; split 32/16; loss level; batch 16; epochs 2; lr 1e-20; }
END
exits 0 train wide.net -o wide --threads 2
python3 - <<'END'
import json, struct
raw = open('wide/last.safetensors', 'rb').read()
head = struct.unpack('<Q', raw[:8])[0]
at = json.loads(raw[8:8 + head])['conv1.weight']['data_offsets'][0]
w = struct.unpack('<2f', raw[8 + head + at:8 + head + at + 8])
images = [[(7 * i + r + c) % 251 for r in range(32) for c in range(32)] for i in range(48)]
losses = [sum(0.001 * (k * v / 255 - i % 2) for k in w for v in x) for i, x in enumerate(images)]
got = [float(open('wide/metrics.csv').read().split('\n')[1].split(',')[i]) for i in (1, 3)]
assert abs((32 * got[0] + 16 * got[1]) - sum(losses)) < 1e-2, (got, sum(losses))
END
ok "the loss of an image of outputs is that of all its values"
exits 0 check wide.net

# --- gradients that cannot be compared are not called wrong ---

cat > nothing.net <<'END'
op windows(x[N,H,W,C]) -> y[N,H,W,C] { y[n,h,w,c] max= x[n,h+100,w,c+u] for u:3; }
input 2x4x4; classes 3; conv 3 k1; windows; linear classes;
END
exits 1 check nothing.net; prints 'not compared: .* infinite'
! grep -q WRONG out; ok "a maximum over nothing is not a wrong gradient"
cat > cancels.net <<'END'
input 9x1x1; classes 5; dense 33; bn; bn; bn; linear classes;
train { batch 4; loss mse; }
END
exits 0 check cancels.net --batch 4; prints 'agree'
cat > hidden.net <<'END'
op hides(x[N,..]) -> y[N,..] { y[n,..] = x[n,..] * stop(x[n,..]); }
input 9; classes 5; linear 8; hides; linear classes;
END
exits 1 check hidden.net; prints 'WRONG'

[ $failed -eq 0 ] && echo "$n checks: all passed"
exit $failed
