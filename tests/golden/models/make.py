#!/usr/bin/env python3
"""The networks of models/, as PyTorch computes them in double precision: each with its own training (optimizer,
clipping, schedule over 20 steps), and, where that is no plain descent, once more with it, for the gradients.

Usage: make.py [CASE ...]
"""
import pathlib
import sys
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from figures import (STEPS, Add, Attend, Case, Last, Net, fan, gently, labelled, netc_names,  # noqa: E402
                     position, swap, write)

EPOCHS, SCHEDULES = 4, torch.optim.lr_scheduler


def conv(i, o, k, s=1, p=0, g=1, bias=True):
    return nn.Conv2d(i, o, k, s, p, 1, g, bias)


def conv_bn(i, o, k, s=1, p=0, act=nn.ReLU, g=1):
    return [conv(i, o, k, s, p, g, bias=False), nn.BatchNorm2d(o), *([act()] if act else [])]


def gelu():
    return nn.GELU("tanh")


def dense(i, o):
    return Last(nn.Linear(i, o))


def transformer(c, heads, causal, wide):
    return [Add(Net(), Net(Last(nn.LayerNorm(c)), Attend(c, heads, causal))),
            Add(Net(), Net(Last(nn.LayerNorm(c)), dense(c, wide), gelu(), dense(wide, c)))]


