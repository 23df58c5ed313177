#!/usr/bin/env python3
"""PyTorch, eager and compiled. The better of the two memory formats counts."""
import torch
from torch import nn

import nets


class Add(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x):
        return self.a(x) + self.b(x)


class Concat(Add):
    def forward(self, x):
        return torch.cat((self.a(x), self.b(x)), 1)


class Attention(nn.Module):
    """Through PyTorch's fused kernel."""

    def __init__(self, width, heads, causal):
        super().__init__()
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.causal = heads, bool(causal)

    def forward(self, x):
        q, k, v = self.into(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).flatten(2))


class Position(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(shape))

    def forward(self, x):
        return x + self.weight


class Sequence(nn.Module):
    def forward(self, x):
        return x.flatten(2).transpose(1, 2)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


class Outputs(nn.Module):
    """The outputs of a recurrent layer, without its state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


POINTWISE = {"relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU, "tanh": nn.Tanh,
             "sigmoid": nn.Sigmoid, "gelu": lambda: nn.GELU("tanh")}


def window(shape, channels, k, s, p, d=1):
    return (channels, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n in shape[1:]))


def build(layers, shape, tokens=0):
    """The module and the shape that it yields; shapes are (C, H, W), (L, C) or (N,)."""
    modules = []
    for kind, *arg in layers:
        if kind == "conv":
            c, k, s, p, d, g, bias = arg
            modules.append(nn.Conv2d(shape[0], c, k, s, p, d, g, bias=bool(bias)))
            shape = window(shape, c, k, s, p, d)
        elif kind == "dw":
            k, s, p, bias = arg
            modules.append(nn.Conv2d(shape[0], shape[0], k, s, p, groups=shape[0],
                                     bias=bool(bias)))
            shape = window(shape, shape[0], k, s, p)
        elif kind == "bn":
            modules.append(nn.BatchNorm2d(shape[0]))
        elif kind in POINTWISE:
            modules.append(POINTWISE[kind]())
        elif kind == "dropout":
            modules.append(nn.Dropout(arg[0]))
        elif kind in ("maxpool", "avgpool"):
            modules.append((nn.MaxPool2d if kind == "maxpool" else nn.AvgPool2d)(arg[0]))
            shape = window(shape, shape[0], arg[0], arg[0], 0)
        elif kind == "deconv":
            modules.append(nn.ConvTranspose2d(shape[0], *arg))
            c, k, step, p = arg
            shape = (c, *((n - 1) * step - 2 * p + k for n in shape[1:]))
        elif kind == "unflatten":
            modules.append(nn.Unflatten(1, tuple(arg)))
            shape = tuple(arg)
        elif kind == "sequence":
            modules.append(Sequence())
            shape = (shape[1] * shape[2], shape[0])
        elif kind == "embed":
            modules.append(nn.Embedding(tokens, arg[0]))
            shape = (*shape, arg[0])
        elif kind == "position":
            modules.append(Position(shape))
        elif kind == "layernorm":
            modules.append(nn.LayerNorm(shape[-1]))
        elif kind == "attention":
            modules.append(Attention(shape[1], *arg))
        elif kind == "dense":
            modules.append(nn.Linear(shape[-1], arg[0]))
            shape = (*shape[:-1], arg[0])
        elif kind in ("lstm", "gru"):
            layer = nn.LSTM if kind == "lstm" else nn.GRU
            modules.append(Outputs(layer(shape[1], arg[0], batch_first=True)))
            shape = (shape[0], arg[0])
        elif kind == "gap" and len(shape) == 2:
            modules.append(Mean())
            shape = shape[1:]
        elif kind == "gap":
            modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            shape = shape[:1]
        elif kind == "linear":
            inputs = torch.Size(shape).numel()
            modules += [nn.Flatten()] * (len(shape) > 1) + [nn.Linear(inputs, arg[0])]
            shape = (arg[0],)
        elif kind in ("add", "concat"):
            (a, left), (b, right) = build(arg[0], shape, tokens), build(arg[1], shape, tokens)
            modules.append(Add(a, b) if kind == "add" else Concat(a, b))
            shape = left if kind == "add" else (left[0] + right[0], *left[1:])
    return nn.Sequential(*modules), shape


def train_step(model, net, x, y, compiled):
    def loss_of(x, y):
        found = model(x)
        if net.target == "input":
            return nn.functional.mse_loss(found, x)
        if found.dim() == 3:
            found, y = found.flatten(0, 1), y.flatten()
        return nn.functional.cross_entropy(found, y)

    loss_of = torch.compile(loss_of) if compiled else loss_of
    if net.optimizer in ("adam", "adamw"):
        kind = torch.optim.Adam if net.optimizer == "adam" else torch.optim.AdamW
        optimizer = kind(model.parameters(), lr=net.lr, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=net.lr, momentum=net.momentum,
                                    weight_decay=net.decay, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(x, y).backward()
        optimizer.step()
    return step


def measure(name, compiled, seconds):
    net, best = nets.NETS[name], {}
    formats = [torch.contiguous_format]
    if len(net.shape) == 3:
        formats.append(torch.channels_last)
    for memory_format in formats:
        torch.manual_seed(1)
        torch._dynamo.reset()
        model, out = build(net.layers, net.shape, net.tokens)
        model = model.to(memory_format=memory_format)

        def images(n):
            if net.tokens:
                return torch.randint(net.tokens, (n, *net.shape))
            return torch.rand(n, *net.shape).to(memory_format=memory_format)

        places = () if net.target == "class" else out[:-1] if len(out) == 2 else out[1:]
        x, y = images(net.batch), torch.randint(max(net.classes, 1), (net.batch, *places))
        found = {"train_step": nets.median_ms(train_step(model, net, x, y, compiled), seconds)}
        model.eval()
        for n in (1, 32):
            with torch.inference_mode():
                x, f = images(n), torch.compile(model, dynamic=False) if compiled else model
                found[f"infer{n}"] = nets.median_ms(lambda: f(x), seconds)
        best = {what: min(ms, best.get(what, ms)) for what, ms in found.items()}
    return best


def cold(path):
    import numpy as np
    x, y = map(torch.from_numpy, nets.emoji_arrays(path))
    net = nets.NETS["emoji"]
    model = build(net.layers, net.shape)[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=net.lr)
    for index in torch.from_numpy(np.random.permutation(800)).split(net.batch):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[index]), y[index]).backward()
        optimizer.step()
    with torch.no_grad():
        nn.functional.cross_entropy(model(x[800:]), y[800:])


def main():
    options = nets.options(__doc__)
    torch.set_num_threads(options.threads)
    if options.cold:
        return cold(options.cold)
    for name in options.net:
        for peer, compiled in (("PyTorch eager", False), ("PyTorch compile", True)):
            for what, ms in measure(name, compiled, options.seconds).items():
                nets.report(peer, name, what, options.threads, ms)


if __name__ == "__main__":
    main()
