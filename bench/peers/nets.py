"""The benchmarked networks, once for all peers written in Python, and how they are timed.

A layer is ("conv", channels, kernel, stride, padding), ("bn",), ("relu",), ("maxpool", window),
("gap",), ("linear", outputs) or ("add", branch, branch); a convolution before a batch norm has
no bias. The same networks stand in ../../models/*.net; ../onednn_bench.cpp has its own copy.
"""
import argparse
import json
import time
from collections import namedtuple

Net = namedtuple("Net", "shape classes batch lr layers momentum decay", defaults=(0, 0))


def conv(channels, k=3, s=1, p=1):
    return [("conv", channels, k, s, p), ("relu",)]


def linear(outputs):
    return [("linear", outputs), ("relu",)]


def emoji(stride, *second_pool):
    return Net((3, 32, 32), 5, 10, 0.07, [
        *conv(32, s=stride), ("maxpool", 2), *conv(64), *second_pool,
        *linear(256), ("linear", 5)])


def block(channels, stride):
    main = [("conv", channels, 3, stride, 1), ("bn",), ("relu",),
            ("conv", channels, 3, 1, 1), ("bn",)]
    shortcut = [("conv", channels, 1, stride, 0), ("bn",)] if stride > 1 else []
    return [("add", main, shortcut), ("relu",)]


def resnet20():
    layers = [("conv", 16, 3, 1, 1), ("bn",), ("relu",)]
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        layers += block(channels, stride) + 2 * block(channels, 1)
    return Net((3, 32, 32), 10, 32, 0.05, layers + [("gap",), ("linear", 10)], 0.9, 1e-4)


def vgg():
    layers = []
    for channels in (32, 64, 128):
        layers += [*conv(channels), *conv(channels), ("maxpool", 2)]
    return Net((3, 32, 32), 10, 32, 0.05, layers + [*linear(256), ("linear", 10)])


NETS = {
    "emoji": emoji(2),
    "emoji-wide": emoji(1, ("maxpool", 2)),
    "resnet20": resnet20(),
    "mlp": Net((1, 28, 28), 10, 32, 0.05, [*linear(256), *linear(128), ("linear", 10)]),
    "vgg": vgg(),
    "deep": Net((3, 32, 32), 10, 32, 0.01,
                3 * [*(4 * conv(32)), ("maxpool", 2)] + [("linear", 10)]),
}


def has_bias(layers, i):
    return not (i + 1 < len(layers) and layers[i + 1][0] == "bn")


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
