#!/usr/bin/env python3
"""Writes CASE.txt for every case below: the figures that netc has to reproduce.

PyTorch trains each network in double precision for one epoch over the first (400) samples of
the emoji data set, in the order of the file, and validates on the next 205. The initial
weights come from the integer formula of `uniform` here, which make_weights.c repeats bit for
bit, so none are stored. Only this script needs Python; the test (run.sh) does not.

Usage: python3 tests/golden/make_golden.py [CASE ...]      (any directory; torch and numpy)
"""
import argparse
import math
import pathlib
import pickle
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Callable

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
U64 = np.uint64


# ---- initial weights ----------------------------------------------------------------------

def uniform(name, shape, fan_in):
    """float32 in +-1/sqrt(fan_in): FNV-1a of the name and the element's index, mixed."""
    key = 0xcbf29ce484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001b3 % 2**64
    with np.errstate(over="ignore"):
        z = U64(key) + (np.arange(math.prod(shape), dtype=U64) + U64(1)) * U64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> U64(30))) * U64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> U64(27))) * U64(0x94d049bb133111eb)
        z = z ^ (z >> U64(31))
    unit = (z >> U64(40)).astype(np.float64) / 2.0**23 - 1.0
    return torch.from_numpy((unit * (1.0 / math.sqrt(fan_in))).astype(np.float32).reshape(shape))


def netc_names(model):
    """Maps PyTorch's module paths to netc's names: a prefix and the count of its kind."""
    prefix = {nn.Conv2d: "conv", nn.Linear: "fc", nn.BatchNorm2d: "bn"}
    count, names = Counter(), {}
    for path, module in model.named_modules():
        kind = prefix.get(type(module))
        if kind == "conv" and module.groups == module.in_channels > 1:
            kind = "dw"
        if kind:
            count[kind] += 1
            names[path] = f"{kind}{count[kind]}"
    return names


def initialise(model, bn):
    """Fills the model's tensors in place; returns the lines that describe them."""
    names, lines = netc_names(model), []
    for path, tensor in model.state_dict().items():
        module_path, leaf = path.rsplit(".", 1)
        module, name = model.get_submodule(module_path), f"{names[module_path]}.{leaf}"
        shape = " ".join(map(str, tensor.shape))
        if isinstance(module, nn.BatchNorm2d):
            if leaf in ("weight", "bias"):
                tensor.fill_(bn[leaf == "bias"])
            how = "int64 0" if leaf == "num_batches_tracked" else f"const {tensor.flatten()[0]:g}"
        else:
            fan_in = module.weight[0].numel()
            tensor.copy_(uniform(name, tensor.shape, fan_in))
            how = f"uniform {fan_in}"
        lines.append(f"tensor {name} {how} {shape}".rstrip())
    return lines


# ---- networks -----------------------------------------------------------------------------

def final(act, stride=2, second_pool=False):
    """The report's final network and its variants."""
    side = 32 // stride // 2 // (2 if second_pool else 1)
    pool = [nn.MaxPool2d(2)] if second_pool else []
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=stride, padding=1), act(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), act(), *pool,
        nn.Flatten(), nn.Linear(64 * side * side, 256), act(), nn.Linear(256, 5))


def initial():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * 4 * 4, 256), nn.ReLU(), nn.Linear(256, 5))


