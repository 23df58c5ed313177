#!/usr/bin/env python3
"""Operators between two layers, as PyTorch computes them in double precision: functions, sums and extremes over
channels, two values in one, other orders, edges, volumes."""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from figures import Case, Last, Net, Param, write  # noqa: E402

CASES = {}


def case(name, text, net, shape):
    CASES[name] = Case(f"{text}\ntrain {{ optimizer sgd; lr 0.05; batch 3; }}", net, [("x", shape)],
                       ("label", (), 3), 3, optimizer=lambda p: torch.optim.SGD(p, lr=0.05))


def sizes(shape):
    return "x".join(map(str, shape))


def behind_conv(name, text, *parts, width, o=5, shape=(4, 5, 6)):
    case(name, f"input {sizes(shape)}; classes 3; conv {o} k3; {text}; linear classes;",
         Net(("conv1", nn.Conv2d(shape[0], o, 3)), *parts, nn.Flatten(), ("fc1", nn.Linear(width, 3))), shape)


def behind_dense(name, text, *parts, width):
    case(name, f"input 4x6; classes 3; dense 5; {text}; linear classes;",
         Net(("dense1", Last(nn.Linear(4, 5))), *parts, nn.Flatten(), ("fc1", nn.Linear(width, 3))), (4, 6))


class Two(nn.Module):
    """f of two convolutions of the same image."""

    def __init__(self, f, o, k, width):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(4, o[0], k[0]), nn.Conv2d(4, o[1], k[1])
        self.f, self.fc1 = f, nn.Linear(width, 3)

    def forward(self, x):
        return self.fc1(self.f(self.conv1(x), self.conv2(x)).flatten(1))


def two(name, word, f, width, o=(5, 5), k=("3", "3"), after="", more=""):
    kernel = [tuple(map(int, t.split("x"))) if "x" in t else int(t) for t in k]
    case(name, f"input 4x5x6; classes 3; {word} {{ conv {o[0]} k{k[0]}; }} {{ conv {o[1]} k{k[1]}{more}; }}{after}; "
         "linear classes;", Two(f, o, kernel, width), (4, 5, 6))


# --- functions ---
for text, f in (
        ("abs", torch.abs), ("asinh", torch.asinh), ("ceil", torch.ceil), ("celu 0.7", nn.CELU(0.7)),
        ("clamp -0.5 0.6", lambda x: x.clamp(-0.5, 0.6)), ("cos", torch.cos), ("cosh", torch.cosh),
        ("erf", torch.erf), ("exp", torch.exp), ("floor", torch.floor), ("leaky_relu 0.1", nn.LeakyReLU(0.1)),
        ("hardmax", lambda x: F.one_hot(x.argmax(1), 5).movedim(-1, 1).double()),
        ("log_softmax", nn.LogSoftmax(1)), ("lpnorm", F.normalize), ("lrn 3 alpha=0.5", nn.LocalResponseNorm(3, 0.5)),
        ("multiply 0.25", lambda x: x * 0.25), ("neg", torch.neg), ("plus 0.5", lambda x: x + 0.5),
        ("relu", nn.ReLU()), ("relu6", nn.ReLU6()), ("round", torch.round),
        ("shrink 0.3", nn.Hardshrink(0.3)), ("sigmoid", nn.Sigmoid()), ("sign", torch.sign), ("sin", torch.sin),
        ("sinh", torch.sinh), ("softmax", nn.Softmax(1)), ("softsign", nn.Softsign()), ("square", torch.square),
        ("tanh", nn.Tanh()), ("threshold 0.2", nn.Threshold(0.2, 0))):
    behind_conv(text.split()[0], text, f, width=60)
behind_conv("lpnorm-1", "lpnorm p=1", lambda x: F.normalize(x, p=1), width=60)
behind_conv("softshrink", "shrink 0.3 0.3", nn.Softshrink(0.3), width=60)
for text, f in (("log", torch.log), ("sqrt", torch.sqrt), ("reciprocal", torch.reciprocal),
                ("power 1.5", lambda x: x ** 1.5)):
    behind_conv(text.split()[0], f"square; plus 0.5; {text}", lambda x: x * x + 0.5, f, width=60)
behind_conv("tan", "tanh; tan", nn.Tanh(), torch.tan, width=60)

