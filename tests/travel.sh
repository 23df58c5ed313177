#!/bin/sh
# What travels: names of classes, scale, layout, normalization and vocabulary, from the data set to the
# weights, an ONNX model (read by the onnx package where PYTHON has it) and an object's header, which a
# C program is compiled with, whatever the names are.
cd "$(dirname "$0")/.." || exit 1
. tests/checks
python=${PYTHON:-python3}

python3 - <<'END'
import csv, json
names = ['say "hi"', 'a */ b /* c', 'back\\slash ??/', 'two\nlines\tand\rmore', 'Größe ½ 猫 \u202e', '%s %n', ' "";', '\x01']
with open('t.csv', 'w', newline='', encoding='utf-8') as f:
    w = csv.writer(f)
    w.writerow(['a', 'b', 'kind'])
    for i in range(120):
        k = i % len(names)
        w.writerow([100 + 10 * k + i % 3, 5 - k, names[k]])
plain = [''.join('?' if c < ' ' else c for c in s) for s in names] # as all names of files
json.dump(sorted(plain), open('names.json', 'w'))
END
cat > t.net <<'END'
input 2; classes 8;
linear 16 relu; linear classes;
train { data "t.csv"; split 0.8; normalize; epochs 2; batch 16; lr 0.1; }
END
exits 0 train t.net -o t
exits 0 build t.net --weights t/last.safetensors -o t.o
exits 0 export t.net --weights t/last.safetensors -o t.onnx
cat > print.c <<'END'
#include "t.h"
#include <stdio.h>
static const char *const names[] = T_CLASS_NAMES, *const by[] = T_NORMALIZED_BY;
int main(void) {
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    for (const char *s = names[i]; *s; s++) printf("%02x", (unsigned char)*s);
    puts("");
  }
  printf("%g %s %s %zu\n", T_SCALE, T_LAYOUT, by[0], sizeof T_COLUMNS);
  return 0;
}
END
for cc in "${CC:-cc}" clang-19 c++; do
  command -v "$cc" >/dev/null || { echo "skipped: no $cc"; continue; }
  case $cc in c++) strict="-x c++" ;; *) strict="-std=c11" ;; esac
  "$cc" $strict -Wall -Wextra -Werror print.c -x none t.o -lm -o print 2>err; ok "$cc: $(head -5 err)"
  ./print > printed
  python3 - <<'END'
import json
lines = open('printed').read().split('\n')
names = [bytes.fromhex(l).decode() for l in lines[:8]]
assert names == json.load(open('names.json')), names
assert lines[8].startswith('1 NC normalize1 '), lines[8]
END
  ok "$cc: the names of the header are those of the table"
done
if "$python" -c 'import onnx' 2>/dev/null; then
  "$python" - <<'END'
import json, onnx
m = onnx.load('t.onnx')
onnx.checker.check_model(m, full_check=True)
meta = {p.key: p.value for p in m.metadata_props}
assert json.loads(meta['classes']) == json.load(open('names.json')), meta
assert (meta['scale'], meta['layout'], json.loads(meta['normalize'])) == ('1', 'NC', ['normalize1']), meta
assert 'normalize1.mean' in [i.name for i in m.graph.initializer]
END
  ok "what travels in the ONNX model"
else
  echo "skipped: no onnx"
fi

# --- weights of an image network: bytes are divided by 255 ---
cat > i.net <<END
input 3x32x32; classes 5;
maxpool 8; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 95/40; lr 0.05; batch 10; epochs 1; }
END
exits 0 train i.net -o i
exits 0 build i.net --weights i/last.safetensors --emit header -o i.h
grep -q '^#define I_SCALE 0.003921568' i.h; ok "scale of images"
grep -q '^#define I_LAYOUT "NCHW"' i.h; ok "layout of images"
grep -q '{"air", ' i.h; ok "names of classes"
exits 0 build i.net --emit header -o j.h
! grep -q 'SCALE' j.h; ok "an object without weights knows no data"

# --- text ---
python3 -c "print('to be or not to be, \"that\" is\tthe question: \\\\ é\n' * 30)" > s.txt
cat > s.net <<'END'
input 16 of 21; target 16 of 21;
embed 8; dense classes;
train { data "s.txt"; epochs 1; lr 0.1; }
END
exits 0 train s.net -o s
exits 0 build s.net --weights s/last.safetensors --emit header -o s.h
printf '#include "s.h"\n#include <stdio.h>\nint main(void) {\n  static const char *const v[] = S_VOCABULARY;\n%s\n  return 0;\n}\n' \
  '  for (unsigned i = 0; i < sizeof v / sizeof *v; i++) fputs(v[i], stdout);' > v.c
"${CC:-cc}" -Wall -Werror v.c -o v 2>err; ok "vocabulary: $(head -5 err)"
./v > printed
python3 -c "assert sorted(set(open('s.txt').read())) == sorted(open('printed').read())"; ok "the vocabulary is the text's"

echo "$n checks of what travels"
exit $failed