class Block(nn.Module):
    """A residual block; the shortcut is projected where the shape changes."""

    def __init__(self, c_in, c, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(c_in, c, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(c_in, c, 1, stride=stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        return torch.relu(self.main(x) + self.shortcut(x))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for c_in, c, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers += [Block(c_in, c, stride), Block(c, c, 1), Block(c, c, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Mixed(nn.Module):
    """tests/golden/mixed.net."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 12, (3, 5), stride=(2, 1), padding=(1, 2)), nn.BatchNorm2d(12), nn.SiLU(),
            nn.Conv2d(12, 12, 3, stride=(1, 2), padding=1, groups=12), nn.ReLU6())
        self.a = nn.Sequential(nn.Conv2d(12, 12, 3, padding=2, dilation=2, groups=3), nn.Tanh())
        self.b = nn.AvgPool2d(3, 1, 1)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.value = nn.Sequential(nn.Conv2d(36, 24, 1), nn.ELU())
        self.gate = nn.Sequential(nn.Conv2d(36, 24, 3, padding=1), nn.Sigmoid())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 24),
                                     nn.Sigmoid(), nn.Unflatten(1, (24, 1, 1)))
        self.head = nn.Sequential(
            nn.Conv2d(24, 32, 3, stride=3, padding=1), nn.LeakyReLU(0.01), nn.Flatten(),
            nn.Linear(32 * 3 * 3, 40), nn.GELU(approximate="tanh"), nn.Linear(40, 5))

    def forward(self, x):
        x = self.stem(x)
        x = self.pool(torch.cat([self.a(x), self.b(x), x], 1))
        x = self.value(x) * self.gate(x)
        return self.head(x * self.squeeze(x))


def softmax():
    return nn.Softmax(dim=1)


@dataclass
class Case:
    source: str
    network: Callable[[], nn.Module]
    batch: int = 10
    lr: float = 0.07
    optimizer: Callable = torch.optim.SGD
    train: int = 400
    val: int = 205
    bn: tuple = (1.0, 0.0)  # initial weight and bias of batch norm


def pooled():
    return final(nn.ReLU, 2, True)


resnet_sgd = partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4)


# With batch norm at its usual start, large flat areas of these images lie near the kink of relu,
# and rounding decides on which side: PyTorch's float and double part by 1e-3 within 4 steps. So
# a whole epoch of resnet20 starts from a smaller weight and a positive bias (float and double
# then agree to 1e-6); its usual start is tested over two steps.
CASES = {
    "emoji": Case("models/emoji.net", lambda: final(nn.ReLU)),
    # Above a rate of 0.05 or so, rounding of 1e-7 in the weights moves these losses by 1e-3.
    "emoji-b5": Case("models/emoji-b5.net", lambda: final(nn.ReLU), batch=5, lr=0.05),
    "emoji-60": Case("models/emoji-60.net", lambda: final(nn.ReLU)),
    "emoji-batch7": Case("models/emoji.net", lambda: final(nn.ReLU), batch=7),
    "emoji-batch1": Case("models/emoji.net", lambda: final(nn.ReLU), batch=1, lr=0.002),
    # At 0.07, noise of 2e-7 in the initial weights moves this val_loss by 5e-4 to 1e-3 (in double, 5
    # of 5 trials), at 0.05 and 0.03 in one trial of 5 by 1e-4 and more, at 0.02 by less than 3e-8.
    "emoji-wide": Case("models/emoji-wide.net", lambda: final(nn.ReLU, 1, True), lr=0.02),
    "emoji-pool": Case("models/emoji-pool.net", pooled),
    "emoji-initial": Case("models/emoji-initial.net", initial, batch=20, lr=0.05),
    "emoji-sigmoid": Case("models/emoji-sigmoid.net", lambda: final(nn.Sigmoid)),
    "emoji-softmax": Case("models/emoji-softmax.net", lambda: final(softmax)),
    "resnet20": Case("models/resnet20.net", resnet20, batch=32, lr=0.005,
                     optimizer=resnet_sgd, bn=(0.25, 0.5)),
    "resnet20-start": Case("models/resnet20.net", resnet20, batch=32, lr=0.005,
                           optimizer=resnet_sgd, train=64),
    "mixed": Case("tests/golden/mixed.net", Mixed, batch=11, lr=0.05),
    "momentum": Case("tests/golden/momentum.net", pooled, lr=0.01,
                     optimizer=partial(torch.optim.SGD, momentum=0.9)),
    "nesterov": Case("tests/golden/nesterov.net", pooled, lr=0.01,
                     optimizer=partial(torch.optim.SGD, momentum=0.9, nesterov=True,
                                       weight_decay=5e-4)),
    "adam": Case("tests/golden/adam.net", pooled, lr=0.001, optimizer=torch.optim.Adam),
}


# ---- one epoch ----------------------------------------------------------------------------

def load_images():
    with open(HERE / "../../examples/emoji/emoji.pkl", "rb") as f:
        data = pickle.load(f)
    x = torch.from_numpy(data["data"]).permute(0, 3, 1, 2).double() / 255
    return x.contiguous(), torch.from_numpy(data["labels"])


def batches(first, count, batch):
    for i in range(first, first + count, batch):
        yield slice(i, min(i + batch, first + count))


def one_epoch(case, model, optimizer, x, y):
    """Means over samples; those of training are taken before each update."""
    sums = {"train_loss": 0.0, "train_acc": 0, "val_loss": 0.0, "val_acc": 0}
    model.train()
    for s in batches(0, case.train, case.batch):
        logits = model(x[s])
        losses = nn.functional.cross_entropy(logits, y[s], reduction="none")
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        sums["train_loss"] += losses.sum().item()
        sums["train_acc"] += (logits.argmax(1) == y[s]).sum().item()
    model.eval()
    with torch.no_grad():
        rest = slice(case.train, case.train + case.val)
        logits = model(x[rest])
        sums["val_loss"] = nn.functional.cross_entropy(logits, y[rest], reduction="sum").item()
        sums["val_acc"] = (logits.argmax(1) == y[rest]).sum().item()
    return {k: v / (case.train if k.startswith("train") else case.val) for k, v in sums.items()}


def run(case, x, y, dtype):
    model = case.network()
    tensors = initialise(model, case.bn)
    model.to(dtype)
    optimizer = case.optimizer(model.parameters(), lr=case.lr)
    return tensors, one_epoch(case, model, optimizer, x.to(dtype), y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--float", action="store_true",
                        help="show how far PyTorch's own single precision is off; write nothing")
    parser.add_argument("case", nargs="*", default=list(CASES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, y = load_images()
    for name in options.case:
        case = CASES[name]
        tensors, expected = run(case, x, y, torch.float64)
        if options.float:
            _, single = run(case, x, y, torch.float32)
            print(name, " ".join(f"{k}={single[k] - v:+.1e}" for k, v in expected.items()))
            continue
        lines = [f"# {name}: PyTorch in double precision; written by make_golden.py",
                 f"model {case.source}", f"batch {case.batch}", f"lr {case.lr}",
                 f"split {case.train}/{case.val}", *tensors,
                 *(f"expect {k} {v:.9f}" for k, v in expected.items())]
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
        print(name, " ".join(f"{k}={v:.6f}" for k, v in expected.items()), flush=True)


if __name__ == "__main__":
    main()
