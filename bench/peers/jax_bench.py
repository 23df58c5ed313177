#!/usr/bin/env python3
"""JAX: one jitted function for the training step, its buffers donated, one for inference."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import nets


def as_conv(kind, arg, channels):
    return arg if kind == "conv" else (channels, *arg[:3], 1, channels, arg[3])


POINTWISE = {"relu": jax.nn.relu, "relu6": jax.nn.relu6, "silu": jax.nn.silu, "tanh": jnp.tanh,
             "sigmoid": jax.nn.sigmoid, "gelu": partial(jax.nn.gelu, approximate=True)}


def dense(rng, inputs, outputs):
    bound = inputs ** -0.5
    return {"w": rng.uniform(-bound, bound, (inputs, outputs)),
            "b": rng.uniform(-bound, bound, outputs)}


def apply_dense(x, p):
    return x @ p["w"] + p["b"]


def attention(x, p, heads, causal):
    q, k, v = jnp.split(apply_dense(x, p["in"]), 3, -1)
    q, k, v = (a.reshape(*a.shape[:2], heads, -1) for a in (q, k, v))
    y = jax.nn.dot_product_attention(q, k, v, is_causal=bool(causal))
    return apply_dense(y.reshape(x.shape), p["out"])


def lstm_step(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + apply_dense(h, p), 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru_step(p, state, x):
    h, = state
    (r0, z0, n0), (r1, z1, n1) = jnp.split(x, 3, -1), jnp.split(apply_dense(h, p), 3, -1)
    z = jax.nn.sigmoid(z0 + z1)
    h = (1 - z) * jnp.tanh(n0 + jax.nn.sigmoid(r0 + r1) * n1) + z * h
    return (h,), h


def recurrent(x, p, kind):
    """The products of the inputs for all steps at once, as libraries do it."""
    zero = jnp.zeros((len(x), p["by"]["w"].shape[0]))
    state, step = ((zero, zero), lstm_step) if kind == "lstm" else ((zero,), gru_step)
    into = jnp.swapaxes(apply_dense(x, p["in"]), 0, 1)
    return jnp.swapaxes(lax.scan(partial(step, p["by"]), state, into)[1], 0, 1)


def layer_norm(x, p):
    mean, var = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p["w"] + p["b"]


def initial(layers, shape, rng, tokens=0):
    """Parameters, statistics (lists as nested as the layers) and the shape that comes out.
    Images are H x W x C, kernels H x W x in x out: what XLA prefers on a CPU."""
    params, stats = [], []
    for kind, *arg in layers:
        p, s = {}, {}
        if kind in ("conv", "dw"):
            c, k, step, pad, dil, g, bias = as_conv(kind, arg, shape[-1])
            bound = (k * k * shape[-1] // g) ** -0.5
            p["w"] = rng.uniform(-bound, bound, (k, k, shape[-1] // g, c))
            if bias:
                p["b"] = rng.uniform(-bound, bound, c)
            shape = (*((n + 2 * pad - dil * (k - 1) - 1) // step + 1 for n in shape[:2]), c)
        elif kind == "bn":
            p = {"w": np.ones(shape[-1]), "b": np.zeros(shape[-1])}
            s = {"mean": np.zeros(shape[-1]), "var": np.ones(shape[-1])}
        elif kind in ("maxpool", "avgpool"):
            shape = (shape[0] // arg[0], shape[1] // arg[0], shape[2])
        elif kind == "gap":
            shape = shape[-1:]
        elif kind == "deconv":
            c, k, step, pad = arg
            bound = (k * k * c) ** -0.5
            p = {"w": rng.uniform(-bound, bound, (k, k, shape[-1], c)), "b": np.zeros(c)}
            shape = (*((n - 1) * step - 2 * pad + k for n in shape[:2]), c)
        elif kind == "unflatten":
            shape = (arg[1], arg[2], arg[0])
        elif kind == "sequence":
            shape = (shape[0] * shape[1], shape[2])
        elif kind == "embed":
            p = rng.normal(size=(tokens, arg[0]))
            shape = (*shape, arg[0])
        elif kind == "position":
            p = 0.02 * rng.normal(size=shape)
        elif kind == "layernorm":
            p = {"w": np.ones(shape[-1]), "b": np.zeros(shape[-1])}
        elif kind == "attention":
            p = {"in": dense(rng, shape[-1], 3 * shape[-1]), "out": dense(rng, *shape[-1:] * 2)}
        elif kind == "dense":
            p = dense(rng, shape[-1], arg[0])
            shape = (*shape[:-1], arg[0])
        elif kind in ("lstm", "gru"):
            gates = arg[0] * (4 if kind == "lstm" else 3)
            p = {"in": dense(rng, shape[-1], gates), "by": dense(rng, arg[0], gates)}
            shape = (shape[0], arg[0])
        elif kind == "dropout":
            s = np.asarray(jax.random.PRNGKey(1))
        elif kind == "linear":
            p = dense(rng, int(np.prod(shape)), arg[0])
            shape = (arg[0],)
        elif kind in ("add", "concat"):
            (*a, left), (*b, right) = (initial(i, shape, rng, tokens) for i in arg)
            p, s = [a[0], b[0]], [a[1], b[1]]
            shape = left if kind == "add" else (*left[:-1], left[-1] + right[-1])
        params.append(p)
        stats.append(s)
    return params, stats, shape


def batch_norm(x, p, s, train):
    if train:
        n = x.shape[0] * x.shape[1] * x.shape[2]
        mean, var = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
        s = {"mean": 0.9 * s["mean"] + 0.1 * mean, "var": 0.9 * s["var"] + 0.1 * var * n / (n - 1)}
    else:
        mean, var = s["mean"], s["var"]
    return (x - mean) * (lax.rsqrt(var + 1e-5) * p["w"]) + p["b"], s


def forward(layers, params, stats, x, train):
    new_stats = []
    for (kind, *arg), p, s in zip(layers, params, stats):
        if kind in ("conv", "dw"):
            _, _, step, pad, dil, g, _ = as_conv(kind, arg, x.shape[-1])
            x = lax.conv_general_dilated(x, p["w"], (step, step), ((pad, pad), (pad, pad)),
                                         rhs_dilation=(dil, dil), feature_group_count=g,
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + p["b"] if "b" in p else x
        elif kind == "bn":
            x, s = batch_norm(x, p, s, train)
        elif kind in POINTWISE:
            x = POINTWISE[kind](x)
        elif kind == "dropout" and train:
            key, s = jax.random.split(s)
            x = jnp.where(jax.random.bernoulli(key, 1 - arg[0], x.shape), x / (1 - arg[0]), 0)
        elif kind == "maxpool":
            box = (1, arg[0], arg[0], 1)
            x = lax.reduce_window(x, -jnp.inf, lax.max, box, box, "VALID")
        elif kind == "avgpool":
            box = (1, arg[0], arg[0], 1)
            x = lax.reduce_window(x, 0.0, lax.add, box, box, "VALID") / arg[0] ** 2
        elif kind == "gap":
            x = jnp.mean(x, tuple(range(1, x.ndim - 1)))
        elif kind == "deconv":
            _, k, step, pad = arg
            x = lax.conv_transpose(x, p["w"], (step, step), ((k - 1 - pad, k - 1 - pad),) * 2,
                                   dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["b"]
        elif kind == "unflatten":
            x = x.reshape(len(x), arg[1], arg[2], arg[0])
        elif kind == "sequence":
            x = x.reshape(len(x), -1, x.shape[-1])
        elif kind == "embed":
            x = p[x]
        elif kind == "position":
            x = x + p
        elif kind == "layernorm":
            x = layer_norm(x, p)
        elif kind == "attention":
            x = attention(x, p, *arg)
        elif kind == "dense":
            x = apply_dense(x, p)
        elif kind in ("lstm", "gru"):
            x = recurrent(x, p, kind)
        elif kind == "linear":
            x = apply_dense(x.reshape(len(x), -1), p)
        elif kind in ("add", "concat"):
            a, s0 = forward(arg[0], p[0], s[0], x, train)
            b, s1 = forward(arg[1], p[1], s[1], x, train)
            x, s = a + b if kind == "add" else jnp.concatenate((a, b), -1), [s0, s1]
        new_stats.append(s)
    return x, new_stats


def loss_of(layers, params, stats, x, y):
    found, stats = forward(layers, params, stats, x, True)
    if y is None:
        return jnp.mean((found - x) ** 2), stats
    chosen = jnp.take_along_axis(jax.nn.log_softmax(found), y[..., None], -1)
    return -jnp.mean(chosen), stats


def adam(net, params, g, moments):
    t = moments["t"] + 1
    m = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, moments["m"], g)
    v = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, moments["v"], g)
    if net.optimizer == "adamw":
        params = jax.tree.map(lambda p: p * (1 - net.lr * 0.01), params)
    params = jax.tree.map(
        lambda p, m, v: p - net.lr * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
        params, m, v)
    return params, {"m": m, "v": v, "t": t}


def sgd(net, params, g, velocity):
    if net.decay:
        g = jax.tree.map(lambda d, p: d + net.decay * p, g, params)
    if net.momentum:
        g = velocity = jax.tree.map(lambda v, d: net.momentum * v + d, velocity, g)
    return jax.tree.map(lambda p, d: p - net.lr * d, params, g), velocity


def functions(net):
    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, stats, kept, x, y):
        grad = jax.value_and_grad(partial(loss_of, net.layers), has_aux=True)
        (loss, stats), g = grad(params, stats, x, y)
        params, kept = (adam if "adam" in net.optimizer else sgd)(net, params, g, kept)
        return params, stats, kept, loss

    infer = jax.jit(lambda params, stats, x: forward(net.layers, params, stats, x, False)[0])
    return step, infer


def sizes(net):
    return (*net.shape[1:], net.shape[0]) if len(net.shape) == 3 else net.shape


def start(net):
    params, stats, out = initial(net.layers, sizes(net), np.random.default_rng(1), net.tokens)
    zeros = jax.tree.map(np.zeros_like, params)
    kept = zeros if net.momentum else []
    if "adam" in net.optimizer:
        kept = {"m": zeros, "v": zeros, "t": np.zeros(())}

    def on_device(a):
        return jnp.array(a) if a.dtype == np.uint32 else jnp.array(a, jnp.float32)

    return [jax.tree.map(on_device, t) for t in (params, stats, kept)], out


def measure(name, seconds):
    net, rng = nets.NETS[name], np.random.default_rng(2)
    step, infer = functions(net)
    state, out = start(net)
    state.append(None)

    def images(n):
        if net.tokens:
            return jnp.asarray(rng.integers(net.tokens, size=(n, *net.shape)), jnp.int32)
        return jnp.asarray(rng.random((n, *sizes(net))), jnp.float32)

    places = () if net.target == "class" else out[:-1]
    x, y = images(net.batch), None
    if net.target != "input":
        y = jnp.asarray(rng.integers(max(net.classes, 1), size=(net.batch, *places)), jnp.int32)

    def one_step():
        state[:] = step(*state[:3], x, y)
        jax.block_until_ready(state)

    found = {"train_step": nets.median_ms(one_step, seconds)}
    for n in (1, 32):
        x_n = images(n)
        found[f"infer{n}"] = nets.median_ms(
            lambda x=x_n: infer(*state[:2], x).block_until_ready(), seconds)
    return found


def cold(path):
    x, y = nets.emoji_arrays(path)
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    net = nets.NETS["emoji"]
    step, infer = functions(net)
    state = [*start(net)[0], None]
    order = np.random.permutation(800)
    for i in range(0, 800, net.batch):
        index = order[i:i + net.batch]
        state = step(*state[:3], x[index], y[index])
    infer(*state[:2], x[800:]).block_until_ready()


def main():
    options = nets.options(__doc__)
    if options.cold:
        return cold(options.cold)
    for name in options.net:
        for what, ms in measure(name, options.seconds).items():
            nets.report("JAX", name, what, options.threads, ms)


if __name__ == "__main__":
    main()