def pooled(*layers):
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def autoencoder():
    return Net(conv(3, 16, 4, 2, 1), nn.ReLU(), conv(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
               labelled("code", nn.Linear(2048, 64)), nn.Linear(64, 2048), nn.ReLU(),
               nn.Unflatten(1, (32, 8, 8)), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
               nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Sigmoid())


def convmixer():
    def unit():
        return [Add(Net(), Net(conv(64, 64, 5, 1, 2, 64), gelu(), nn.BatchNorm2d(64))),
                conv(64, 64, 1), gelu(), nn.BatchNorm2d(64)]
    return Net(*pooled(conv(3, 64, 4, 4), gelu(), nn.BatchNorm2d(64), *unit(), *unit(), *unit(), *unit()),
               nn.Linear(64, 5))


def deep():
    layers, c = [], 3
    for _ in range(3):
        for _ in range(4):
            layers += [conv(c, 32, 3, 1, 1), nn.ReLU()]
            c = 32
        layers.append(nn.MaxPool2d(2))
    return Net(*layers, nn.Flatten(), nn.Linear(512, 10))


def gpt():
    return Net(nn.Embedding(256, 64), swap, position(64, 64), *transformer(64, 4, True, 256),
               *transformer(64, 4, True, 256), Last(nn.LayerNorm(64)), dense(64, 256))


def lenet5():
    return Net(conv(3, 6, 5), nn.Tanh(), nn.AvgPool2d(2), conv(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
               nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 5))


def lstm():
    return Net(nn.Embedding(256, 32), swap, Last(nn.LSTM(32, 64, batch_first=True)), dense(64, 256))


def mlp():
    return Net(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def mobilenet():
    def inverted(i, o, wide, s=1):
        return Net(*conv_bn(i, wide, 1, act=nn.ReLU6), *conv_bn(wide, wide, 3, s, 1, nn.ReLU6, wide),
                   *conv_bn(wide, o, 1, act=None))
    return Net(*pooled(*conv_bn(3, 16, 3, 2, 1, nn.ReLU6), inverted(16, 24, 64, 2),
                       Add(Net(), inverted(24, 24, 96)), inverted(24, 40, 96, 2),
                       Add(Net(), inverted(40, 40, 160)), *conv_bn(40, 128, 1, act=nn.ReLU6)),
               nn.Linear(128, 5))


def resnet20():
    def unit(i, o, s=1):
        main = Net(*conv_bn(i, o, 3, s, 1), *conv_bn(o, o, 3, 1, 1, None))
        return [Add(main, Net() if i == o else Net(*conv_bn(i, o, 1, s, act=None))), nn.ReLU()]
    layers = conv_bn(3, 16, 3, 1, 1)
    for i, o, s in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers += unit(i, o, s) + unit(o, o) + unit(o, o)
    return Net(*pooled(*layers), nn.Linear(64, 10))


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        layers, c = [], 1
        for o in (16, 32, 64):
            layers += [conv(c, o, 3, 1, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
            c = o
        self.tower = labelled("tower", Net(*pooled(*layers[:-1])))
        self.head = nn.Linear(64, 1)

    def forward(self, left, right):
        return self.head((self.tower(left) - self.tower(right)).abs())


def tabular():
    return Net(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        def unit(i, o):
            return Net(*conv_bn(i, o, 3, 1, 1), *conv_bn(o, o, 3, 1, 1))
        self.one, self.two = labelled("one", unit(3, 16)), labelled("two", unit(16, 32))
        self.low, self.up2 = unit(32, 64), nn.ConvTranspose2d(64, 32, 2, 2)
        self.back2, self.up1 = unit(64, 32), nn.ConvTranspose2d(32, 16, 2, 2)
        self.back1, self.head = unit(32, 16), conv(16, 4, 1)

    def forward(self, x):
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        x = self.low(F.max_pool2d(two, 2))
        x = self.back2(torch.cat([two, self.up2(x)], 1))
        return self.head(self.back1(torch.cat([one, self.up1(x)], 1)))


def vgg():
    def pair(i, o):
        return [conv(i, o, 3, 1, 1), nn.ReLU(), conv(o, o, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)]
    return Net(*pair(3, 32), *pair(32, 64), *pair(64, 128), nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(),
               nn.Linear(256, 10))


def vit():
    units = sum((transformer(64, 4, False, 128) for _ in range(3)), [])
    return Net(conv(3, 64, 4, 4), lambda x: x.flatten(2), position(64, 64), *units,
               Last(nn.LayerNorm(64)), lambda x: x.mean(2), nn.Linear(64, 5))


def image(c=3, side=32, classes=5):
    return {"inputs": [("x", (c, side, side))], "target": ("label", (), classes)}


def tokens(length):
    return {"inputs": [("x", (length,), 256)], "target": ("label", (length,), 256)}


def cosine(update, warm=0):
    """netc's `cosine`: after the warm-up, which takes epochs, to 0 at the last step."""
    warm *= STEPS // EPOCHS
    fall = SCHEDULES.CosineAnnealingLR(update, STEPS - warm - 1)
    if not warm:
        return fall
    rise = SCHEDULES.LinearLR(update, 1 / warm, 1, warm - 1)
    return SCHEDULES.SequentialLR(update, [rise, fall], [warm])


def decayed_matrices(p):
    return torch.optim.AdamW([{"params": [q for q in p if q.ndim > 1]},
                              {"params": [q for q in p if q.ndim == 1], "weight_decay": 0}],
                             lr=0.001, betas=(0.9, 0.99), weight_decay=0.1)


def sgd(lr, **k):
    return {"optimizer": partial(torch.optim.SGD, lr=lr, **k)}


def adam(lr):
    return {"optimizer": partial(torch.optim.Adam, lr=lr)}


def adamw(lr):
    return {"optimizer": partial(torch.optim.AdamW, lr=lr)}


MODELS = {
    "autoencoder": (autoencoder, 4, {"inputs": [("x", (3, 32, 32))], "target": None,
                                     "loss": F.mse_loss, **adam(0.002)}),
    "convmixer": (convmixer, 4, {**image(), **adam(0.002), "schedule": cosine}),
    "deep": (deep, 2, {**image(classes=10), **sgd(0.01)}),
    "gpt": (gpt, 2, {**tokens(64), "optimizer": decayed_matrices}),
    "lenet5": (lenet5, 4, {**image(), **sgd(0.07)}),
    "lstm": (lstm, 3, {**tokens(24), **adam(0.005)}),
    "mlp": (mlp, 4, {**image(1, 28, 10), **sgd(0.05)}),
    "mobilenet": (mobilenet, 4, {**image(), **adam(0.002), "schedule": cosine}),
    "resnet20": (resnet20, 4, {**image(classes=10), "start": gently, **sgd(0.05, momentum=0.9, weight_decay=1e-4)}),
    "siamese": (Siamese, 4, {"inputs": [("x", (1, 28, 28)), ("right", (1, 28, 28))],
                             "target": ("same", (1,)), "loss": F.binary_cross_entropy_with_logits,
                             **adam(0.003), "schedule": cosine}),
    "tabular": (tabular, 6, {"inputs": [("x", (4,))], "target": ("label", (), 3), **adamw(0.01)}),
    "unet": (UNet, 2, {"inputs": [("x", (3, 32, 32))], "target": ("label", (32, 32), 4), "start": gently, **adam(0.003),
                       "schedule": cosine}),
    "vgg": (vgg, 2, {**image(classes=10), **sgd(0.05)}),
    "vit": (vit, 3, {**image(), **adamw(0.001), "schedule": partial(cosine, warm=2), "clip": 1}),
}


def text(name, batch, more=""):
    return (f'include "../../../models/{name}.net";\n'
            f"train {{ {more}batch {batch}; epochs {EPOCHS} of {STEPS // EPOCHS}; }}")


def cases():
    for name, (model, batch, settings) in MODELS.items():
        plain = settings["optimizer"].keywords.get("momentum") is None and \
            settings["optimizer"].func is torch.optim.SGD if isinstance(settings["optimizer"], partial) else False
        settings = {"start": fan, "names": netc_names, "batch": batch, **settings}
        yield name, Case(text(name, batch), model(), moved=plain, **settings)
        if not plain:
            yield f"{name}-sgd", Case(text(name, batch, "optimizer sgd; lr 0.02; "), model(),
                                      **{**settings, **sgd(0.02)})


if __name__ == "__main__":
    wanted = {n: c for n, c in cases() if n in sys.argv[1:] or not sys.argv[1:]}
    write(pathlib.Path(__file__).resolve().parent, wanted)
