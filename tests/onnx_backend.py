"""netc as a backend of the `onnx` package's own tests: models are imported, compiled, and run. Runs
the models; with --cases those that tests/onnx_cases.txt declares, all of which must pass; with
--survey [WORD..] every case (with one of the words in its name), and tells which pass."""
import os, subprocess, sys, tempfile
import numpy, onnx
import onnx.backend.base, onnx.numpy_helper

NETC = os.environ.get("NETC", "./netc")
RUN = os.path.join(os.environ.get("BUILD", "build"), "run_network")
HERE = os.path.dirname(os.path.abspath(__file__))


class Unsupported(RuntimeError):
    pass


def run(*words):
    r = subprocess.run(words, capture_output=True, text=True, timeout=600)
    if r.returncode:
        if r.returncode < 0:
            raise AssertionError(f"{words}: signal {-r.returncode}")
        raise Unsupported(r.stderr.strip())
    return r.stdout


def bind(model, inputs, weights):
    """Whole-number inputs that say shapes, axes and the like are constants to netc: their values
    become initializers; with `weights`, so do all floats but the first input's, as a layer's weights
    are constants too. Returns the inputs that are left."""
    given = {i.name for i in model.graph.initializer}
    left = []
    for port, value in zip([v for v in model.graph.input if v.name not in given], inputs):
        value = numpy.asarray(value)
        if value.dtype not in (numpy.float32, numpy.float64) or not value.size or not value.ndim or (weights and left):
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, port.name))
        else:
            left.append(value)
    return left


class Prepared(onnx.backend.base.BackendRep):
    def __init__(self, model):
        self.model = model

    def run(self, inputs, **_):
        try:
            return self.bound(inputs, False)
        except Unsupported:
            return self.bound(inputs, True)

    def bound(self, inputs, weights):
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        left = bind(model, inputs, weights)
        with tempfile.TemporaryDirectory() as folder:
            return self.outputs(model, left, folder)

    def outputs(self, model, inputs, folder):
        path = folder + "/m.onnx"
        onnx.save(model, path)
        results = []
        for i, port in enumerate(model.graph.output):
            dims = [d.dim_value for d in port.type.tensor_type.shape.dim]
            y = self.one(path, port.name, inputs, folder + f"/m{i}")
            results.append(y.reshape(dims) if numpy.prod(dims) == y.size else y)
        return results

    def one(self, path, name, inputs, to):
        run(NETC, "import", path, "--result", name, "-o", to + ".net")
        weights = to + ".safetensors" if os.path.exists(to + ".safetensors") else "-"
        data = b"".join(numpy.ascontiguousarray(x, numpy.float32).tobytes() for x in inputs)
        r = subprocess.run([RUN, to + ".net", weights], input=data, capture_output=True, timeout=600)
        if r.returncode:
            raise AssertionError(f"{open(to + '.net').read()}: {r.returncode} {r.stderr.decode()}")
        return numpy.frombuffer(r.stdout, numpy.float32)


class Netc(onnx.backend.base.Backend):
    @classmethod
    def prepare(cls, model, device="CPU", **_):
        return Prepared(model)

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"


# --- the package's cases ---

def light_models():
    folder = os.path.dirname(onnx.__file__) + "/backend/test/data/light/"
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".onnx"):
            continue
        model = onnx.load(folder + name)
        given = {i.name for i in model.graph.initializer}
        (port,) = [v for v in model.graph.input if v.name not in given]
        dims = [d.dim_value for d in port.type.tensor_type.shape.dim]
        x = (numpy.arange(numpy.prod(dims)).reshape(dims) / numpy.prod(dims)).astype(numpy.float32)
        with open(folder + name[:-5] + "_output_0.pb", "rb") as f:
            want = onnx.numpy_helper.to_array(onnx.load_tensor_from_string(f.read()))
        yield name[6:-5], model, x, want


def models():
    worst = 0
    for name, model, x, want in light_models():
        (y,) = Netc.prepare(model).run([x])
        error = float(abs(y.reshape(want.shape) - want).max() / abs(want).max())
        print(f"ok   {name}: worst difference {error:.1e} of the largest value", flush=True)
        worst = max(worst, error)
        assert error <= 1e-4, name


def read_pb(path):
    with open(path, "rb") as f:
        return onnx.load_tensor_from_string(f.read())


def stored_cases():
    """Cases that the package keeps as files, made by PyTorch's exporter and by hand."""
    data = os.path.dirname(onnx.__file__) + "/backend/test/data/"
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for name in sorted(os.listdir(data + kind)):
            folder = f"{data}{kind}/{name}/"
            if not os.path.exists(folder + "test_data_set_0/output_0.pb"):
                continue
            model = onnx.load(folder + "model.onnx")
            sets = os.listdir(folder + "test_data_set_0")
            tensors = lambda what: [
                onnx.numpy_helper.to_array(read_pb(folder + f"test_data_set_0/{what}_{i}.pb"))
                for i in range(sum(s.startswith(what) for s in sets))]
            try:
                yield name, model, [(tensors("input"), tensors("output"))], 1e-3, 1e-5
            except Exception:
                continue


def node_cases():
    from onnx.backend.test.loader import load_node_model_tests

    for c in load_node_model_tests():
        yield c.name, c.model, c.data_sets, c.rtol, max(c.atol, 1e-6)


def to_array(v):
    if isinstance(v, onnx.TensorProto):
        return onnx.numpy_helper.to_array(v)
    if isinstance(v, list) or v is None:
        raise Unsupported("a sequence")
    return numpy.asarray(v)


def case(model, sets, rtol, atol):
    for inputs, want in sets:
        want = [to_array(w) for w in want]
        if any(w.dtype not in (numpy.float32, numpy.float64) for w in want):
            raise Unsupported("a result that is not of floats")
        got = Netc.prepare(model).run([to_array(i) for i in inputs])
        for g, w in zip(got, want):
            assert g.size == w.size, f"{g.shape} for {w.shape}"
            numpy.testing.assert_allclose(g.reshape(w.shape), w, rtol=rtol, atol=atol)


def attempt(name, model, sets, rtol, atol):
    """None, or why it does not pass."""
    try:
        return case(model, sets, rtol, atol)
    except Unsupported as e:
        return "unsupported: " + str(e).replace("\n", " | ")[-160:]
    except Exception as e:
        return f"{type(e).__name__}: {e}".replace("\n", " ")[:300]


def every_case():
    yield from stored_cases()
    yield from node_cases()


def survey(words):
    for c in every_case():
        if not words or any(w in c[0] for w in words):
            print(c[0], attempt(*c) or "passes", flush=True)


def declared():
    names = set(open(HERE + "/onnx_cases.txt").read().split())
    failed = {}
    for c in every_case():
        if c[0] in names:
            names.discard(c[0])
            if why := attempt(*c):
                failed[c[0]] = why
                print("FAILED", c[0], why, flush=True)
    assert not names, f"there are no such cases: {names}"
    assert not failed, f"{len(failed)} of the declared cases fail"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--survey"]:
        survey(sys.argv[2:])
    elif sys.argv[1:2] == ["--cases"]:
        declared()
    else:
        models()
