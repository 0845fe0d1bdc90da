"""Activations of the reference, in plain NumPy: value and derivative."""

import math

import numpy as np
from numpy import abs, exp, log1p, maximum, sqrt, tanh, where

_ERF = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return where(x >= 0, 1 / (1 + exp(-abs(x))), exp(-abs(x)) / (1 + exp(-abs(x))))


def _gelu_slope(x):
    return (1 + _ERF(x / sqrt(2))) / 2 + x * exp(-x * x / 2) / sqrt(2 * np.pi)


# name -> (value of x, derivative from x and y)
ACTIVATIONS = {
    "linear": (lambda x: x, lambda x, y: np.ones_like(y)),
    "sigmoid": (sigmoid, lambda x, y: y * (1 - y)),
    "tanh": (tanh, lambda x, y: 1 - y * y),
    "relu": (lambda x: maximum(x, 0), lambda x, y: where(y > 0, 1.0, 0.0)),
    "leaky_relu": (lambda x: where(x < 0, 0.2 * x, x), lambda x, y: where(y < 0, 0.2, 1.0)),
    "elu": (
        lambda x: where(x < 0, np.expm1(np.minimum(x, 0)), x),
        lambda x, y: where(y < 0, y + 1, 1.0),
    ),
    "gelu": (lambda x: x * (1 + _ERF(x / sqrt(2))) / 2, lambda x, y: _gelu_slope(x)),
    "softplus": (lambda x: maximum(x, 0) + log1p(exp(-abs(x))), lambda x, y: 1 - exp(-y)),
    "exponential": (exp, lambda x, y: y),
}
