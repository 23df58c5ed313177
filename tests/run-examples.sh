#!/bin/sh
# The examples, by the commands of their READMEs, in a copy.
set -eu
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
root=$(pwd)
work=$(mktemp -d)
server=
trap 'rm -rf "$work"; [ -z "$server" ] || kill "$server" 2>/dev/null || :' EXIT
fail() { echo "FAILED: $*"; exit 1; }
mkdir "$work/bin" "$work/examples"
ln -s "$netc" "$work/bin/netc"
PATH=$work/bin:$PATH NETC=netc
export PATH NETC
cp -r examples/object examples/microcontroller examples/text examples/web "$work/examples"
rm -rf "$work"/examples/*/runs # of who tried them here
ln -s "$root/examples/emoji" "$work/examples/emoji"
ln -s "$root/models" "$work/models"
ln -s "$root/docs" "$work/docs"

cd "$work/examples/object"
[ "$(wc -l <classify.c)" -lt 60 ] || fail "classify.c has 60 lines or more"
python3 flatten.py ../emoji/emoji.pkl emoji.bin
python3 - <<'PY'
import struct, zlib
with open('emoji.bin', 'rb') as f:
    n, c, h, w = struct.unpack('<4i', f.read(16))
    planes = f.read(n * c * h * w)
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
one = planes[900 * c * h * w:901 * c * h * w]
rows = b''.join(b'\0' + bytes(one[k * h * w + y * w + x] for x in range(w) for k in range(c)) for y in range(h))
with open('cat.png', 'wb') as f:
    f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>2I5B', w, h, 8, 2, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
PY
# The README's commands, as they stand there.
awk '/^```/ { code = !code; next } code' README.md >readme.sh
sh -e readme.sh >readme.log 2>&1 || { tail -n 30 readme.log; fail "the commands of examples/object/README.md"; }
grep -q '^cat.png: .* ([0-9]*%)$' readme.log || fail "classify"
mv cat.png image.png
grep -q '^image 900: class' readme.log || fail "infer.py"
rm -f classify train ./*.o ./*.h libemoji.so
make >make.log 2>&1 || { tail -n 30 make.log; fail "examples/object: make"; }
./classify image.png | grep -q 'image.png: .* ([0-9]*%)' || fail "classify"
! ./classify classify.c 2>/dev/null || fail "classify takes what is no PNG file"
grep '^epoch' readme.log >both.log
tail -n 3 both.log >train.log
awk '/^epoch/ { loss[NR] = $4 } END { exit !(NR == 3 && loss[3] < loss[1]) }' train.log ||
  { cat train.log; fail "train"; }
python3 infer.py ./libemoji.so emoji.bin 0 900 >infer.log
number=$(sed -n 's/image 900: class \([0-9]\).*/\1/p' infer.log)
set -- "air transport" "birds" "water transport" "people" "felines"
shift "$number"
./classify image.png | grep -q "image.png: $1 " || fail "infer.py and classify differ"

cd "$work/examples/microcontroller"
make shapes-host >make.log 2>&1 || { cat make.log; fail "examples/microcontroller: make"; }
./shapes-host >host.out
grep -q 'right: 9[0-9]$' host.out || { cat host.out; fail "shapes does not learn"; }
sh sizes.sh >sizes.out
awk -F'|' '/cortex/ && ($3 >= 16384 || $9 >= 262144) { bad = 1 } END { exit bad }' sizes.out ||
  { cat sizes.out; fail "shapes is too large"; }
if command -v clang-19 >/dev/null && command -v ld.lld-19 >/dev/null && command -v qemu-system-arm >/dev/null; then
  for board in m4 m7; do
    make shapes-$board.elf >make.log 2>&1 || { cat make.log; fail "firmware for $board"; }
    make -s run-$board >$board.out
    cmp host.out $board.out || fail "Cortex-$board: other bits than this computer"
    echo "same bits: Cortex-$board"
  done
  make motion-host motion-m4.elf >make.log 2>&1 || { cat make.log; fail "firmware: motion"; }
  ./motion-host >host.out
  grep -q 'right: 9[0-9]$' host.out || { cat host.out; fail "motion does not learn"; }
  make -s run-motion >motion.out
  cmp host.out motion.out || fail "motion: other bits than this computer"
  echo "same bits: a recurrent network on Cortex-M4, in 64 KB"
else
  echo "skipped: no clang-19, lld-19 or qemu-system-arm"
fi

cd "$work/examples/text"
"$netc" train ../../models/gpt.net -o runs/gpt --epochs 1 >make.log 2>&1 || { cat make.log; fail "gpt"; }
make >make.log 2>&1 || { cat make.log; fail "examples/text: make"; }
./write 100 "The network" <write.c >out 2>log || fail "write"
grep -q '^The network' out || { cat out; fail "write writes nothing"; }
awk '/loss/ { loss[++n] = $4 } END { exit !(n > 2 && loss[n] < loss[1] * 0.8) }' log || { cat log; fail "write does not learn"; }
cd "$work/examples/web"
if command -v wasm-ld-19 >/dev/null && command -v chromium >/dev/null; then
  make ROOT="$root" >make.log 2>&1 || { tail -n 30 make.log; fail "examples/web: make"; }
  python3 -u -m http.server --bind 127.0.0.1 0 >server.log 2>&1 &
  server=$!
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' server.log)
    [ -z "$port" ] || break
    sleep 0.3
  done
  timeout 60 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/chromium" \
    --virtual-time-budget=100000 --dump-dom "http://127.0.0.1:$port/index.html?selftest" >page.html 2>page.log || :
  "$netc" build --target=x86_64-linux-gnu --cpu=haswell --train --batch=32 --prefix=planned -o planned.o "$root/models/resnet20.net" || fail "planned"
  [ -e front.wasm ] && front=yes || { front=; echo "skipped: the front end (no wasi-libc)"; }
  FRONT=$front python3 - <<'PY' || { tail -n 5 page.log; fail "the page"; }
import html, json, os, re
if os.environ['FRONT']:
    f = json.loads(html.unescape(re.search(r'data-front="([^"]*)"', open('page.html').read()).group(1)))
    assert f['params'] == 272474 and f['macs'] == 40813184 and 'did you mean `relu`' in f['message'], f
    assert f['read'] == 8, f
    size = dict(re.findall(r'_(\w+_BYTES) = (\d+)', open('planned.h').read()))
    results = 32 * (10 + 1) * 4 # logits and losses, which an object keeps in its work
    rest = int(size['STATE_BYTES']) + int(size['TRAIN_BYTES']) - results
    assert f['training'] == {'batch': 32, 'params': int(size['PARAMS_BYTES']), 'rest': rest}, (f, size)
found = re.search(r'data-selftest="([^"]*)"', open('page.html').read())
r = json.loads(html.unescape(found.group(1)))
print('web page:', r)
assert r['samples'] == 15 and r['right'] >= 12 and r['last'] < r['first'] * 0.8 and r['accuracy'] > 0.5
assert len(r['learns']) == 6 and all(r['learns'].values())
PY
else
  echo "skipped: no wasm-ld-19 or chromium"
fi
echo passed
