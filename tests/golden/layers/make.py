#!/usr/bin/env python3
"""Layers, losses, optimizers and what goes with them, as PyTorch computes them in double precision."""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from figures import Attend, Case, Last, Net, Param, position, swap, write  # noqa: E402


def flat(i, o, name="fc1"):
    return [nn.Flatten(), (name, nn.Linear(i, o))]


class Three(nn.Module):
    def __init__(self, heads, causal, c, d):
        super().__init__()
        self.dense1, self.dense2, self.dense3 = nn.Linear(c, c), nn.Linear(c, c), nn.Linear(c, d)
        self.fc1 = nn.Linear(6 * d, 3)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        split = lambda t: t.reshape(t.shape[0], t.shape[1], self.heads, -1).transpose(1, 2)
        q, k, v = (split(f(swap(x))) for f in (self.dense1, self.dense2, self.dense3))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.fc1(swap(y.transpose(1, 2).flatten(2)).flatten(1))


def rope(c, heads, base=10000.0):
    def turn(x):
        n, _, length = x.shape
        x = swap(x).reshape(n, length, heads, 2, c // heads // 2)
        angle = torch.arange(length).double()[:, None] * base ** (
            -2 * torch.arange(c // heads // 2).double() / (c // heads))
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]
        a, b = x[:, :, :, 0], x[:, :, :, 1]
        return swap(torch.stack([a * cos - b * sin, b * cos + a * sin], 3).reshape(n, length, c))
    return turn


def ssm(self, x):
    a, h, out = torch.sigmoid(self.decay), torch.zeros(x.shape[:2]), []
    for t in range(x.shape[2]):
        h = a * h + x[:, :, t]
        out.append(h * self.weight + x[:, :, t] * self.skip)
    return torch.stack(out, 2)


def same(k):
    return lambda x: F.pad(x, ((k - 1) // 2, k // 2))


def causal_pad(n):
    return lambda x: F.pad(x, (n, 0))


SGD = "optimizer sgd; lr 0.2;"
CASES = {}


def case(name, text, net, inputs, target, train=SGD, batch=3, **k):
    CASES[name] = Case(f"{text}\ntrain {{ {train} batch {batch}; }}", net, inputs, target, batch, **k)


def sequence(name, layer, net, c=4, length=6, classes=3, **k):
    width = net[0]
    case(name, f"input {c}x{length}; classes {classes}; {layer} linear classes;",
         Net(*net[1:], *flat(width, classes)), [("x", (c, length))], ("label", (), classes), **k)


def image(name, layer, net, shape=(4, 5, 6), classes=3, **k):
    width = net[0]
    case(name, f"input {'x'.join(map(str, shape))}; classes {classes}; {layer} linear classes;",
         Net(*net[1:], *flat(width, classes)), [("x", shape)], ("label", (), classes), **k)


def numbers(name, loss_text, loss, train=SGD, **k):
    case(name, "input 7; target 5; linear 9 tanh; linear 5;",
         Net(("fc1", nn.Linear(7, 9)), nn.Tanh(), ("fc2", nn.Linear(9, 5))), [("x", (7,))],
         ("target", (5,)), loss=loss, train=f"loss {loss_text}; {train}", **k)


def optimizing(name, train, optimizer, **k):
    image(name, "conv 5 k3 tanh;", (60, ("conv1", nn.Conv2d(4, 5, 3)), nn.Tanh()), train=train,
          optimizer=optimizer, **k)


# --- sequences ---
sequence("lstm", "lstm 5;", (30, ("lstm1", Last(nn.LSTM(4, 5, batch_first=True)))))
sequence("gru", "gru 5;", (30, ("gru1", Last(nn.GRU(4, 5, batch_first=True)))))
sequence("ssm", "ssm;", (24, ("ssm1", Param(ssm, decay=4, weight=4, skip=4))))
sequence("attention-self", "attention heads=2;", (24, ("attn1", Attend(4, 2, False))))
sequence("attention-causal", "attention heads=2 causal=1;", (24, ("attn1", Attend(4, 2, True))))
case("attention-three", "input 4x6; classes 3; attention { dense 4; } { dense 4; } { dense 8; } heads=2 "
     "causal=1; linear classes;", Three(2, True, 4, 8), [("x", (4, 6))], ("label", (), 3))
sequence("layernorm", "dense 5; layernorm;",
         (30, ("dense1", Last(nn.Linear(4, 5))), ("layernorm1", Last(nn.LayerNorm(5)))))
sequence("rmsnorm", "dense 5; rmsnorm;", (30, ("dense1", Last(nn.Linear(4, 5))),
                                          ("rmsnorm1", Last(nn.RMSNorm(5, eps=2**-23)))))
sequence("position", "position;", (24, ("position1", position(6, 4))))
sequence("rope", "dense 8; rope heads=2;", (48, ("dense1", Last(nn.Linear(4, 8))), rope(8, 2)))
sequence("conv1d", "conv 5 k3 s2 p1 tanh;", (15, ("conv1", nn.Conv1d(4, 5, 3, 2, 1)), nn.Tanh()))
sequence("conv1d-same", "conv 5 k4 p=same tanh;",
         (30, same(4), ("conv1", nn.Conv1d(4, 5, 4)), nn.Tanh()))
sequence("conv1d-causal", "conv 5 k3 d2 p=causal tanh;",
         (30, causal_pad(4), ("conv1", nn.Conv1d(4, 5, 3, dilation=2)), nn.Tanh()))
sequence("dw1d", "dw k3 p1 tanh;", (24, ("dw1", nn.Conv1d(4, 4, 3, 1, 1, groups=4)), nn.Tanh()))
sequence("maxpool1d", "dense 5; maxpool 2;",
         (15, ("dense1", Last(nn.Linear(4, 5))), nn.MaxPool1d(2)))
sequence("avgpool1d", "dense 5; avgpool 3 s1 p1;",
         (30, ("dense1", Last(nn.Linear(4, 5))), nn.AvgPool1d(3, 1, 1)))
sequence("gap1d", "dense 5; tanh; gap;",
         (5, ("dense1", Last(nn.Linear(4, 5))), nn.Tanh(), nn.AdaptiveAvgPool1d(1)))
sequence("bn1d", "dense 5; bn; tanh;",
         (30, ("dense1", Last(nn.Linear(4, 5))), ("bn1", nn.BatchNorm1d(5)), nn.Tanh()))
sequence("deconv1d", "deconv 5 k3 s2 p1 tanh;",
         (55, ("deconv1", nn.ConvTranspose1d(4, 5, 3, 2, 1)), nn.Tanh()))
sequence("upsample1d", "dense 5; upsample 2;",
         (60, ("dense1", Last(nn.Linear(4, 5))), nn.Upsample(scale_factor=2)))
case("embed", "input 6 of 11; classes 3; embed 5; tanh; linear classes;",
     Net(("embed1", nn.Embedding(11, 5)), nn.Tanh(), swap, *flat(30, 3)), [("x", (6,), 11)],
     ("label", (), 3))
case("tokens", "input 6 of 11; target 6 of 11; embed 8; position; gru 8; dense 11;",
     Net(("embed1", nn.Embedding(11, 8)), swap, ("position1", position(6, 8)),
         ("gru1", Last(nn.GRU(8, 8, batch_first=True))), ("dense1", Last(nn.Linear(8, 11)))),
     [("x", (6,), 11)], ("label", (6,), 11))
# --- images ---
image("groupnorm", "conv 6 k3; groupnorm 3; tanh;",
      (72, ("conv1", nn.Conv2d(4, 6, 3)), ("groupnorm1", nn.GroupNorm(3, 6)), nn.Tanh()))
image("layernorm-image", "conv 6 k3; layernorm; tanh;",
      (72, ("conv1", nn.Conv2d(4, 6, 3)), ("layernorm1", Last(nn.LayerNorm(6))), nn.Tanh()))
image("deconv", "deconv 5 k3x2 s2 p1x0 extra=1x0 tanh;",
      (5 * 4 * 6, ("deconv1", nn.ConvTranspose2d(4, 5, (3, 2), 2, (1, 0), (1, 0))), nn.Tanh()),
      shape=(4, 2, 3))
image("upsample", "conv 2 k3; upsample 2x3;",
      (2 * 6 * 12, ("conv1", nn.Conv2d(4, 2, 3)), nn.Upsample(scale_factor=(2, 3))))
image("prelu", "conv 5 k3; prelu;", (60, ("conv1", nn.Conv2d(4, 5, 3)), ("prelu1", nn.PReLU())))
for word, f in (("mish", nn.Mish()), ("hardswish", nn.Hardswish()), ("hardsigmoid", nn.Hardsigmoid()),
                ("gelu", nn.GELU("tanh")), ("silu", nn.SiLU()), ("elu", nn.ELU()), ("selu", nn.SELU()),
                ("softplus", nn.Softplus())):
    image(word, f"conv 5 k3; {word};", (60, ("conv1", nn.Conv2d(4, 5, 3)), f))
image("glu", "conv 6 k3; glu;", (36, ("conv1", nn.Conv2d(4, 6, 3)), lambda x: F.glu(x, 1)))
image("scale", "conv 5 k3; scale; tanh;", (60, ("conv1", nn.Conv2d(4, 5, 3)), ("scale1", Param(
    lambda self, x: x * self.weight[:, None, None], weight=5)), nn.Tanh()))
image("shuffle", "conv 6 k3; shuffle 3; conv 4 k1 g2 tanh;",
      (48, ("conv1", nn.Conv2d(4, 6, 3)), lambda x: F.channel_shuffle(x, 3).contiguous(),
       ("conv2", nn.Conv2d(6, 4, 1, groups=2)), nn.Tanh()))
case("pixels", "input 2x5x6; target 5x6 of 4; conv 6 k3 p1 tanh; conv 4 k1;",
     Net(("conv1", nn.Conv2d(2, 6, 3, padding=1)), nn.Tanh(), ("conv2", nn.Conv2d(6, 4, 1))),
     [("x", (2, 5, 6))], ("label", (5, 6), 4))
# --- losses ---
numbers("mse", "mse", F.mse_loss)
numbers("l1", "l1", F.l1_loss)
numbers("huber", "huber delta=0.5", lambda x, y: F.huber_loss(x, y, delta=0.5))
numbers("bce", "bce", F.binary_cross_entropy_with_logits)
numbers("shares-smooth", "cross_entropy smooth=0.1", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1))
case("shares", "input 2x5x6; target 4x5x6; conv 6 k3 p1 tanh; conv 4 k1;",
     Net(("conv1", nn.Conv2d(2, 6, 3, padding=1)), nn.Tanh(), ("conv2", nn.Conv2d(6, 4, 1))),
     [("x", (2, 5, 6))], ("target", (4, 5, 6)), train="loss cross_entropy; " + SGD)
image("smooth", "", (120,), train="loss cross_entropy smooth=0.1; " + SGD,
      loss=lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1))
WEIGHTS = torch.tensor([1, 2.5, 0.25, 1])
image("weights", "", (120,), train="loss cross_entropy weights={1 2.5 0.25}; " + SGD,
      loss=lambda x, y: F.cross_entropy(x, y, weight=WEIGHTS[:3]))
image("weights-smooth", "", (120,), train="loss cross_entropy weights={1 2.5 0.25} smooth=0.1; " + SGD,
      loss=lambda x, y: F.cross_entropy(x, y, weight=WEIGHTS[:3], label_smoothing=0.1))
case("weights-pixels", "input 2x5x6; target 5x6 of 4; conv 6 k3 p1 tanh; conv 4 k1;",
     Net(("conv1", nn.Conv2d(2, 6, 3, padding=1)), nn.Tanh(), ("conv2", nn.Conv2d(6, 4, 1))),
     [("x", (2, 5, 6))], ("label", (5, 6), 4),
     train="loss cross_entropy weights={1 2.5 0.25 1}; " + SGD,
     loss=lambda x, y: F.cross_entropy(x, y, weight=WEIGHTS))
# --- other shapes of the same numbers ---
image("reshape", "reshape 8x15; conv 6 k3 tanh; reshape 13 3 2; conv 4 k2 tanh; reshape 2 2 1 -1;"
      " conv 3 k1 tanh; reshape -1;",
      (12, lambda x: x.reshape(-1, 8, 15), ("conv1", nn.Conv1d(8, 6, 3)), nn.Tanh(),
       lambda x: x.reshape(-1, 13, 3, 2), ("conv2", nn.Conv2d(13, 4, 2)), nn.Tanh(),
       lambda x: x.reshape(-1, 2, 2, 1, 2), ("conv3", nn.Conv3d(2, 3, 1)), nn.Tanh()))
image("transpose", "transpose 1 3; conv 5 k3 tanh; transpose -1 -2; conv 4 k2 tanh;",
      (8, lambda x: x.transpose(1, 3), ("conv1", nn.Conv2d(6, 5, 3)), nn.Tanh(),
       lambda x: x.transpose(-1, -2), ("conv2", nn.Conv2d(5, 4, 2)), nn.Tanh()))
image("transpose3d", "transpose 1 4; conv 3 k2 tanh; permute 3 1 2 4; conv 2 k1 tanh; transpose 2 -1;"
      " reshape 3x4; transpose 1 2; conv 5 k2 tanh;",
      (10, lambda x: x.transpose(1, 4), ("conv1", nn.Conv3d(5, 3, 2)), nn.Tanh(),
       lambda x: x.permute(0, 3, 1, 2, 4), ("conv2", nn.Conv3d(3, 2, 1)), nn.Tanh(),
       lambda x: x.transpose(2, -1).reshape(-1, 3, 4).transpose(1, 2),
       ("conv3", nn.Conv1d(4, 5, 2)), nn.Tanh()), shape=(2, 3, 4, 5))
# --- volumes ---
image("conv3d", "conv 6 k3 p1 g2 tanh; conv 4 k2 s2 bias=0 tanh;",
      (16, ("conv1", nn.Conv3d(4, 6, 3, padding=1, groups=2)), nn.Tanh(),
       ("conv2", nn.Conv3d(6, 4, 2, stride=2, bias=False)), nn.Tanh()), shape=(4, 2, 4, 5))
image("dw3d", "dw k3 s2 p1 tanh; conv 3 k1;",
      (36, ("dw1", nn.Conv3d(4, 4, 3, stride=2, padding=1, groups=4)), nn.Tanh(),
       ("conv1", nn.Conv3d(4, 3, 1))), shape=(4, 3, 4, 5))
image("deconv3d", "deconv 3 k3 s2 p1 extra=1 tanh; conv 2 k2 s2 tanh;",
      (24, ("deconv1", nn.ConvTranspose3d(4, 3, 3, stride=2, padding=1, output_padding=1)), nn.Tanh(),
       ("conv1", nn.Conv3d(3, 2, 2, stride=2)), nn.Tanh()), shape=(4, 2, 2, 3))
# --- optimizers, clipping ---
optimizing("adamw", "optimizer adamw decay=0.1; lr 0.01;",
           lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1))
optimizing("adamw-matrices", "optimizer adamw decay=0.1 vectors=0; lr 0.01;", lambda p: torch.optim.AdamW(
    [{"params": [q for q in p if q.ndim > 1]}, {"params": [q for q in p if q.ndim == 1], "weight_decay": 0}],
    lr=0.01, weight_decay=0.1))
optimizing("rmsprop", "optimizer rmsprop momentum=0.9 decay=0.01; lr 0.001;",
           lambda p: torch.optim.RMSprop(p, lr=0.001, momentum=0.9, weight_decay=0.01))
optimizing("clip", "optimizer sgd momentum=0.9; clip 0.05; lr 0.2;",
           lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9), clip=0.05)
optimizing("clip-adamw", "optimizer adamw; clip 0.1; lr 0.01;",
           lambda p: torch.optim.AdamW(p, lr=0.01), clip=0.1)
optimizing("average", "optimizer sgd; average 0.8; lr 0.2;",
           lambda p: torch.optim.SGD(p, lr=0.2), average=0.8)
optimizing("clip-high", "optimizer sgd; clip 100; lr 0.2;",
           lambda p: torch.optim.SGD(p, lr=0.2), clip=100.0)


write(HERE, CASES)
