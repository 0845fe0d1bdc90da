"""ONNX nodes as dense, activation, normalising and merging layers of a spec.

Each handler is ``handler(walk, node, *inputs) -> what the outputs stand for``.
"""

from dataclasses import replace

import numpy as np

from respnet.engine.onnx.export_activations import NODES
from respnet.engine.onnx.translate import BATCH, FIRST, TIME, Flat, Sizes, Value, only
from respnet.engine.onnx.translate_images import rows_as_ours

_LINEAR = ("dense", "conv2d", "conv1d")


def _gemm(walk, node, x, kernel, bias=None):
    get = node.attributes.get
    only(get("alpha", 1.0) == get("beta", 1.0) == 1 and not get("transA", 0), "factors")
    only(isinstance(kernel, np.ndarray), "weights that are no constants")
    kernel = kernel.T if get("transB", 0) else kernel
    return _dense(walk, x, kernel, bias)


def _dense(walk, x, kernel, bias=None):
    units = kernel.shape[1]
    if isinstance(x, Value) and isinstance(x.axes, Flat):
        kernel, x = rows_as_ours(kernel, x.axes.shape), replace(x, axes=BATCH)
    config = {"units": units, "activation": "linear", "use_bias": bias is not None}
    weights = {"kernel": kernel}
    if bias is not None:
        only(isinstance(bias, np.ndarray) and bias.size in (1, units), "bias")
        weights["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    return walk.layer("dense", [x], config, weights)


def _matmul(walk, node, x, kernel):
    only(isinstance(kernel, np.ndarray) and kernel.ndim == 2, "a product of two values")
    if isinstance(x, Value) and x.axes == TIME:
        (made,) = _dense(walk, replace(x, axes=BATCH), kernel)
        return replace(made, axes=TIME)
    return _dense(walk, x, kernel)


def _add(walk, node, a, b):
    if isinstance(a, Value) and isinstance(b, Value):
        return _merge("add")(walk, node, a, b)
    source = node.inputs[0 if isinstance(a, Value) else 1]
    value, bias = (a, b) if isinstance(a, Value) else (b, a)
    if isinstance(value, Sizes):
        return Sizes()
    owner = walk.alone(source, value, "dense")
    only(owner is not None and not owner.config["use_bias"], "a constant is added")
    only(bias.size == owner.config["units"] == bias.shape[-1], "a constant is added")
    walk.weights[f"{owner.name}/bias"] = bias.reshape(-1)
    return replace(walk.change(owner, value, use_bias=True), axes=value.axes)


def _activation(name: str, **defaults):
    """A handler for activation ``name``; its attributes must have the values ours has."""

    def handler(walk, node, x):
        for key, default in defaults.items():
            want = NODES[name][1][key]
            got = node.attributes.get(key, default)
            only(abs(got - want) < 1e-6, f"{key} {got}, only {want} is a layer here")
        return _activated(walk, node, x, name)

    return handler


def _activated(walk, node, x, name: str):
    only(isinstance(x, Value), "it reads no value")
    owner = walk.alone(node.inputs[0], x, *_LINEAR)
    if owner is not None and owner.config["activation"] == "linear":
        return replace(walk.change(owner, x, activation=name), axes=x.axes)
    # Number by number: the order of axes does not matter (softmax has looked at it before).
    (made,) = walk.layer("activation", [replace(x, axes=BATCH)], {"activation": name})
    return replace(made, axes=x.axes)


def _softmax(walk, node, x, name="softmax"):
    rank = len(x.shape) + 1
    only(x.axes in (BATCH, TIME), "axes in another order")
    axis = node.attributes.get("axis", -1 if walk.net.opset >= 13 else 1)
    only(axis % rank == rank - 1, "an axis before the last")
    return _activated(walk, node, x, name)


def _gelu(walk, node, x):
    only(node.attributes.get("approximate", b"none") == b"none", "an approximation")
    return _activated(walk, node, x, "gelu")


def _same(walk, node, x, *others):
    return x


def _cast(walk, node, x):
    if isinstance(x, Value):
        return replace(x, index=node.attributes["to"] in (6, 7))
    return x


def _merge(kind: str):
    """A handler for a layer of two values; sizes stay sizes."""

    def handler(walk, node, *inputs):
        if all(isinstance(x, Value) for x in inputs) and len(inputs) == 2:
            shapes = {(x.shape, x.axes) for x in inputs}
            only(len(shapes) == 1, "values of different shapes")
            axes = inputs[0].axes
            (made,) = walk.layer(kind, [replace(x, axes=BATCH) for x in inputs], {})
            return replace(made, axes=axes)
        only(all(isinstance(x, (Sizes, np.ndarray)) for x in inputs), "no layer does this")
        return Sizes()

    return handler


def _batch_normalization(walk, node, x, gamma, beta, mean, variance):
    only(x.axes == FIRST or len(x.shape) == 1, "channels in another place")
    config = {"epsilon": float(node.attributes.get("epsilon", 1e-5))}
    weights = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    inputs = [replace(x, axes=BATCH)]
    (made,) = walk.layer("batch_normalization", inputs, config, weights)
    return replace(made, axes=x.axes)


HANDLERS = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _add,
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "Exp": _activation("exponential"),
    "Elu": _activation("elu", alpha=1.0),
    "LeakyRelu": _activation("leaky_relu", alpha=0.01),
    "Softmax": _softmax,
    "Gelu": _gelu,
    "Identity": _same,
    "Dropout": _same,
    "Cast": _cast,
    "Mul": _merge("multiply"),
    "Sub": _merge("subtract"),
    "Max": _merge("maximum"),
    "Min": _merge("minimum"),
    "Div": lambda walk, node, a, b: Sizes() if isinstance(a, Sizes) else only(False, "a quotient"),
    "BatchNormalization": _batch_normalization,
    "LogSoftmax": lambda walk, node, x: _softmax(walk, node, x, "log_softmax"),
    "Softsign": _activation("softsign"),
    "HardSwish": _activation("hard_silu"),
}
