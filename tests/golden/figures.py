"""What the makers of figures share: weights, inputs and targets that a formula gives (tests/test_pytorch.c has
it too), the names that netc gives to modules, and the file of a case.

A case's file holds its network and training, and behind `#`: the first results; for every parameter how far the
first step moved it, along a direction that the formula gives (its gradient, where the step is plain descent);
likewise the weights' averages; and the losses of 20 steps.
"""
import math
from collections import Counter
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
STEPS = 20


def value(name, n):
    key = 2166136261
    for byte in name.encode():
        key = (key ^ byte) * 16777619 % 2**32
    with np.errstate(over="ignore"):
        z = np.uint32(key) + (np.arange(n, dtype=np.uint32) + np.uint32(1)) * np.uint32(2654435761)
        z = (z ^ (z >> np.uint32(15))) * np.uint32(2246822519)
        z = z ^ (z >> np.uint32(13))
    return (z >> np.uint32(8)) / 2.0**24 - 0.5


def tensor(name, shape):
    return torch.from_numpy(value(name, math.prod(shape))).reshape(shape)


def whole(name, shape, below):
    return ((tensor(name, shape) + 0.5) * below).floor().long()


def fan(name, shape):
    """What deep networks begin with: uniform within +-1/sqrt(fan in), and near 1 for the factors of norms."""
    z = tensor(name, shape)
    if len(shape) > 1:
        return z * 2 / math.sqrt(math.prod(shape[1:]))
    return 1 + z * 0.25 if name.endswith("weight") else z * 0.25


def gently(name, shape):
    """As `fan`, but norms have small factors and positive biases: with a usual start much lies near the kink of
    relu, and rounding decides on which side."""
    factor = 0.25 if name.endswith("weight") else 0.5
    return fan(name, shape) if len(shape) > 1 else factor + tensor(name, shape) * 0.0625


