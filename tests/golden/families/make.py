#!/usr/bin/env python3
"""Networks as others build them, that are not among models/: PyTorch's figures in double precision."""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from figures import Case, fan, swap, write  # noqa: E402

CASES = {}
SGD = "optimizer sgd momentum=0.9; lr 0.02;"
ADAM = "optimizer adam; lr 0.002;"


def sgd(p):
    return torch.optim.SGD(p, lr=0.02, momentum=0.9)


def adam(p):
    return torch.optim.Adam(p, lr=0.002)


def case(name, text, net, inputs, target, train=SGD, optimizer=sgd, batch=4, **k):
    CASES[name] = Case(f"{text.strip()}\ntrain {{ {train} batch {batch}; }}", net, inputs, target, batch,
                       optimizer=optimizer, start=fan, **k)


class BothWays(nn.Module):
    """Two recurrent layers, each in both directions, as nn.LSTM(5, 6, 2, bidirectional=True); by its own modules,
    so that each has netc's name."""

    def __init__(self, kind, word):
        super().__init__()
        self.word = word
        for i, c in enumerate((5, 5, 12, 12), 1):
            self.add_module(f"{word}{i}", kind(c, 6, batch_first=True))
        self.fc1 = nn.Linear(12 * 7, 3)

    def layer(self, i, x):
        a, b = getattr(self, f"{self.word}{i}"), getattr(self, f"{self.word}{i + 1}")
        return torch.cat([a(x)[0], b(x.flip(1))[0].flip(1)], 2)

    def forward(self, x):
        return self.fc1(swap(self.layer(3, self.layer(1, swap(x)))).flatten(1))


for word, kind in (("lstm", nn.LSTM), ("gru", nn.GRU)):
    case(f"{word}-both-ways", f"""
input 5x7; classes 3;
concat {{ {word} 6; }} {{ reverse; {word} 6; reverse; }};
concat {{ {word} 6; }} {{ reverse; {word} 6; reverse; }};
linear classes;""", BothWays(kind, word), [("x", (5, 7))], ("label", (), 3), train=ADAM, optimizer=adam)


