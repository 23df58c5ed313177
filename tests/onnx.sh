#!/bin/sh
# netc export: ONNX Runtime gives the logits of netc's own code, to 1e-5. PYTHON: one that has onnx
# and onnxruntime; without, this much is skipped (tests/test_onnx.c looks at the files in any case).
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
python=${PYTHON:-python3}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $*"; cat "$tmp/err" 2>/dev/null; exit 1; }

# What the networks below do not use, and operators of a file's own.
cat >"$tmp/own.net" <<END
# x * sigmoid(b*x)
op swish(x[N,H,W,C], b=1) -> y[N,H,W,C] {
  y[n,h,w,c] = x[n,h,w,c] * (0.5 * tanh(0.5 * b * x[n,h,w,c]) + 0.5);
  onnx t = "Mul"(x, b);
  onnx s = "Sigmoid"(t);
  onnx y = "Mul"(x, s);
}
op affine(x[N,H,W,C], offset=1) -> y[N,H,W,C] {
  param scale[c:C] ~ uniform(1);
  param shift[c:C] when offset ~ uniform(0.1);
  if offset { y[n,h,w,c] = x[n,h,w,c] * scale[c] + shift[c]; }
  else { y[n,h,w,c] = x[n,h,w,c] * scale[c]; }
  onnx s = "Unsqueeze"(scale, [1, 2]);
  onnx t = "Unsqueeze"(shift, [1, 2]);
  onnx m = "Mul"(x, s);
  onnx y = "Add"(m, t);
}
input 3x32x32; classes 5;
conv 16 k3 s2 p1 swish=1.5 affine;
dropout 0.3;
add { conv 16 k1 gelu; } { dw k3 p1 bias=0 bn; } {};
mul { softmax; } {};
avgpool 3x2 s2x1 p1x0;
linear 30 bias=0;
linear 20 elu=0.5 softmax;
linear classes leaky_relu=0.2;
train { data "$PWD/examples/emoji/emoji.pkl"; split 40/20; batch 10; epochs 1; lr 0.05; }
END

# exported NET: $tmp/net.onnx, net.safetensors and net.so of it.
exported() {
  "$netc" train "$1" --epochs 1 --split 60/20 --force -o "$tmp/run" >/dev/null 2>"$tmp/err" ||
    fail "$1 does not train"
  cp "$tmp/run/last.safetensors" "$tmp/net.safetensors"
  "$netc" export "$1" --weights "$tmp/net.safetensors" -o "$tmp/net.onnx" 2>"$tmp/err" ||
    fail "$1 is not exported"
}

# refused WORDS: what stands in $tmp/bad.net is no model, for that reason, and leaves no file.
refused() {
  cp "$tmp/own.net" "$tmp/bad.net"
  sed -i "$2" "$tmp/bad.net"
  "$netc" export "$tmp/bad.net" --weights "$tmp/net.safetensors" -o "$tmp/bad.onnx" 2>"$tmp/err"
  [ $? -eq 1 ] || fail "exported: $2"
  grep -q -e "$1" "$tmp/err" || fail "no \`$1\`"
  [ ! -e "$tmp/bad.onnx" ] || fail "a file was left"
}

exported "$tmp/own.net"
refused 'swish. has no form in ONNX' '3,8 { /onnx/d }'
refused 'makes the result' 's/onnx y = "Add"(m, t);//'
refused 'there is a .s. already' 's/onnx m = /onnx s = /'
refused 'nothing here is called .q' 's/"Add"(m, t)/"Add"(m, q)/'
refused 'unexpected' 's/onnx s = "Sigmoid"/onnx s = Sigmoid/'
refused 'a whole number stands here' 's/(scale, \[1, 2\])/(scale, [1, 2.5])/'
"$netc" export models/emoji.net --weights "$tmp/net.safetensors" -o "$tmp/bad.onnx" 2>"$tmp/err"
[ $? -eq 1 ] || fail "weights of another network were exported"
"$netc" export models/emoji.net 2>"$tmp/err"
[ $? -eq 2 ] || fail "--weights is needed"

"$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null ||
  { echo "skipped: $python has no onnxruntime"; exit 77; }

cat >"$tmp/compare.py" <<'END'
import ctypes, json, sys
import numpy, onnx, onnxruntime
folder, net = sys.argv[1:]
sizes = json.load(open(folder + "/sizes.json"))
onnx.checker.check_model(onnx.load(folder + "/net.onnx"), full_check=True)
session = onnxruntime.InferenceSession(folder + "/net.onnx", providers=["CPUExecutionProvider"])
(x,), (y,) = session.get_inputs(), session.get_outputs()
assert (x.name, y.name) == ("x", "logits") and x.shape[0] == "batch", (x, y)
def block(n):
    raw = numpy.zeros(n + 64, numpy.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + n]
code = ctypes.CDLL(folder + "/net.so")
pointer = lambda a: ctypes.c_void_p(a.ctypes.data)
params, work = block(sizes["params_bytes"]), block(sizes["infer_bytes"])
weights = open(folder + "/net.safetensors", "rb").read()
assert code.net_load(pointer(params), weights, ctypes.c_size_t(len(weights))) == 0
worst = 0
for n in range(3):
    image = numpy.random.default_rng(n).random((sizes["batch"], *x.shape[1:]), numpy.float32)
    want = numpy.zeros((sizes["batch"], sizes["classes"]), numpy.float32)
    code.net_infer(pointer(params), pointer(image), pointer(want), pointer(work))
    got = session.run(None, {"x": image})[0]
    assert got.shape == want.shape and numpy.isfinite(want).all() and want.std() > 0
    worst = max(worst, float(abs(got - want).max()))
print(f"ok   {net}: worst difference {worst:.1e}")
assert worst <= 1e-5, worst
END

n=0
for net in models/emoji.net models/emoji-pool.net models/resnet20.net tests/golden/mixed.net \
  "$tmp/own.net"; do
  exported "$net"
  "$netc" build "$net" --emit=shared --prefix=net --batch=7 --json -o "$tmp/net.so" \
    >"$tmp/sizes.json" 2>"$tmp/err" || fail "$net is not built"
  "$python" "$tmp/compare.py" "$tmp" "$(basename "$net")" 2>"$tmp/err" || fail "$net"
  n=$((n + 1))
done
echo "$n models passed"