# --- one number in place of all channels ---
for word, f in (("sum", lambda x: x.sum(1)), ("mean", lambda x: x.mean(1)), ("max", lambda x: x.amax(1)),
                ("min", lambda x: x.amin(1)), ("l1", lambda x: x.abs().sum(1)), ("l2", lambda x: x.norm(dim=1)),
                ("square", lambda x: x.square().sum(1)), ("logsumexp", lambda x: x.logsumexp(1))):
    behind_conv(f"reduce_{word}", f"reduce_{word}", f, width=12)
behind_conv("gmp", "gmp", nn.AdaptiveMaxPool2d(1), width=5)
behind_dense("gmp1d", "gmp", nn.AdaptiveMaxPool1d(1), width=5)

# --- two values in one ---
for word, f in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("maximum", torch.maximum),
                ("minimum", torch.minimum)):
    two(word, word, f, 60)
two("div", "div", lambda a, b: a / (b * b + 0.5), 60, more=" square; plus 0.5")
two("sub-one", "sub", torch.sub, 60, o=(5, 1))
two("div-one", "div", lambda a, b: a / (b * b + 0.5), 60, o=(5, 1), more=" square; plus 0.5")
two("concat", "concat", lambda a, b: torch.cat([a, b], 1), 84, o=(5, 2))
two("concat-height", "concat", lambda a, b: torch.cat([a, b], 2), 5 * 7 * 4, k=("3", "2x3"), after=" along=height")
two("concat-width", "concat", lambda a, b: torch.cat([a, b], 3), 5 * 3 * 9, k=("3", "3x2"), after=" along=width")
two("matmul", "matmul", torch.matmul, 5 * 3 * 5, k=("3", "2x2"))
two("mul-channel", "mul", lambda a, b: a * b.mean((2, 3), keepdim=True).sigmoid(), 60, more="; gap sigmoid")

# --- other orders, parts, edges ---
behind_conv("depth_to_space", "depth_to_space 2 tanh", lambda x: x.reshape(-1, 2, 2, 2, 3, 4).permute(
    0, 3, 4, 1, 5, 2).reshape(-1, 2, 6, 8), nn.Tanh(), o=8, width=96)
behind_conv("space_to_depth", "space_to_depth 2; conv 3 k1", lambda x: x.reshape(-1, 5, 2, 2, 2, 2).permute(
    0, 3, 5, 1, 2, 4).reshape(-1, 20, 2, 2), ("conv2", nn.Conv2d(20, 3, 1)), shape=(4, 6, 6), width=12)
behind_conv("transpose", "transpose", lambda x: x.transpose(2, 3), width=60)
behind_conv("permute", "permute 2 3 1", lambda x: x.permute(0, 2, 3, 1), width=60)
behind_conv("flatten", "flatten tanh", nn.Flatten(), nn.Tanh(), width=60)
behind_conv("sequence", "sequence; dense 3", nn.Flatten(2), ("dense1", Last(nn.Linear(5, 3))), width=36)
behind_conv("unflatten", "flatten; unflatten 4 3 5; conv 2 k3", nn.Flatten(), nn.Unflatten(1, (4, 3, 5)),
            ("conv2", nn.Conv2d(4, 2, 3)), width=6)
behind_conv("unflatten1d", "flatten; unflatten1d 6 10; dense 2", nn.Flatten(), nn.Unflatten(1, (6, 10)),
            ("dense1", Last(nn.Linear(6, 2))), width=20)
behind_conv("unflatten3d", "flatten; unflatten3d 2 3 5 2; conv 3 k2", nn.Flatten(), nn.Unflatten(1, (2, 3, 5, 2)),
            ("conv2", nn.Conv3d(2, 3, 2)), width=24)
behind_conv("unflatten4d", "flatten; unflatten4d 3 2 5 1 2; flatten", nn.Flatten(), nn.Unflatten(1, (3, 2, 5, 1, 2)),
            nn.Flatten(), width=60)
behind_conv("slice", "slice 1 5 2", lambda x: x[:, 1:5:2], width=24)
behind_conv("slice-width", "slice 1 3 along=width", lambda x: x[:, :, :, 1:3], width=30)
behind_conv("pad", "pad 1 2 0 1; conv 2 k2", nn.ZeroPad2d((2, 1, 1, 0)), ("conv2", nn.Conv2d(5, 2, 2)), width=36)
behind_conv("pad-reflect", "pad 2 1 1 2 mode=reflect; conv 2 k2", nn.ReflectionPad2d((1, 2, 2, 1)),
            ("conv2", nn.Conv2d(5, 2, 2)), width=60)