class Llama(nn.Module):
    """Rotary, causal, norms by squares, gated widths, and the head is the token table."""

    def __init__(self, units=2, c=16, heads=4):
        super().__init__()
        self.embed1, self.heads, self.units = nn.Embedding(23, c), heads, units
        for i in range(units):
            for j in range(7):
                self.add_module(f"dense{7 * i + j + 1}", nn.Linear(*((c, c) if j < 4 else (c, 32) if j < 6 else
                                                                      (32, c)), bias=False))
        for i in range(2 * units + 1):
            self.add_module(f"rmsnorm{i + 1}", nn.RMSNorm(c, eps=1e-5))
        self.add_module(f"dense{7 * units + 1}", nn.Linear(c, 23, bias=False))

    def turn(self, x):
        d = x.shape[-1]
        angle = torch.arange(x.shape[2])[:, None] * 10000.0 ** (-2 * torch.arange(d // 2).double() / d)
        a, b = x.chunk(2, -1)
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)

    def forward(self, x):
        at = lambda word, i: getattr(self, f"{word}{i}")
        split = lambda t: t.reshape(*t.shape[:2], self.heads, -1).transpose(1, 2)
        h = self.embed1(x)
        for i in range(self.units):
            z = at("rmsnorm", 2 * i + 1)(h)
            q, k, v, o, gate, up, down = (at("dense", 7 * i + j) for j in range(1, 8))
            y = F.scaled_dot_product_attention(self.turn(split(q(z))), self.turn(split(k(z))), split(v(z)),
                                               is_causal=True)
            h = h + o(y.transpose(1, 2).flatten(2))
            z = at("rmsnorm", 2 * i + 2)(h)
            h = h + down(F.silu(gate(z)) * up(z))
        h = at("rmsnorm", 2 * self.units + 1)(h)
        return swap(at("dense", 7 * self.units + 1)(h))


case("llama", """
input 9 of 23; target 9 of 23;
block unit() {
  add {} {
    rmsnorm eps=0.00001;
    attention { dense 16 bias=0; rope heads=4; } { dense 16 bias=0; rope heads=4; }
      { dense 16 bias=0; } heads=4 causal=1;
    dense 16 bias=0;
  };
  add {} { rmsnorm eps=0.00001; mul { dense 32 bias=0; silu; } { dense 32 bias=0; }; dense 16 bias=0; };
}
embed 16;
repeat 2 { unit; }
rmsnorm eps=0.00001;
dense 23 bias=0;""", Llama(), [("x", (9,), 23)], ("label", (9,), 23), train="optimizer adamw; lr 0.002;",
     optimizer=lambda p: torch.optim.AdamW(p, lr=0.002))


class Gated(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(c, c, 2, dilation=d), nn.Conv1d(c, c, 2, dilation=d)
        self.d = d

    def forward(self, x):
        x = F.pad(x, (self.d, 0))
        return self.conv1(x).tanh() * self.conv2(x).sigmoid()


class Step(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv1d(c, c, 1)

    def forward(self, h, z):
        return h + self.conv1(z)


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates, residuals and a sum of skips."""

    def __init__(self, c=8):
        super().__init__()
        self.h0 = nn.Conv1d(2, c, 1)
        for i in (1, 2, 3):
            self.add_module(f"g{i}", Gated(c, 2 ** (i - 1)))
            self.add_module(f"s{i}", nn.Conv1d(c, c, 1))
        self.h1, self.h2, self.conv13 = Step(c), Step(c), nn.Conv1d(c, 5, 1)

    def forward(self, x):
        h = self.h0(x)
        z1 = self.g1(h)
        h = self.h1(h, z1)
        z2 = self.g2(h)
        h = self.h2(h, z2)
        return self.conv13(F.relu(self.s1(z1) + self.s2(z2) + self.s3(self.g3(h))))


case("wavenet", """
input 2x20; target 20 of 5;
block gated(d) { mul { conv 8 k2 d=d p=causal tanh; } { conv 8 k2 d=d p=causal sigmoid; }; }
h0: conv 8 k1;
g1: gated 1;
s1: conv 8 k1;
h1: add @h0 { conv @g1 8 k1; };
g2: gated 2;
s2: conv 8 k1;
h2: add @h1 { conv @g2 8 k1; };
g3: gated 4;
s3: conv 8 k1;
add @s1 @s2 @s3 relu;
conv 5 k1;""", WaveNet(), [("x", (2, 20))], ("label", (20,), 5), train=ADAM, optimizer=adam)


class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(1, 6, 3, 1, 1, bias=False), nn.BatchNorm3d(6)
        self.conv2, self.bn2 = nn.Conv3d(6, 6, 3, 1, 1, bias=False), nn.BatchNorm3d(6)
        self.conv3, self.fc1 = nn.Conv3d(6, 8, 3, 2, 1), nn.Linear(8, 3)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).tanh()
        x = F.avg_pool3d((x + self.bn2(self.conv2(x))).tanh(), 2)
        return self.fc1(self.conv3(x).tanh().mean((2, 3, 4)))


case("volumes", """
input 1x6x8x8; classes 3;
conv 6 k3 p1 bias=0 bn tanh;
add {} { conv 6 k3 p1 bias=0 bn; } tanh;
avgpool 2;
conv 8 k3 s2 p1 tanh;
gap;
linear classes;""", Volumes(), [("x", (1, 6, 8, 8))], ("label", (), 3))


class DenseNet(nn.Module):
    """Every layer sees the results of all before it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        for i, c in enumerate((8, 12, 16), 1):
            self.add_module(f"bn{i}", nn.BatchNorm2d(c))
            self.add_module(f"conv{i + 1}", nn.Conv2d(c, 4, 3, 1, 1, bias=False))
        self.bn4, self.conv5, self.fc1 = nn.BatchNorm2d(20), nn.Conv2d(20, 10, 1, bias=False), nn.Linear(10, 4)

    def forward(self, x):
        x = self.conv1(x)
        for i in (1, 2, 3):
            x = torch.cat([x, getattr(self, f"conv{i + 1}")(F.silu(getattr(self, f"bn{i}")(x)))], 1)
        x = F.avg_pool2d(self.conv5(F.silu(self.bn4(x))), 2)
        return self.fc1(x.mean((2, 3)))


case("densenet", """
input 3x8x8; classes 4;
conv 8 k3 p1 bias=0;
repeat 3 { concat {} { bn silu; conv 4 k3 p1 bias=0; }; }
bn silu;
conv 10 k1 bias=0;
avgpool 2;
gap;
linear classes;""", DenseNet(), [("x", (3, 8, 8))], ("label", (), 4))


class Squeezed(nn.Module):
    """A unit of ResNeXt (convolutions in groups), its channels weighed by what the image holds (SE)."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 12, 3, 1, 1, bias=False), nn.BatchNorm2d(12)
        self.conv2, self.bn2 = nn.Conv2d(12, 12, 3, 1, 1, groups=3, bias=False), nn.BatchNorm2d(12)
        self.fc1, self.fc2, self.fc3 = nn.Linear(12, 4), nn.Linear(4, 12), nn.Linear(12, 4)

    def forward(self, x):
        x = F.silu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(x))
        gate = self.fc2(F.silu(self.fc1(y.mean((2, 3))))).sigmoid()
        return self.fc3(F.silu(x + y * gate[:, :, None, None]).mean((2, 3)))


case("squeeze", """
input 3x7x7; classes 4;
conv 12 k3 p1 bias=0 bn silu;
add {} { conv 12 k3 p1 g3 bias=0 bn; mul {} { gap; linear 4 silu; linear 12 sigmoid; }; } silu;
gap;
linear classes;""", Squeezed(), [("x", (3, 7, 7))], ("label", (), 4))


class ClassToken(nn.Module):
    """A vision transformer that tells by a learned token before the patches."""

    def __init__(self, c=16):
        super().__init__()
        self.conv1 = nn.Conv2d(3, c, 4, 4)
        self.prefix1, self.position1 = nn.Module(), nn.Embedding(5, c)
        self.prefix1.weight = nn.Parameter(torch.zeros(1, c))
        self.layernorm1, self.layernorm2, self.layernorm3 = (nn.LayerNorm(c) for _ in range(3))
        self.attn1 = nn.MultiheadAttention(c, 4, batch_first=True)
        self.dense1, self.dense2, self.fc1 = nn.Linear(c, 32), nn.Linear(32, c), nn.Linear(c, 3)

    def forward(self, x):
        x = swap(self.conv1(x).flatten(2))
        x = torch.cat([self.prefix1.weight.expand(len(x), 1, -1), x], 1) + self.position1.weight
        z = self.layernorm1(x)
        x = x + self.attn1(z, z, z, need_weights=False)[0]
        x = x + self.dense2(F.gelu(self.dense1(self.layernorm2(x)), approximate="tanh"))
        return self.fc1(self.layernorm3(x)[:, 0])


case("class-token", """
input 3x8x8; classes 3;
conv 16 k4 s4;
sequence;
prefix;
position;
add {} { layernorm; attention heads=4; };
add {} { layernorm; dense 32 gelu; dense 16; };
layernorm;
slice 0 1 along=length;
linear classes;""", ClassToken(), [("x", (3, 8, 8))], ("label", (), 3))


class Mixer(nn.Module):
    """MLP-Mixer: matrices over positions and over channels in turn."""

    def __init__(self, c=12, length=9):
        super().__init__()
        self.conv1, self.fc1 = nn.Conv2d(3, c, 3, 3), nn.Linear(c, 3)
        for i in (1, 2):
            for j, (a, b) in enumerate(((length, 7), (7, length), (c, 20), (20, c)), 1):
                self.add_module(f"dense{4 * (i - 1) + j}", nn.Linear(a, b))
            for j in (1, 2):
                self.add_module(f"layernorm{2 * (i - 1) + j}", nn.LayerNorm(c))

    def forward(self, x):
        x = swap(self.conv1(x).flatten(2))
        for i in (0, 1):
            a, b, c, d = (getattr(self, f"dense{4 * i + j}") for j in (1, 2, 3, 4))
            norm1, norm2 = (getattr(self, f"layernorm{2 * i + j}") for j in (1, 2))
            x = x + swap(b(F.gelu(a(swap(norm1(x))), approximate="tanh")))
            x = x + d(F.gelu(c(norm2(x)), approximate="tanh"))
        return self.fc1(x.mean(1))


case("mixer", """
input 3x9x9; classes 3;
conv 12 k3 s3;
sequence;
repeat 2 {
  add {} { layernorm; transpose; dense 7 gelu; dense 9; transpose; };
  add {} { layernorm; dense 20 gelu; dense 12; };
}
gap;
linear classes;""", Mixer(), [("x", (3, 9, 9))], ("label", (), 3), train=ADAM, optimizer=adam)


class Towers(nn.Module):
    """What a person thinks of a thing: both as vectors, their product added up."""

    def __init__(self):
        super().__init__()
        self.embed1, self.embed2 = nn.Embedding(30, 8), nn.Embedding(40, 8)
        self.a, self.b = nn.Linear(8, 8), nn.Linear(16, 8)

    def forward(self, who, what):
        a = self.a(self.embed1(who).flatten(1)).tanh()
        b = self.b(swap(self.embed2(what)).flatten(1)).tanh()
        return (a * b).sum(1, keepdim=True)


case("towers", """
who: input 1 of 30; what: input 2 of 40; target 1;
embed @who 8;
a: linear 8 tanh;
embed @what 8;
b: linear 8 tanh;
mul @a @b;
reduce_sum;""", Towers(), [("x", (1,), 30), ("what", (2,), 40)], ("target", (1,)), loss=F.mse_loss,
     train="loss mse; " + ADAM, optimizer=adam)


class Generator(nn.Module):
    """An autoencoder as generators of images are built: transposed convolutions, norms, leaky units."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 12, 4, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.fc1, self.fc2 = nn.Linear(48, 6), nn.Linear(6, 48)
        self.deconv1, self.bn2 = nn.ConvTranspose2d(12, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.deconv2 = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), 0.2)
        x = self.fc2(self.fc1(F.leaky_relu(self.bn1(self.conv2(x)), 0.2).flatten(1)))
        x = self.bn2(self.deconv1(F.elu(x).unflatten(1, (12, 2, 2))))
        return self.deconv2(F.elu(x)).sigmoid()


case("generator", """
input 3x8x8; target input;
conv 8 k4 s2 p1; leaky_relu 0.2;
conv 12 k4 s2 p1 bias=0 bn; leaky_relu 0.2;
linear 6;
linear 48 elu;
unflatten 12 2 2;
deconv 8 k4 s2 p1 bias=0; bn elu;
deconv 3 k4 s2 p1 sigmoid;""", Generator(), [("x", (3, 8, 8))], None, loss=F.mse_loss, train="loss mse; " + ADAM,
     optimizer=adam)


class Reader(nn.Module):
    """Pictures of writing: convolutions, columns as a sequence, a recurrent layer, a class for every column."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.gru1, self.dense1 = nn.GRU(16, 10, batch_first=True), nn.Linear(10, 7)

    def forward(self, x):
        x = F.max_pool2d(F.elu(self.conv1(x)), 2)
        x = F.avg_pool2d(F.elu(self.conv2(x)), (2, 1))
        return swap(self.dense1(self.gru1(swap(x.flatten(1, 2)))[0]))


case("reader", """
input 1x8x12; target 6 of 7;
conv 6 k3 p1 elu; maxpool 2;
conv 8 k3 p1 elu; avgpool 2x1;
flatten; unflatten1d 16 6;
gru 10;
dense 7;""", Reader(), [("x", (1, 8, 12))], ("label", (6,), 7), train=ADAM, optimizer=adam)



class Three(nn.Module):
    """One tower for three pictures, of which the losses compare the codes; there is no target."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Module()
        self.tower.conv1, self.tower.fc1 = nn.Conv2d(1, 4, 3, 2), nn.Linear(36, 6)

    def code(self, x):
        return self.tower.fc1(F.elu(self.tower.conv1(x)).flatten(1))

    def forward(self, a, p, q):
        self.codes = self.code(a), self.code(p), self.code(q)
        return self.codes[2]


three = Three()


def triplet(y, _):
    a, p, q = three.codes
    apart = F.relu(((a - p) ** 2).sum(1) - ((a - q) ** 2).sum(1) + 0.5)
    among = F.log_softmax(F.normalize(a) @ F.normalize(p).T / 0.5, 1).diagonal()
    return apart.mean() - 0.3 * among.mean() + 0.01 * (y**2).sum(1).mean()


case("triplet", """
op apart(a[N,C], p[N,C], q[N,C], margin=1) -> l[N] loss {
  near[n] += (a[n,c] - p[n,c]) * (a[n,c] - p[n,c]);
  far[n] += (a[n,c] - q[n,c]) * (a[n,c] - q[n,c]);
  l[n] = max(near[n] - far[n] + margin, 0);
}
op among(a[N,C], p[N,C], heat=0.5) -> l[N] loss {
  s[n,m] += a[n,c] * p[m,c] / heat for m:N;
  top[n] max= s[n,m];
  sum[n] += exp(s[n,m] - stop(top[n]));
  own[n] += a[n,c] * p[n,c] / heat;
  l[n] = log(sum[n]) + stop(top[n]) - own[n];
}
op small(x[N,C]) -> l[N] loss { l[n] += x[n,c] * x[n,c]; }
one: input 1x8x8; two: input 1x8x8; three: input 1x8x8;
shared block tower() { conv 4 k3 s2 elu; linear 6; }
a: tower @one;
p: tower @two;
an: lpnorm @a;
pn: lpnorm @p;
q: tower @three;""", three, [("x", (1, 8, 8)), ("two", (1, 8, 8)), ("three", (1, 8, 8))], (), loss=triplet,
     train="loss apart @a @p @q margin=0.5; loss among @an @pn times=0.3; loss small times=0.01; " + SGD)


class Coder(nn.Module):
    """Half of a variational autoencoder: the code has a price of its own, next to the picture's."""

    def __init__(self):
        super().__init__()
        self.fc1, self.code, self.fc3 = nn.Linear(10, 8), nn.Linear(8, 6), nn.Linear(6, 10)

    def forward(self, x):
        self.latent = self.code(torch.tanh(self.fc1(x)))
        return self.fc3(torch.tanh(self.latent))


coder = Coder()


def price(y, t):
    mean, spread = coder.latent[:, :3], coder.latent[:, 3:]
    return F.mse_loss(y, t) - 0.1 * 0.5 * (1 + spread - mean**2 - spread.exp()).sum(1).mean()


case("coder", """
op kl(x[N,C]) -> l[N] loss {
  let D = C/2;
  l[n] += -0.5 * (1 + x[n,D+d] - x[n,d]*x[n,d] - exp(x[n,D+d])) for d:D;
}
input 10; target input;
linear 8 tanh;
code: linear 6;
tanh;
linear 10;""", coder, [("x", (10,))], None, loss=price, train="loss mse; loss kl @code times=0.1; " + ADAM,
     optimizer=adam)

write(HERE, CASES)
