"""Models as exporters write them, by hand: netc import must compute what onnx's own evaluator does."""
import os, subprocess, sys, tempfile
import numpy as np, onnx
from onnx import helper as h, numpy_helper as nh
from onnx.reference import ReferenceEvaluator

NETC, RUN = os.environ.get("NETC", "./netc"), os.path.join(os.environ.get("BUILD", "build"), "run_network")
rng = np.random.default_rng(1)
F, I = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


class Model:
    def __init__(self, kind, dims):
        self.nodes, self.init, self.count = [], [], 0
        self.port = h.make_tensor_value_info("x", kind, dims)

    def w(self, *dims, by=0.4):
        return self.k((rng.standard_normal(dims) * by).astype(np.float32))

    def k(self, v):
        self.count += 1
        self.init.append(nh.from_array(np.asarray(v), f"k{self.count}"))
        return self.init[-1].name

    def __call__(self, kind, *ins, outs=1, **attrs):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outs)]
        self.nodes.append(h.make_node(kind, list(ins), names, **attrs))
        return names if outs > 1 else names[0]

    def done(self, y, rank):
        out = h.make_tensor_value_info(y, F, [None] * rank)
        g = h.make_graph(self.nodes, "g", [self.port], [out], self.init)
        return h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8)


def transformer():
    """Tokens, positions, causal attention of heads, a network at each position (GPT)."""
    m, C, H, L, V = Model(I, ["b", 6]), 8, 2, 6, 11
    x = m("Add", m("Gather", m.w(V, C), "x"), m.w(1, L, C))
    n = m("LayerNormalization", x, m.w(C), m.w(C), axis=-1)
    qkv = m("Add", m("MatMul", n, m.w(C, 3 * C)), m.w(3 * C))
    q, k, v = m("Split", qkv, outs=3, axis=2)
    shape = m.k(np.array([0, L, H, C // H]))
    q, k, v = (m("Transpose", m("Reshape", t, shape), perm=p)
               for t, p in ((q, [0, 2, 1, 3]), (k, [0, 2, 3, 1]), (v, [0, 2, 1, 3])))
    s = m("Mul", m("MatMul", q, k), m.k(np.float32(0.5)))
    low = m("Trilu", m.k(np.ones((1, 1, L, L), np.int64)), upper=0)
    s = m("Where", m("Cast", low, to=9), s, m.k(np.float32(-np.inf)))
    a = m("Transpose", m("MatMul", m("Softmax", s, axis=-1), v), perm=[0, 2, 1, 3])
    a = m("MatMul", m("Reshape", a, m.k(np.array([0, L, C]))), m.w(C, C))
    x = m("Add", x, a)
    f = m("Add", m("MatMul", x, m.w(C, 4 * C)), m.w(4 * C))
    f = m("Mul", m("Mul", f, m("Add", m("Erf", m("Div", f, m.k(np.float32(2**0.5)))),
                               m.k(np.float32(1)))), m.k(np.float32(0.5)))
    x = m("Add", x, m("MatMul", f, m.w(4 * C, C)))
    return m.done(m("MatMul", x, m.w(C, V)), 3), rng.integers(0, V, (2, L))


def channels_last():
    """Keras: images of height x width x channels, with transpositions around every convolution."""
    m = Model(F, ["b", 9, 8, 3])
    x = m("Conv", m("Transpose", "x", perm=[0, 3, 1, 2]), m.w(4, 3, 3, 3), m.w(4), pads=[1, 1, 1, 1])
    x = m("Relu", m("Transpose", x, perm=[0, 2, 3, 1]))
    x = m("Add", m("Mul", x, m.w(4)), m.w(4))
    x = m("MaxPool", m("Transpose", x, perm=[0, 3, 1, 2]), kernel_shape=[2, 2], strides=[2, 2])
    x = m("ReduceMean", m("Transpose", x, perm=[0, 2, 3, 1]), axes=[1, 2], keepdims=0)
    return m.done(m("Add", m("MatMul", x, m.w(4, 5)), m.w(5)), 2), floats(2, 9, 8, 3)


def recurrent(kind, gates):
    """Both directions, steps first; then the last step."""
    m, C, o = Model(F, ["b", 5, 3]), 3, 4
    more = {"linear_before_reset": 1} if kind == "GRU" else {}
    y, _ = m(kind, m("Transpose", "x", perm=[1, 0, 2]), m.w(2, gates * o, C), m.w(2, gates * o, o),
             m.w(2, 2 * gates * o), outs=2, hidden_size=o, direction="bidirectional", **more)
    y = m("Reshape", m("Transpose", y, perm=[2, 0, 1, 3]), m.k(np.array([0, 5, 2 * o])))
    y = m("Gather", y, m.k(np.array(-1)), axis=1)
    return m.done(m("Gemm", y, m.w(3, 2 * o), m.w(3), transB=1), 2), floats(2, 5, 3)


def pictures():
    """Mirrored edges, norms of groups, and twice as large."""
    m = Model(F, ["b", 4, 5, 6])
    x = m("Pad", "x", m.k(np.array([0, 0, 1, 2, 0, 0, 2, 1])), mode="reflect")
    x = m("InstanceNormalization", x, m.w(4), m.w(4))
    x = m("Resize", x, "", m.k(np.array([1, 1, 2, 3], np.float32)), mode="linear")
    x = m("Sigmoid", m("Sub", m.k(np.float32(1)), x))
    return m.done(m("Conv", x, m.w(2, 4, 1, 1)), 4), floats(2, 4, 5, 6)


def focus():
    """Every second pixel, and an image times one value a pixel."""
    m = Model(F, ["b", 3, 8, 8])
    last = 2**63 - 1
    parts = []
    for i, j in (0, 0), (1, 0), (0, 1), (1, 1):
        rows = m("Slice", "x", m.k([i]), m.k([last]), m.k([2]), m.k([2]))
        parts.append(m("Slice", rows, m.k([j]), m.k([last]), m.k([-1]), m.k([2])))
    x = m("Conv", m("Concat", *parts, axis=1), m.w(6, 12, 1, 1))
    x = m("Mul", x, m("Sigmoid", m("Conv", x, m.w(1, 6, 1, 1))))
    return m.done(m("Slice", x, m.k([1]), m.k([6]), m.k([1]), m.k([3])), 4), floats(2, 3, 8, 8)


def root_mean_square():
    """By a reciprocal, as Llama's models have it."""
    m = Model(F, ["b", 5, 8])
    x = m("Cast", m("MatMul", "x", m.w(8, 16)), to=1)
    r = m("Sqrt", m("Add", m("ReduceMean", m("Pow", x, m.k(np.float32(2))), axes=[-1]), m.k(np.float32(1e-5))))
    x = m("Mul", m.w(16), m("Mul", x, m("Div", m.k(np.float32(1)), r)))
    return m.done(m("MatMul", x, m.w(16, 4)), 3), floats(2, 5, 8)


def llama():
    """A batch of two: positions by tables of cosines, keys and values of fewer heads, a guarded softmax."""
    m, C, H, G, L, V = Model(I, [2, 6]), 16, 4, 2, 6, 11
    d, last = C // H, 2**63 - 1
    angle = np.outer(np.arange(L), 1 / 100 ** (np.arange(0, d, 2) / d)).astype(np.float32)
    cos, sin = (m.k(np.tile(f(angle), 2)[None, None]) for f in (np.cos, np.sin))

    def heads(x, n):
        x = m("Reshape", m("MatMul", x, m.w(C, n * d)), m.k(np.array([2, L, -1, d])))
        return m("Transpose", x, perm=[0, 2, 1, 3])

    def turned(x):
        a = m("Slice", x, m.k([0]), m.k([d // 2]), m.k([3]), m.k([1]))
        b = m("Neg", m("Slice", x, m.k([d // 2]), m.k([last]), m.k([3]), m.k([1])))
        return m("Add", m("Mul", x, cos), m("Mul", m("Concat", b, a, axis=-1), sin))

    def all_heads(x):
        x = m("Expand", m("Unsqueeze", x, m.k([2])), m.k(np.array([2, G, H // G, L, d])))
        return m("Reshape", x, m.k(np.array([2, H, L, d])))

    x = m("Add", m("Gather", m.w(V, C), "x"), m.k(np.repeat(floats(1, L, C), 2, 0)))
    q, k, v = turned(heads(x, H)), all_heads(turned(heads(x, G))), all_heads(heads(x, G))
    k = m("Transpose", m("Reshape", k, m.k(np.array([-1, L, d]))), perm=[0, 2, 1])
    s = m("MatMul", q, m("Reshape", k, m.k(np.array([2, H, d, L]))))
    mask = np.triu(np.full((2, 1, L, L), -np.inf, np.float32), 1)
    a = m("Softmax", m("Add", s, m.k(mask)), axis=-1)
    a = m("Where", m("IsNaN", a), m.k(np.float32(0)), a)
    a = m("Transpose", m("MatMul", a, v), perm=[0, 2, 1, 3])
    a = m("Gemm", m("Reshape", a, m.k(np.array([2 * L, C]))), m.w(C, C), m.w(C), transB=0)
    x = m("Add", x, m("Reshape", a, m.k(np.array([2, L, C]))))
    return m.done(m("MatMul", x, m.w(C, V)), 3), rng.integers(0, V, (2, L))


def weighted():
    """A softmax over positions weighs them; then what is one for a sample goes to every class."""
    m, C = Model(F, ["b", 5, 8]), 8
    a = m("Softmax", m("MatMul", "x", m.w(C, 1)), axis=1)
    x = m("ReduceSum", m("Mul", a, "x"), m.k([1]), keepdims=0)
    a, v = m("Gemm", x, m.w(6, C), transB=1), m("Gemm", x, m.w(1, C), transB=1)
    x = m("Sub", m("Add", m("Div", a, m.k(np.float32(255))), v), m("ReduceMean", a, axes=[1]))
    return m.done(x, 2), floats(2, 5, 8)


def summed():
    """A token of constants that is expanded for a batch of two, and attention by sums over letters."""
    m, C, H = Model(F, [2, 5, 8]), 8, 2
    x = m("Concat", m.k(np.repeat(floats(1, 1, C), 2, 0)), "x", axis=1)
    shape = m.k(np.array([2, 6, H, C // H]))
    q, k, v = (m("Reshape", m("MatMul", x, m.w(C, C)), shape) for _ in range(3))
    a = m("Softmax", m("Einsum", q, k, equation="bihd,bjhd->bhij"), axis=-1)
    x = m("Reshape", m("Einsum", a, v, equation="bhij, bjhd->bihd"), m.k(np.array([2, 6, C])))
    return m.done(m("MatMul", x, m.w(C, 3)), 3), floats(2, 5, 8)


def sharper():
    """Channels become pixels as PyTorch orders them."""
    m = Model(F, ["b", 3, 4, 5])
    x = m("DepthToSpace", m("Conv", "x", m.w(8, 3, 1, 1)), blocksize=2, mode="CRD")
    return m.done(x, 4), floats(2, 3, 4, 5)


def floats(*dims):
    return rng.standard_normal(dims).astype(np.float32)


def check(name, model, x, folder):
    onnx.checker.check_model(model)
    path, net = f"{folder}/{name}.onnx", f"{folder}/{name}.net"
    onnx.save(model, path)
    (want,) = ReferenceEvaluator(model).run(None, {"x": x})
    subprocess.run([NETC, "import", path, "-o", net], check=True, capture_output=True)
    data = (x.astype(np.int32) if x.dtype == np.int64 else x).tobytes()
    r = subprocess.run([RUN, net, net[:-4] + ".safetensors"], input=data, check=True, capture_output=True)
    y = np.frombuffer(r.stdout, np.float32)
    assert y.size == want.size, (name, y.size, want.shape)
    error = abs(y - want.reshape(-1)).max() / abs(want).max()
    assert error < 1e-4, (name, error)
    print(f"ok   {name}: {error:.1e}")


def outside(folder):
    """Weights in a file that is not the model's."""
    refused = "lies in a file that is not beside the model"
    for place, why in {"../secret": refused, "/etc/passwd": refused, "a/../../secret": refused,
                       "%s%s%n": "%s%s%n: no such file"}.items():
        m = Model(F, ["b", 4])
        model = m.done(m("MatMul", "x", m.w(4, 4)), 2)
        t = model.graph.initializer[0]
        t.ClearField("raw_data")
        t.data_location = onnx.TensorProto.EXTERNAL
        t.external_data.add(key="location", value=place)
        open(f"{folder}/o.onnx", "wb").write(model.SerializeToString())
        r = subprocess.run([NETC, "import", f"{folder}/o.onnx", "-o", f"{folder}/o.net"],
                           capture_output=True, text=True)
        assert r.returncode == 1 and why in r.stderr, (place, r.returncode, r.stderr)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, (model, x) in {"transformer": transformer(), "channels_last": channels_last(),
                                 "lstm": recurrent("LSTM", 4), "gru": recurrent("GRU", 3),
                                 "rnn": recurrent("RNN", 1), "pictures": pictures(),
                                 "focus": focus(), "root_mean_square": root_mean_square(),
                                 "llama": llama(), "weighted": weighted(),
                                 "summed": summed(), "sharper": sharper()}.items():
            check(name, model, x, folder)
        outside(folder)
