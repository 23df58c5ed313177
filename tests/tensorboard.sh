#!/bin/sh
# --tensorboard: the event files as those read them who brought the format: tbparse where it is
# installed; else the records are taken apart here, with their checksums.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
command -v python3 >/dev/null || exit 77
root=$(pwd)
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
run() { "$netc" train "$root/models/emoji.net" --split 60/30 "$@" >out 2>&1 || { cat out; exit 1; }; }
run --epochs 3 -o runs/a --tensorboard tb
run --epochs 2 -o runs/b --tensorboard tb
run --epochs 5 -o runs/b --tensorboard tb --force
cat > read.py <<'END'
import csv, glob, os, struct, sys
def crc(b):
    c = 0xffffffff
    for x in b:
        c ^= x
        for _ in range(8): c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
    c ^= 0xffffffff
    return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff
def varint(b, i):
    v = s = 0
    while True:
        v |= (b[i] & 127) << s; s += 7; i += 1
        if not b[i - 1] & 128: return v, i
def fields(b):
    i = 0
    while i < len(b):
        key, i = varint(b, i)
        t = key & 7
        if t == 0: v, i = varint(b, i)
        elif t == 1: v, i = b[i:i + 8], i + 8
        elif t == 5: v, i = b[i:i + 4], i + 4
        else: n, i = varint(b, i); v, i = b[i:i + n], i + n
        yield key >> 3, v
def by_hand(d):
    out = {}
    for path in sorted(glob.glob(d + '/*tfevents*')):
        b, i = open(path, 'rb').read(), 0
        while i < len(b):
            n, c = struct.unpack('<QI', b[i:i + 12])
            assert c == crc(b[i:i + 8])
            event = b[i + 12:i + 12 + n]
            assert struct.unpack('<I', b[i + 12 + n:i + 16 + n])[0] == crc(event)
            i += 16 + n
            e = dict(fields(event))
            for _, value in fields(e.get(5, b'')):
                v = dict(fields(value))
                out[v[1].decode(), e[2]] = struct.unpack('<f', v[2])[0]
    return out
def by_tbparse(d):
    from tbparse import SummaryReader
    return {(r.tag, r.step): r.value for r in SummaryReader(d).scalars.itertuples()}
names = {'loss/train': 'train_loss', 'loss/validation': 'val_loss',
         'accuracy/train': 'train_acc', 'accuracy/validation': 'val_acc', 'seconds': 'seconds'}
for run in sys.argv[1:]:
    rows = list(csv.DictReader(open(f'runs/{run}/metrics.csv')))
    readers = [by_hand]
    try:
        import tbparse
        readers.append(by_tbparse)
    except ImportError: pass
    for read in readers:
        got = read(f'tb/{run}')
        assert len(got) == 5 * len(rows), (run, len(got), len(rows))
        for r in rows:
            for tag, column in names.items():
                a, b = got[tag, int(r['epoch'])], float(r[column])
                assert abs(a - b) <= (1e-4 if tag == 'seconds' else 1e-6 * max(1, abs(b))), (run, tag, r['epoch'], a, b)
print(', '.join(r.__name__ for r in readers), 'passed')
END
python3 read.py a b || exit 1
"$netc" train "$root/models/emoji.net" --epochs 1 --split 60/30 -o c --tensorboard out >said 2>&1
grep -q 'no more curves for TensorBoard' said || { echo "FAILED: a folder that cannot be written"; exit 1; }
[ -s c/best.safetensors ] || { echo "FAILED: the run goes on without"; exit 1; }
