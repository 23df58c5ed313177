"""The benchmarked networks, read from their .net files, once for all peers written in Python, and
how they are timed.

A layer is a tuple: its kind, and what it needs: ("conv", channels, kernel, stride, padding,
dilation, groups, bias), ("dw", kernel, stride, padding, bias), ("maxpool", window),
("avgpool", window), ("linear", outputs), ("dropout", p), ("add", branch, branch),
("concat", branch, branch), ("attention", heads, causal), ("embed", width), ("dense", outputs),
("lstm" or "gru", outputs), ("unflatten", channels, height, width),
("deconv", channels, kernel, stride, padding), or its kind alone. ../onednn_bench.cpp has its own copy of the table's
first half. Only that part of the language is read which the files of the two tables use.
"""
import argparse
import json
import re
import time
from collections import namedtuple
from pathlib import Path

# tokens: what the input's whole numbers stay below, or 0; target: "class" of a sample, class of
# "each" position or pixel, or the "input" itself.
Net = namedtuple("Net", "shape classes batch lr layers optimizer momentum decay tokens target")

ROOT = Path(__file__).resolve().parents[2]
FIRST = ["emoji", "emoji-wide", "resnet20", "mlp", "vgg", "deep"]
PLAIN = ["bn", "relu", "relu6", "gelu", "silu", "tanh", "sigmoid", "gap", "layernorm", "sequence",
         "position"]


class Reader:
    """Reads the layers of a .net file; a block's body is read again wherever it is used."""

    def __init__(self, text):
        self.tokens = re.findall(r'"[^"]*"|[{}();,=]|[^\s{}();,=]+', text)
        self.at, self.blocks, self.names = 0, {}, {}
        self.settings = {"tokens": 0, "target": "class"}

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else "}"

    def expect(self, token):
        found = self.next()
        assert found == token, f"{found} where {token} was expected"

    def number(self):
        word = self.next()
        return self.names[word] if word in self.names else int(word)

    def skip_braces(self):
        start, depth = self.at, 0
        while True:
            depth += {"{": 1, "}": -1}.get(self.next(), 0)
            if not depth:
                return start

    def body(self):
        self.expect("{")
        layers = self.statements()
        self.expect("}")
        return layers

    def again(self, start, names):
        keep = self.at, self.names
        self.at, self.names = start, names
        layers = self.body()
        self.at, self.names = keep
        return layers

    def statements(self):
        layers = []
        while self.peek() != "}":
            layers += self.statement()
        return layers

    def statement(self):
        word = self.next()
        if word == "input":
            shape = tuple(int(n) for n in self.next().split("x"))
            self.settings["shape"] = shape[::-1] if len(shape) == 2 else shape
            if self.peek() == "of":
                self.next()
                self.settings["tokens"] = int(self.next())
        elif word == "target":
            self.target()
        elif word == "classes":
            self.names["classes"] = int(self.next())
        elif word == "train":
            self.train()
            return []
        elif word == "block":
            return self.define()
        elif word == "repeat":
            return self.number() * self.again_and_past()
        elif word in self.blocks:
            names, start = self.blocks[word]
            values = {name: self.number() for name in names}
            self.expect(";")
            return self.again(start, {**self.names, **values})
        else:
            self.at -= 1
            return self.chain()
        self.expect(";")
        return []

    def target(self):
        if self.next() == "input":
            self.settings["target"], self.names["classes"] = "input", 0
        else:
            self.expect("of")
            self.settings["target"], self.names["classes"] = "each", int(self.next())

    def again_and_past(self):
        start = self.at
        layers = self.again(start, self.names)
        self.skip_braces()
        return layers

    def define(self):
        name, names = self.next(), []
        self.expect("(")
        while self.peek() != ")":
            word = self.next()
            names += [word] if word != "," else []
        self.expect(")")
        self.blocks[name] = names, self.skip_braces()
        return []

    def train(self):
        self.expect("{")
        while self.peek() != "}":
            words = []
            while self.peek() != ";":
                words.append(self.next())
            self.expect(";")
            key, values = words[0], words[1:]
            self.settings[key] = values[0]
            for i in range(2, len(values) - 1):
                if values[i] == "=":
                    self.settings[f"{key}.{values[i - 1]}"] = float(values[i + 1])
        self.expect("}")

    def chain(self):
        layers = []
        while self.peek() != ";":
            layers.append(self.layer(self.next()))
        self.expect(";")
        return layers

    def layer(self, kind):
        if kind in ("add", "concat"):
            return kind, self.body(), self.body()
        if kind in PLAIN:
            self.options()
            return (kind,)
        if kind == "unflatten":
            return kind, *(self.number() for _ in range(3))
        first = [] if kind in ("dw", "dropout", "attention") else [self.number()]
        option = self.options()
        if kind == "conv":
            return (kind, *first, int(option["k"]), *(int(option.get(o, d)) for o, d in
                    (("s", 1), ("p", 0), ("d", 1), ("g", 1), ("bias", 1))))
        if kind == "dw":
            return (kind, int(option["k"]), *(int(option.get(o, d)) for o, d in
                    (("s", 1), ("p", 0), ("bias", 1))))
        if kind == "deconv":
            return kind, *first, *(int(option.get(o, d)) for o, d in (("k", 1), ("s", 1), ("p", 0)))
        if kind == "attention":
            return kind, *(int(option.get(o, d)) for o, d in (("heads", 1), ("causal", 0)))
        if kind == "embed":
            return kind, *first
        if kind == "dropout":
            return kind, float(option.get("p", 0.5))
        assert kind in ("maxpool", "avgpool", "linear", "dense", "lstm", "gru") and not option, f"{kind} {option}"
        return kind, *first

    def options(self):
        found = {}
        while True:
            short = re.fullmatch(r"([kspdg])(\d+)", self.peek())
            if short:
                found[short[1]] = short[2]
                self.at += 1
            elif self.tokens[self.at + 1] == "=":
                key = self.next()
                self.expect("=")
                found[key] = self.next()
            else:
                return found


