#!/usr/bin/env python3
"""ONNX Runtime: inference only. The graphs are built here, with random weights."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import nets


class Builder:
    def __init__(self, tokens):
        self.tokens = tokens
        self.nodes, self.weights, self.count = [], [], 0
        self.rng = np.random.default_rng(1)

    def node(self, kind, *inputs, **attributes):
        self.count += 1
        out = f"t{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def weight(self, shape, bound=None):
        a = np.ones(shape) if bound is None else self.rng.uniform(-bound, bound, shape)
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(a.astype(np.float32), name))
        return name

    def layers(self, layers, x, shape):
        for kind, *arg in layers:
            x, shape = getattr(self, kind)(x, shape, *arg)
        return x, shape

    def conv(self, x, shape, c, k, s, p, d, g, bias):
        bound = (shape[0] * k * k // g) ** -0.5
        w = [self.weight((c, shape[0] // g, k, k), bound)] + [self.weight((c,), bound)] * bias
        x = self.node("Conv", x, *w, kernel_shape=[k, k], strides=[s, s], pads=[p] * 4,
                      dilations=[d, d], group=g)
        return x, (c, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n in shape[1:]))

    def dw(self, x, shape, k, s, p, bias):
        return self.conv(x, shape, shape[0], k, s, p, 1, shape[0], bias)

    def bn(self, x, shape):
        c = (shape[0],)
        w = [self.weight(c), self.weight(c, 0.5), self.weight(c, 0.5), self.weight(c)]
        return self.node("BatchNormalization", x, *w), shape

    def relu(self, x, shape):
        return self.node("Relu", x), shape

    def maxpool(self, x, shape, k):
        x = self.node("MaxPool", x, kernel_shape=[k, k], strides=[k, k])
        return x, (shape[0], shape[1] // k, shape[2] // k)

    def avgpool(self, x, shape, k):
        x = self.node("AveragePool", x, kernel_shape=[k, k], strides=[k, k])
        return x, (shape[0], shape[1] // k, shape[2] // k)

    def relu6(self, x, shape):
        low, high = self.weight((), 0), self.weight(())
        self.weights[-1] = numpy_helper.from_array(np.float32(6), high)
        return self.node("Clip", x, low, high), shape

    def tanh(self, x, shape):
        return self.node("Tanh", x), shape

    def sigmoid(self, x, shape):
        return self.node("Sigmoid", x), shape

    def silu(self, x, shape):
        return self.node("Mul", x, self.node("Sigmoid", x)), shape

    def gelu(self, x, shape):
        return self.node("Gelu", x, approximate="tanh"), shape

    def dropout(self, x, shape, p):
        return x, shape

    def gap(self, x, shape):
        if len(shape) == 2:
            return self.node("ReduceMean", x, self.whole([1]), keepdims=0), shape[1:]
        return self.node("Flatten", self.node("GlobalAveragePool", x)), shape[:1]

    def linear(self, x, shape, outputs):
        if len(shape) > 1:
            x, shape = self.node("Flatten", x), (int(np.prod(shape)),)
        bound = shape[0] ** -0.5
        w = self.weight((outputs, shape[0]), bound), self.weight((outputs,), bound)
        return self.node("Gemm", x, *w, transB=1), (outputs,)

    def whole(self, numbers):
        self.weights.append(numpy_helper.from_array(np.array(numbers), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def deconv(self, x, shape, c, k, s, p):
        bound = (c * k * k) ** -0.5
        w = self.weight((shape[0], c, k, k), bound), self.weight((c,), bound)
        x = self.node("ConvTranspose", x, *w, kernel_shape=[k, k], strides=[s, s], pads=[p] * 4)
        return x, (c, *((n - 1) * s - 2 * p + k for n in shape[1:]))

    def unflatten(self, x, shape, *to):
        return self.node("Reshape", x, self.whole([-1, *to])), to

    def sequence(self, x, shape):
        flat = self.node("Reshape", x, self.whole([0, shape[0], -1]))
        return self.node("Transpose", flat, perm=[0, 2, 1]), (shape[1] * shape[2], shape[0])

    def embed(self, x, shape, width):
        return self.node("Gather", self.weight((self.tokens, width), 1), x), (*shape, width)

    def position(self, x, shape):
        return self.node("Add", x, self.weight(shape, 0.02)), shape

    def layernorm(self, x, shape):
        w = self.weight(shape[-1:]), self.weight(shape[-1:], 0.5)
        return self.node("LayerNormalization", x, *w), shape

    def dense(self, x, shape, outputs):
        bound = shape[-1] ** -0.5
        x = self.node("MatMul", x, self.weight((shape[-1], outputs), bound))
        return self.node("Add", x, self.weight((outputs,), bound)), (*shape[:-1], outputs)

    def attention(self, x, shape, heads, causal):
        """ONNX Runtime's own operator, which its optimizer makes of such graphs."""
        width = shape[1]
        bound = width ** -0.5
        w = self.weight((width, 3 * width), bound), self.weight((3 * width,), bound)
        x = self.node("Attention", x, *w, num_heads=heads, unidirectional=causal,
                      domain="com.microsoft")
        return self.dense(x, shape, width)

    def recurrent(self, kind, gates, x, shape, outputs, **attributes):
        bound = outputs ** -0.5
        w = [self.weight((1, gates * outputs, n), bound) for n in (shape[1], outputs)]
        w.append(self.weight((1, 2 * gates * outputs), bound))
        x = self.node(kind, self.node("Transpose", x, perm=[1, 0, 2]), *w, hidden_size=outputs,
                      **attributes)
        x = self.node("Squeeze", x, self.whole([1]))
        return self.node("Transpose", x, perm=[1, 0, 2]), (shape[0], outputs)

    def lstm(self, x, shape, outputs):
        return self.recurrent("LSTM", 4, x, shape, outputs)

    def gru(self, x, shape, outputs):
        return self.recurrent("GRU", 3, x, shape, outputs, linear_before_reset=1)

    def add(self, x, shape, a, b):
        a, result = self.layers(a, x, shape)
        return self.node("Add", a, self.layers(b, x, shape)[0]), result

    def concat(self, x, shape, a, b):
        (a, left), (b, right) = self.layers(a, x, shape), self.layers(b, x, shape)
        return self.node("Concat", a, b, axis=1), (left[0] + right[0], *left[1:])


def session(net, batch, threads):
    b = Builder(net.tokens)
    out, shape = b.layers(net.layers, "x", net.shape)
    kind = TensorProto.INT64 if net.tokens else TensorProto.FLOAT
    images = helper.make_tensor_value_info("x", kind, (batch, *net.shape))
    graph = helper.make_graph(
        b.nodes, "net", [images],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, (batch, *shape))], b.weights)
    model = helper.make_model(graph, ir_version=9, opset_imports=[
        helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def main():
    options = nets.options(__doc__)
    for name in options.net:
        net = nets.NETS[name]
        for n in (1, 32):
            s = session(net, n, options.threads)
            rng, size = np.random.default_rng(2), (n, *net.shape)
            x = rng.integers(net.tokens, size=size) if net.tokens else rng.random(size, np.float32)
            ms = nets.median_ms(lambda: s.run(None, {"x": x}), options.seconds)
            nets.report("ONNX Runtime", name, f"infer{n}", options.threads, ms)


if __name__ == "__main__":
    main()
