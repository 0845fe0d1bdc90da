"""The reference of normalisation and of activations with constants or parameters: plain NumPy."""

import numpy as np
from numpy import exp, sqrt, where

__all__ = [
    "elu_backward",
    "elu_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "moments",
    "moving_average",
    "normalize_backward",
    "normalize_forward",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
]


def _rows(x, columns=None):
    return x.reshape(-1, columns or x.shape[-1])


def _weights(weight, x):
    """(weight of each row as a column, their sum)"""
    if weight is None:
        return 1.0, len(x)
    return weight.reshape(-1, 1), weight.sum() + 1e-7


def moments(x, weight):
    x = _rows(x)
    w, count = _weights(weight, x)
    mean = (w * x).sum(axis=0) / count
    return mean, (w * (x - mean) ** 2).sum(axis=0) / count


def normalize_forward(x, mean, variance, gamma, beta, *, epsilon):
    y = (x - mean) / sqrt(variance + epsilon) * (1 if gamma is None else gamma)
    return y if beta is None else y + beta


def normalize_backward(x, mean, variance, gamma, weight, dy, *, epsilon, fixed):
    x, dy = _rows(x), _rows(dy)
    w, count = _weights(weight, x)
    scale = 1 / sqrt(variance + epsilon)
    normal = (x - mean) * scale
    dgamma, dbeta = (dy * normal).sum(axis=0), dy.sum(axis=0)
    d = dy if fixed else dy - w / count * (dbeta + normal * dgamma)
    return d * scale * (1 if gamma is None else gamma), dgamma, dbeta


def moving_average(value, average, *, momentum):
    return (1 - momentum) * (value - average)


def layer_norm_forward(x, gamma, beta, *, epsilon, width):
    x = _rows(x, width)
    mean = x.mean(axis=1, keepdims=True)
    scale = 1 / sqrt(x.var(axis=1, keepdims=True) + epsilon)
    y = (x - mean) * scale * (1 if gamma is None else gamma.ravel())
    return y if beta is None else y + beta.ravel(), np.hstack([mean, scale])


def layer_norm_backward(x, gamma, statistics, dy, *, width):
    x, dy = _rows(x, width), _rows(dy, width)
    mean, scale = statistics.reshape(-1, 2, 1).transpose(1, 0, 2)
    normal = (x - mean) * scale
    d = dy * (1 if gamma is None else gamma.ravel())
    sums = d.mean(axis=1, keepdims=True), (d * normal).mean(axis=1, keepdims=True)
    dx = scale * (d - sums[0] - normal * sums[1])
    return dx, (dy * normal).sum(axis=0), dy.sum(axis=0)


def log_softmax_forward(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(exp(x).sum(axis=-1, keepdims=True))


def log_softmax_backward(y, dy):
    return dy - exp(y) * dy.sum(axis=-1, keepdims=True)


def relu_forward(x, *, max_value, negative_slope, threshold):
    y = where(x < threshold, negative_slope * (x - threshold), x)
    return np.minimum(y, max_value)


def relu_backward(x, dy, *, max_value, negative_slope, threshold):
    return dy * where(x < threshold, negative_slope, where(x < max_value, 1.0, 0.0))


def elu_forward(x, *, alpha):
    return where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def elu_backward(x, y, dy, *, alpha):
    return where(x < 0, dy * (y + alpha), dy)


def prelu_forward(x, alpha):
    rows = _rows(x, alpha.size)
    return where(rows < 0, alpha.ravel() * rows, rows)


def prelu_backward(x, alpha, dy):
    x, dy = _rows(x, alpha.size), _rows(dy, alpha.size)
    return where(x < 0, alpha.ravel() * dy, dy), where(x < 0, dy * x, 0).sum(axis=0)
