"""The reference executor: every op in plain NumPy, run step by step. The oracle of the kernels.

Each function is named as its op and takes the read operands of the contract, then its attributes;
it returns the written ones in order. Slow on purpose: what it says should be checkable by eye.
"""

import numpy as np
from numpy import exp, maximum, sqrt, where

from respnet.engine.grouped import grouped_conv2d_backward, grouped_conv2d_forward  # noqa: F401
from respnet.engine.reference_activations import ACTIVATIONS
from respnet.engine.reference_image import *  # noqa: F403
from respnet.engine.reference_losses import *  # noqa: F403
from respnet.engine.reference_merge import *  # noqa: F403
from respnet.engine.reference_noise import hashes
from respnet.engine.reference_norm import *  # noqa: F403
from respnet.engine.reference_optimizers import *  # noqa: F403
from respnet.engine.reference_python import *  # noqa: F403
from respnet.engine.reference_recurrent import *  # noqa: F403
from respnet.engine.reference_sequence import *  # noqa: F403
from respnet.engine.warping import warp_backward, warp_forward  # noqa: F401


def scale_forward(x, scale, offset):
    return x * scale + offset


def dense_forward(x, kernel, bias, *, activation):
    z = x @ kernel
    return ACTIVATIONS[activation][0](z if bias is None else z + bias)


def dense_backward(x, kernel, dz):
    return dz @ kernel.T, x.T @ dz, dz.sum(axis=0)


def activation_forward(x, *, activation):
    return ACTIVATIONS[activation][0](x)


def activation_backward(x, y, dy, *, activation):
    return dy * ACTIVATIONS[activation][1](x, y)


def softmax_forward(x):
    e = exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(y, dy):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def dropout_mask(x, *, units, rate, salt, seed):
    """Whether a unit is kept is a hash of (seed, salt, row, unit)."""
    kept = hashes(len(x) * units, salt, seed) >= np.uint32(rate * 2**32)
    return where(kept.reshape(len(x), units), 1 / (1 - rate), 0)


def dropout_forward(x, *, rate, salt, seed):
    mask = dropout_mask(x, units=x[0].size, rate=rate, salt=salt, seed=seed)
    return x * mask.reshape(x.shape)


def dropout_backward(dy, *, rate, salt, seed):
    return dropout_forward(dy, rate=rate, salt=salt, seed=seed)


def uniform(x, *, units, salt, seed):
    return (hashes(len(x) * units, salt, seed) >> np.uint32(8)).reshape(-1, units) / 2.0**24


def copy(x):
    return x.copy()


def accumulate(x):
    return x


def rprop_step(
    g,
    w,
    step,
    previous,
    delta,
    *,
    increase,
    decrease,
    step_max,
    step_min,
    step_start,
    take_back,
    weight_decay,
    grew,
):
    g = g + weight_decay * w
    agreement = np.sign(g) * np.sign(previous)
    step = where(
        agreement > 0,
        np.minimum(step * increase, step_max),
        where(agreement < 0, maximum(step * decrease, step_min), step),
    )
    back = -delta if take_back or grew else np.zeros_like(delta)
    delta = where(agreement < 0, back, -np.sign(g) * step)
    return w + delta, step, where(agreement < 0, 0, g), delta


def sgd_step(g, w, velocity, *, learning_rate, momentum, nesterov, decay):
    w, push = w - decay * w, learning_rate * g
    velocity = momentum * velocity - push
    return w + (momentum * velocity - push if nesterov else velocity), velocity


def rmsprop_step(g, w, square, velocity, mean, *, learning_rate, rho, momentum, epsilon, decay):
    w = w - decay * w
    square = rho * square + (1 - rho) * g * g
    variance = square
    if mean is not None:
        mean = rho * mean + (1 - rho) * g
        variance = square - mean * mean
    velocity = momentum * velocity + learning_rate * g / sqrt(variance + epsilon)
    return w - velocity, square, velocity, mean


def adam_step(g, w, mean, square, *, learning_rate, beta_1, beta_2, epsilon, decay, t):
    w = w - decay * w
    mean = mean + (1 - beta_1) * (g - mean)
    square = square + (1 - beta_2) * (g * g - square)
    rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - rate * mean / (sqrt(square) + epsilon), mean, square