def plain(path):
    """The text with includes, `let` names and `dropout=0.5` (a layer of its own) written out."""
    text = re.sub(r"#.*", "", path.read_text())
    text = re.sub(r'include "([^"]*)";', lambda m: plain(path.parent / m[1]), text)
    for name, value in re.findall(r"let (\w+) = (\w+);", text):
        text = re.sub(rf"\b{name}\b", value, text)
    text = re.sub(r"let \w+ = \w+;", "", text)
    return re.sub(r"\bdropout=([0-9.]+)", r"dropout p=\1", text)


def read(name):
    path = ROOT / ("models" if name in FIRST else "bench/nets") / f"{name}.net"
    reader = Reader(plain(path))
    layers, got = reader.statements(), reader.settings
    return Net(got["shape"], reader.names["classes"], int(got["batch"]), float(got["lr"]), layers,
               got["optimizer"], got.get("optimizer.momentum", 0), got.get("optimizer.decay", 0),
               got["tokens"], got["target"])


NETS = {name: read(name) for name in
        FIRST + sorted(p.stem for p in (ROOT / "bench/nets").glob("*.net"))}


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.7, help="measuring time per figure")
    parser.add_argument("--cold", metavar="EMOJI.PKL",
                        help="only train `emoji` for one epoch on this data, as a script would")
    parser.add_argument("net", nargs="*", default=list(NETS))
    return parser.parse_args()


def median_ms(step, seconds):
    """Median time of step() after a warm-up; runs for about the given time."""
    end = time.perf_counter() + seconds / 3
    while True:
        step()
        if time.perf_counter() > end:
            break
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2] * 1e3


def report(peer, net, what, threads, ms):
    print(json.dumps({"peer": peer, "net": net, "what": what, "threads": threads,
                      "ms": round(ms, 5)}), flush=True)


def emoji_arrays(path):
    """Scaled images N x 3 x 32 x 32 and labels: the first 800 to train on, 205 to validate."""
    import pickle
    import numpy as np
    with open(path, "rb") as f:
        data = pickle.load(f)
    x = (data["data"].transpose(0, 3, 1, 2) / 255).astype(np.float32)
    return np.ascontiguousarray(x), data["labels"]
