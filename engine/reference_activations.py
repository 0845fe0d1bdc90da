"""Activations of the reference, in plain NumPy: value and derivative."""

import math

import numpy as np
from numpy import abs, exp, log1p, maximum, sqrt, tanh, where

_ERF = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return where(x >= 0, 1 / (1 + exp(-abs(x))), exp(-abs(x)) / (1 + exp(-abs(x))))


def _gelu_slope(x):
    return (1 + _ERF(x / sqrt(2))) / 2 + x * exp(-x * x / 2) / sqrt(2 * np.pi)


def _silu_slope(x):
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))


def _mish_slope(x):
    t = tanh(np.logaddexp(0, x))
    return t + x * sigmoid(x) * (1 - t * t)


def _between(y, low, high):
    return where((y > low) & (y < high), 1.0, 0.0)


def _hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


_SELU, _SELU_LOW = 1.0507009873554805, 1.7580993408473766

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
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x, y: _between(y, 0, 6)),
    "selu": (
        lambda x: where(x < 0, _SELU_LOW * np.expm1(np.minimum(x, 0)), _SELU * x),
        lambda x, y: where(y < 0, y + _SELU_LOW, _SELU),
    ),
    "silu": (lambda x: x * sigmoid(x), lambda x, y: _silu_slope(x)),
    "mish": (lambda x: x * tanh(np.logaddexp(0, x)), lambda x, y: _mish_slope(x)),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x, y: (1 - abs(y)) ** 2),
    "hard_sigmoid": (_hard_sigmoid, lambda x, y: _between(y, 0, 1) / 6),
    "hard_silu": (
        lambda x: x * _hard_sigmoid(x),
        lambda x, y: _hard_sigmoid(x) + _between(x, -3, 3) * x / 6,
    ),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), lambda x, y: _between(y, -1, 1)),
    "log_sigmoid": (lambda x: -np.logaddexp(0, -x), lambda x, y: 1 - exp(y)),
    "tanh_shrink": (lambda x: x - tanh(x), lambda x, y: tanh(x) ** 2),
    "soft_shrink": (lambda x: x - np.clip(x, -0.5, 0.5), lambda x, y: 1.0 * (y != 0)),
    "hard_shrink": (lambda x: where(abs(x) > 0.5, x, 0), lambda x, y: 1.0 * (y != 0)),
}
