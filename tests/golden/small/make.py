#!/usr/bin/env python3
"""Small networks of odd shapes, as PyTorch computes them in double precision."""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from figures import Case, labelled, netc_names, write  # noqa: E402


def conv(*a, **k):
    return nn.Conv2d(*a, **k)


def flat(i, o):
    return [nn.Flatten(), nn.Linear(i, o)]


CASES = {
    "linear-one": ("input 1x1x1; classes 2; linear 1; linear classes;", 1, (1, 1, 1),
                   [nn.Flatten(), nn.Linear(1, 1), nn.Linear(1, 2)]),
    "linear-33": ("input 33x1x1; classes 17; linear 31 tanh; linear classes;", 3, (33, 1, 1),
                  [nn.Flatten(), nn.Linear(33, 31), nn.Tanh(), nn.Linear(31, 17)]),
    "linear-image": ("input 16x4x4; classes 2; linear classes;", 2, (16, 4, 4), flat(256, 2)),
    "lanes": ("input 3x8x8; classes 2; conv 24 k3 tanh; linear 1; linear classes;", 2, (3, 8, 8),
              [conv(3, 24, 3), nn.Tanh(), nn.Flatten(), nn.Linear(864, 1), nn.Linear(1, 2)]),
    "channels-15": ("input 15x5x5; classes 3; conv 17 k3 p1 sigmoid; conv 1 k3; linear classes;", 1,
                    (15, 5, 5), [conv(15, 17, 3, padding=1), nn.Sigmoid(), conv(17, 1, 3)] + flat(9, 3)),
    "padding-alone": ("input 1x1x1; classes 2; linear 1; conv 1 k1 s3 p1; linear classes;", 1, (1, 1, 1),
                      [nn.Flatten(), nn.Linear(1, 1), nn.Unflatten(1, (1, 1, 1)),
                       conv(1, 1, 1, stride=3, padding=1)] + flat(1, 2)),
    "padding-channels": ("input 8x2x2; classes 2; conv 8 k3 p1; conv 4 k1 s4 p1; linear classes;", 2,
                         (8, 2, 2), [conv(8, 8, 3, padding=1), conv(8, 4, 1, stride=4, padding=1)]
                         + flat(4, 2)),
    "steps": ("input 2x9x7; classes 3; conv 5 k3x2 s2x3 p1x1 tanh; linear classes;", 3, (2, 9, 7),
              [conv(2, 5, (3, 2), stride=(2, 3), padding=(1, 1)), nn.Tanh()] + flat(75, 3)),
    "dilation": ("input 3x10x9; classes 4; conv 6 k3 d2 p2 tanh; conv 2 k2 d3; linear classes;", 2,
                 (3, 10, 9), [conv(3, 6, 3, dilation=2, padding=2), nn.Tanh(), conv(6, 2, 2, dilation=3)]
                 + flat(84, 4)),
    "groups": ("input 6x5x5; classes 3; conv 9 k3 p1 g3 tanh; linear classes;", 2, (6, 5, 5),
               [conv(6, 9, 3, padding=1, groups=3), nn.Tanh()] + flat(225, 3)),
    "maximum": ("input 3x7x7; classes 3; conv 16 k3 p1; maxpool 3 s2 p1; linear classes;", 2, (3, 7, 7),
                [conv(3, 16, 3, padding=1), nn.MaxPool2d(3, 2, 1)] + flat(256, 3)),
    "mean": ("input 3x7x6; classes 3; conv 5 k3; avgpool 3x2 s1x2 p1x1; linear classes;", 1, (3, 7, 6),
             [conv(3, 5, 3), nn.AvgPool2d((3, 2), (1, 2), (1, 1))] + flat(75, 3)),
    "norm": ("input 3x4x4; classes 3; conv 7 k1 bn tanh; linear classes;", 5, (3, 4, 4),
             [conv(3, 7, 1), nn.BatchNorm2d(7), nn.Tanh()] + flat(112, 3)),
    "norm-one-sample": ("input 2x3x3; classes 2; conv 1 k1 bn; linear classes;", 1, (2, 3, 3),
                        [conv(2, 1, 1), nn.BatchNorm2d(1)] + flat(9, 2)),
}


class Shared(nn.Module):
    """One block used three times: statistics are kept by each use in turn."""

    def __init__(self, path):
        super().__init__()
        self.unit = labelled(path, nn.Sequential(conv(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh()))
        self.head = nn.Linear(4 * 25, 3)

    def forward(self, x):
        return self.head(self.unit(self.unit(self.unit(x))).flatten(1))


class Tied(nn.Module):
    """The way back through the same matrix, transposed, and once more through the matrix itself."""

    def __init__(self):
        super().__init__()
        self.enc, self.again = nn.Linear(10, 4), nn.Linear(4, 10)
        self.head = nn.Linear(4, 3)
        self.names = {"enc": self.enc, "fc2": self.again, "fc4": self.head}
        del self.again.weight
        self.again.register_parameter("weight", None)

    def forward(self, x):
        back = F.linear(torch.tanh(self.enc(x)), self.enc.weight.t(), self.again.bias)
        return self.head(F.linear(torch.tanh(back), self.enc.weight, self.enc.bias))


class Frozen(nn.Module):
    """What is frozen computes as in inference, and lets gradients through to what stands before."""

    def __init__(self):
        super().__init__()
        self.first, self.mid, self.bn = conv(2, 3, 3), conv(3, 3, 1), nn.BatchNorm2d(3)
        self.head = nn.Linear(27, 3)
        self.names = {"conv1": self.first, "still": self.mid, "still.bn1": self.bn, "fc1": self.head}
        for p in [*self.mid.parameters(), *self.bn.parameters()]:
            p.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self

    def forward(self, x):
        return self.head(torch.tanh(self.bn(self.mid(torch.tanh(self.first(x))))).flatten(1))


CASES |= {
    "shared": ("input 4x5x5; classes 3; shared block unit() { conv 4 k3 p1 bn tanh; } unit; "
               "unit; unit; linear classes;", 2, (4, 5, 5), Shared("unit")),
    "shared-repeat": ("input 4x5x5; classes 3; unit: repeat 3 shared { conv 4 k3 p1 bn tanh; } "
                      "linear classes;", 2, (4, 5, 5), Shared("unit.0")),
    "tied": ("input 10; classes 3; enc: linear 4 tanh; linear 10 weights=@enc tanh; "
             "linear 4 weights=@enc; linear classes;", 3, (10,), Tied()),
    "frozen": ("input 2x5x5; classes 3; conv 3 k3 tanh; frozen { still: conv 3 k1 bn tanh; } "
               "linear classes;", 2, (2, 5, 5), Frozen()),
}


def names(model):
    if not hasattr(model, "names"):
        yield from netc_names(model)
        return
    for layer, m in model.names.items():
        for n, p in m.named_parameters():
            yield f"{layer}.{n}", p


def case(text, batch, shape, layers):
    model = layers if isinstance(layers, nn.Module) else nn.Sequential(*layers)
    classes = list(model.modules())[-1].out_features
    return Case(f"{text}\ntrain {{ optimizer sgd; lr 0.1; batch {batch}; }}", model, [("x", shape)],
                ("label", (), classes), batch, optimizer=lambda p: torch.optim.SGD(p, lr=0.1), names=names)


write(HERE, {name: case(*c) for name, c in CASES.items()})