class Net(nn.Module):
    """Modules (under netc's names where they are pairs), and functions between them."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = []
        for i, p in enumerate(parts):
            name, p = p if isinstance(p, tuple) else (f"part{i}", p)
            if isinstance(p, nn.Module):
                self.add_module(name, p)
            self.parts.append(p)

    def forward(self, x):
        for p in self.parts:
            x = p(x)
            if isinstance(x, tuple):
                x = x[0]
        return x


class Param(nn.Module):
    """Parameters of a layer that torch does not have, and its function of them."""

    def __init__(self, f, **shapes):
        super().__init__()
        self.f = f
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.zeros(shape)))

    def forward(self, x):
        return self.f(self, x)


def swap(x):
    return x.transpose(1, 2)


class Last(nn.Module):
    """f over the channels of N x C x .., as it is over the last axis."""

    def __init__(self, f):
        super().__init__()
        object.__setattr__(self, "f", f)
        for name, p in f.named_parameters():
            *path, leaf = name.split(".")
            at = self
            for word in path:
                if not hasattr(at, word):
                    at.add_module(word, nn.Module())
                at = getattr(at, word)
            at.register_parameter(leaf, p)

    def forward(self, x):
        y = self.f(x.movedim(1, -1))
        return (y[0] if isinstance(y, tuple) else y).movedim(-1, 1)


def position(length, c):
    return Param(lambda self, x: x + self.weight.t(), weight=(length, c))


class Attend(nn.Module):
    """nn.MultiheadAttention of N x C x L with itself."""

    def __init__(self, c, heads, causal):
        super().__init__()
        m = nn.MultiheadAttention(c, heads, batch_first=True)
        object.__setattr__(self, "m", m)
        self.in_proj_weight, self.in_proj_bias, self.out_proj = m.in_proj_weight, m.in_proj_bias, m.out_proj
        self.causal = causal

    def forward(self, x):
        x = swap(x)
        mask = torch.triu(torch.full((x.shape[1],) * 2, float("-inf")), 1) if self.causal else None
        return swap(self.m(x, x, x, need_weights=False, attn_mask=mask)[0])


class Add(nn.Module):
    """The sum of what each of these makes of the same tensor."""

    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.ModuleList(branch)

    def forward(self, x):
        return sum(b(x) for b in self.branch)


KINDS = {nn.Linear: "fc", nn.BatchNorm1d: "bn", nn.BatchNorm2d: "bn", nn.ConvTranspose2d: "deconv",
         nn.Embedding: "embed", Attend: "attn"}


def kind_of(module):
    if isinstance(module, Last):
        return {nn.Linear: "dense", nn.LayerNorm: "layernorm", nn.LSTM: "lstm"}[type(module.f)]
    if isinstance(module, nn.Conv2d):
        return "dw" if module.groups == module.in_channels > 1 else "conv"
    if isinstance(module, Param):
        return "position"
    return KINDS.get(type(module))


def netc_names(module, count=None, inner=None, label=""):
    """The parameters under netc's names: a kind and its number, which counts every layer; behind a label (a
    module's `label`) those that stand there. A label of one layer is that layer's name."""
    count = Counter() if count is None else count
    own = getattr(module, "label", None)
    if own:
        label, inner = f"{label}{own}.", Counter()
    kind = kind_of(module)
    if not kind:
        for child in module.children():
            yield from netc_names(child, count, inner, label)
        return
    count[kind] += 1
    if inner is not None:
        inner[kind] += 1
    layer = label[:-1] if own else f"{label}{kind}{(count if inner is None else inner)[kind]}"
    for name, p in module.named_parameters():
        yield f"{layer}.{name}", p


def labelled(label, module):
    module.label = label
    return module


@dataclass
class Case:
    """Inputs and target are (port, shape) of floats or (port, shape, below) of whole numbers; without a target
    it is the input."""
    text: str  # the network and its training
    model: nn.Module
    inputs: list
    target: tuple
    batch: int
    loss: Callable = F.cross_entropy
    optimizer: Callable = lambda p: torch.optim.SGD(p, lr=0.2)
    schedule: Callable = lambda update: torch.optim.lr_scheduler.ConstantLR(update, 1)
    clip: float = 0
    average: float = 0
    start: Callable = tensor
    moved: bool = True
    names: Callable = lambda model: model.named_parameters()


def show(values):
    return " ".join(f"{v:.9g}" for v in values)


def port(spec, batch, floats):
    name, shape, *below = spec
    if below:
        return whole(name, (batch, *shape), below[0])
    return tensor(name, (batch, *shape)) + floats


def along(name, p):
    return show([(p * tensor(name + " direction", p.shape)).sum().item()])


def step(case, model, update, x, y):
    """One step; returns the results and the loss before it."""
    out = model(*x)
    here = case.loss(out, y)
    update.zero_grad()
    here.backward()
    if case.clip:
        nn.utils.clip_grad_norm_(model.parameters(), case.clip)
    update.step()
    return out, here.item()


def figures(case):
    model, begun = case.model, {}
    with torch.no_grad():
        for name, p in case.names(model):
            begun[name] = case.start(name, p.shape)
            p.copy_(begun[name])
    model.train()
    named = [(n, p) for n, p in case.names(model) if p.requires_grad]
    x = [port(i, case.batch, 0) for i in case.inputs]
    y = port(case.target, case.batch, 0.5) if case.target else x[0]
    update, losses = case.optimizer([p for _, p in named]), []
    lines = ["# gently"] if case.start is gently else []
    rate = case.schedule(update)
    mean = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(case.average)) if case.average else None
    for i in range(STEPS):
        out, loss = step(case, model, update, x, y)
        rate.step()
        losses.append(loss)
        if mean:
            mean.update_parameters(model)
        if i == 0:
            lines.append("# before " + show(out.flatten()[:64].tolist()))
        if i == 0 and case.moved:
            lines += [f"# moved {n} {along(n, p.detach() - begun[n])}" for n, p in named]
    if mean:
        lines += [f"# averaged {n} {along(n, p.detach())}" for n, p in case.names(mean.module)]
    return lines + ["# losses " + show(losses)]


def write(folder, cases):
    for name, case in cases.items():
        (folder / f"{name}.net").write_text("\n".join([case.text, *figures(case)]) + "\n")
