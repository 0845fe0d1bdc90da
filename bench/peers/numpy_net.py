"""NumPy at its best: float32, every buffer allocated once, ``out=`` everywhere, few passes.

The kernels before a sigmoid are negated instead of the much larger pre-activations:
sigmoid(z) = 1 / (1 + exp(-z)).
"""

import numpy as np

from ..harness import Timed
from . import numpy_rprop
from .numpy_rprop import sigmoid_of_minus


def inference(net, x):
    layers = []
    for (kernel, bias), name in zip(net.layers, net.activations, strict=True):
        out = np.empty((len(x), len(bias)), np.float32)
        sign = -1 if name == "sigmoid" else 1
        layers.append((sign * kernel, sign * bias, out, ACTIVATE[name]))

    def predict(x):
        for kernel, bias, out, activate in layers:
            np.dot(x, kernel, out=out)
            out += bias
            activate(out)
            x = out
        return x

    return Timed(predict, x)


def _relu(z):
    np.maximum(z, 0.0, out=z)


def _softmax(z):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)


ACTIVATE = {"sigmoid": sigmoid_of_minus, "relu": _relu, "softmax": _softmax}


def rprop(net, x, y):
    return numpy_rprop.timed(numpy_rprop.RowMajor, net, x, y)