behind_conv("resize", "resize 2", nn.Upsample(scale_factor=2, mode="bilinear"), width=240)
behind_conv("resize-sides", "resize 3x2", nn.Upsample(scale_factor=(3, 2), mode="bilinear"), width=360)
behind_dense("transpose1d", "transpose; dense 4", lambda x: x.transpose(1, 2), ("dense2", Last(nn.Linear(6, 4))),
             width=20)
behind_dense("reverse", "reverse; rnn 4", lambda x: x.flip(2), ("rnn1", Last(nn.RNN(5, 4, batch_first=True))),
             width=24)
behind_dense("slice-length", "slice 1 5 along=length", lambda x: x[:, :, 1:5], width=20)
behind_dense("slice-last", "slice -1 along=length", lambda x: x[:, :, -1:], width=5)
behind_dense("slice-end", "slice -5 -2 along=length", lambda x: x[:, :, -5:-2], width=15)
behind_dense("rnn", "rnn 4", ("rnn1", Last(nn.RNN(5, 4, batch_first=True))), width=24)

# --- learned numbers ---
behind_conv("offsets", "offsets tanh", ("offsets1", Param(lambda self, x: x + self.weight[:, None, None], weight=5)),
            nn.Tanh(), width=60)
behind_dense("prefix", "prefix 2; dense 4", ("prefix1", Param(lambda self, x: torch.cat(
    [self.weight.t().expand(len(x), -1, -1), x], 2), weight=(2, 5))), ("dense2", Last(nn.Linear(5, 4))), width=32)

# --- numbers that are given and not trained ---
def given(f, **shapes):
    made = Param(f, **shapes)
    return made.requires_grad_(False)


behind_conv("normalize", "n: normalize tanh", ("n", given(
    lambda self, x: (x - self.mean[:, None, None]) / self.std[:, None, None], mean=5, std=5)), nn.Tanh(), width=60)
behind_dense("normalize1d", "n: normalize tanh", ("n", given(
    lambda self, x: (x - self.mean[:, None]) / self.std[:, None], mean=5, std=5)), nn.Tanh(), width=30)
behind_conv("mask", "mask v=-0.25", ("mask1", given(
    lambda self, x: torch.where(self.keep > 0, x, -0.25), keep=(3, 4))), width=60)
behind_dense("mask1d", "mask v=-0.25", ("mask1", given(
    lambda self, x: torch.where(self.keep > 0, x, -0.25), keep=(5, 6))), width=30)
behind_conv("factors", "factors tanh", ("factors1", given(
    lambda self, x: x * self.table, table=(5, 3, 4))), nn.Tanh(), width=60)
behind_dense("factors1d", "factors tanh", ("factors1", given(
    lambda self, x: x * self.table, table=(5, 6))), nn.Tanh(), width=30)
behind_conv("pixel_shuffle", "pixel_shuffle 2 tanh", nn.PixelShuffle(2), nn.Tanh(), o=8, width=96)
behind_conv("dropout", "dropout 0", nn.Identity(), width=60)

# --- volumes ---
for name, text, width, *parts in (
        ("conv3d", "tanh", 120, nn.Tanh()), ("bn3d", "bn tanh", 120, ("bn1", nn.BatchNorm3d(5)), nn.Tanh()),
        ("maxpool3d", "maxpool 2", 10, nn.MaxPool3d(2)), ("avgpool3d", "avgpool 2 s1", 30, nn.AvgPool3d(2, 1)),
        ("gmp3d", "gmp", 5, nn.AdaptiveMaxPool3d(1)), ("gap3d", "tanh; gap", 5, nn.Tanh(), nn.AdaptiveAvgPool3d(1))):
    case(name, f"input 2x4x5x6; classes 3; conv 5 k3; {text}; linear classes;", Net(
        ("conv1", nn.Conv3d(2, 5, 3)), *parts, nn.Flatten(), ("fc1", nn.Linear(width, 3))), (2, 4, 5, 6))

write(HERE, CASES)
