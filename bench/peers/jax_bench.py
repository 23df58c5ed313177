#!/usr/bin/env python3
"""JAX: one jitted function for the training step, its buffers donated, one for inference."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import nets


def initial(layers, shape, rng):
    """Parameters, statistics (lists as nested as the layers) and the shape that comes out.
    Images are H x W x C, kernels H x W x in x out: what XLA prefers on a CPU."""
    params, stats = [], []
    for i, (kind, *arg) in enumerate(layers):
        p, s = {}, {}
        if kind == "conv":
            c, k, step, pad = arg
            bound = (k * k * shape[-1]) ** -0.5
            p["w"] = rng.uniform(-bound, bound, (k, k, shape[-1], c))
            if nets.has_bias(layers, i):
                p["b"] = rng.uniform(-bound, bound, c)
            shape = (*((n + 2 * pad - k) // step + 1 for n in shape[:2]), c)
        elif kind == "bn":
            p = {"w": np.ones(shape[-1]), "b": np.zeros(shape[-1])}
            s = {"mean": np.zeros(shape[-1]), "var": np.ones(shape[-1])}
        elif kind == "maxpool":
            shape = (shape[0] // arg[0], shape[1] // arg[0], shape[2])
        elif kind == "gap":
            shape = shape[-1:]
        elif kind == "linear":
            inputs = int(np.prod(shape))
            bound = inputs ** -0.5
            p = {"w": rng.uniform(-bound, bound, (inputs, arg[0])),
                 "b": rng.uniform(-bound, bound, arg[0])}
            shape = (arg[0],)
        elif kind == "add":
            (*a, result), (*b, _) = initial(arg[0], shape, rng), initial(arg[1], shape, rng)
            p, s, shape = [a[0], b[0]], [a[1], b[1]], result
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
        if kind == "conv":
            _, _, step, pad = arg
            x = lax.conv_general_dilated(x, p["w"], (step, step), ((pad, pad), (pad, pad)),
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + p["b"] if "b" in p else x
        elif kind == "bn":
            x, s = batch_norm(x, p, s, train)
        elif kind == "relu":
            x = jax.nn.relu(x)
        elif kind == "maxpool":
            window = (1, arg[0], arg[0], 1)
            x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        elif kind == "gap":
            x = jnp.mean(x, (1, 2))
        elif kind == "linear":
            x = x.reshape(len(x), -1) @ p["w"] + p["b"]
        elif kind == "add":
            a, s0 = forward(arg[0], p[0], s[0], x, train)
            b, s1 = forward(arg[1], p[1], s[1], x, train)
            x, s = a + b, [s0, s1]
        new_stats.append(s)
    return x, new_stats


def loss_of(layers, params, stats, x, y):
    logits, stats = forward(layers, params, stats, x, True)
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y]), stats


def functions(net):
    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, stats, velocity, x, y):
        grad = jax.value_and_grad(partial(loss_of, net.layers), has_aux=True)
        (loss, stats), g = grad(params, stats, x, y)
        if net.decay:
            g = jax.tree.map(lambda d, p: d + net.decay * p, g, params)
        if net.momentum:
            g = velocity = jax.tree.map(lambda v, d: net.momentum * v + d, velocity, g)
        return jax.tree.map(lambda p, d: p - net.lr * d, params, g), stats, velocity, loss

    infer = jax.jit(lambda params, stats, x: forward(net.layers, params, stats, x, False)[0])
    return step, infer


def start(net):
    c, h, w = net.shape
    params, stats, _ = initial(net.layers, (h, w, c), np.random.default_rng(1))
    velocity = jax.tree.map(np.zeros_like, params) if net.momentum else []
    return [jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), t)
            for t in (params, stats, velocity)]


def measure(name, seconds):
    net, rng = nets.NETS[name], np.random.default_rng(2)
    step, infer = functions(net)
    state = [*start(net), None]

    def images(n):
        c, h, w = net.shape
        return jnp.asarray(rng.random((n, h, w, c)), jnp.float32)

    x, y = images(net.batch), jnp.asarray(rng.integers(net.classes, size=net.batch))

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
    state = [*start(net), None]
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
