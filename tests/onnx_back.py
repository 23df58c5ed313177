#!/usr/bin/env python3
"""netc's own exports: each network named comes back from its ONNX model with the same numbers, by
ONNX Runtime's reading of both. NETC: the program. Arguments: networks without data sets."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort

NETC = os.environ.get("NETC", "./netc")


def netc(*args):
    r = subprocess.run([NETC, *map(str, args)], capture_output=True, text=True, timeout=300)
    if r.returncode:
        sys.exit(f"netc {' '.join(map(str, args))}: {r.stderr}")


def data_for(text, path):
    """Sixteen samples of what the network's input and target lines say."""
    rng, fields = np.random.default_rng(0), {}
    for kind, name, shape, below in re.findall(
            r"\b(input|target)\s+((?:\w+\s+)?)([\dx]+)(?:\s+of\s+(\d+))?", text):
        size = [16, *map(int, shape.split("x"))]
        name = name.strip() or {"input": "x", "target": "y"}[kind]
        numbers = rng.normal(size=size).astype("f")
        fields[name] = rng.integers(0, int(below), size) if below else numbers
    classes = re.search(r"classes\s+(\d+)", text)
    if classes and "y" not in fields:
        fields["label"] = rng.integers(0, int(classes[1]), 16)
    np.savez(path, **fields)


def session(path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options)


def inputs_of(model, text):
    rng, feed = np.random.default_rng(1), []
    for i in model.get_inputs():
        size = [v if isinstance(v, int) else 4 for v in i.shape]
        below = re.search(r"of\s+(\d+)", text)
        numbers = rng.normal(size=size).astype("f")
        feed.append(rng.integers(0, int(below[1]), size) if "int" in i.type else numbers)
    return feed


def run(model, feed):
    """An input that only passed through a view has the view's dimensions when it is back."""
    given = {}
    for i, v in zip(model.get_inputs(), feed):
        size = [d if isinstance(d, int) else len(v) for d in i.shape]
        whole = "i4" if "32" in i.type else "i8"
        given[i.name] = v.astype(whole) if "int" in i.type else v.reshape(size)
    return model.run(None, given)[0]


def back(path, folder):
    text = re.sub(r"#.*", "", path.read_text())
    data_for(text, folder / "data.npz")
    netc("train", path, "--data", folder / "data.npz", "--epochs", 1, "--split", "12/4", "--force",
         "-o", folder / "run")
    netc("export", path, "--weights", folder / "run/last.safetensors", "-o", folder / "a.onnx")
    netc("import", folder / "a.onnx", "-o", folder / "a.net", "--force")
    netc("export", folder / "a.net", "--weights", folder / "a.safetensors", "-o", folder / "b.onnx")
    a, b = session(folder / "a.onnx"), session(folder / "b.onnx")
    feed = inputs_of(a, text)
    want, got = run(a, feed), run(b, feed)
    off = np.abs(want.ravel() - got.ravel()).max() / max(1, np.abs(want).max())
    if want.size != got.size or not off < 1e-5:
        sys.exit(f"{path}: {want.shape}, back {got.shape}, apart {off}")


with tempfile.TemporaryDirectory() as tmp:
    for name in sys.argv[1:]:
        back(pathlib.Path(name), pathlib.Path(tmp))
print(f"{len(sys.argv) - 1} exports came back")
