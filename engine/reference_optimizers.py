"""The less usual optimizer steps, penalties and clipping in NumPy: part of the reference."""

import numpy as np
from numpy import abs, maximum, sqrt

__all__ = [
    "adadelta_step",
    "adagrad_step",
    "adamax_step",
    "amsgrad_step",
    "clip_norm_step",
    "clip_value_step",
    "nadam_step",
    "penalty_step",
]


def amsgrad_step(g, w, mean, square, largest, *, learning_rate, beta_1, beta_2, epsilon, decay, t):
    w = w - decay * w
    mean = mean + (1 - beta_1) * (g - mean)
    square = square + (1 - beta_2) * (g * g - square)
    largest = maximum(largest, square)
    rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - rate * mean / (sqrt(largest) + epsilon), mean, square, largest


def adagrad_step(g, w, square, *, learning_rate, square_start, epsilon, decay):
    square = square + g * g
    return w - decay * w - learning_rate * g / sqrt(square + epsilon), square


def adadelta_step(g, w, square, change, *, learning_rate, rho, epsilon, decay):
    square = rho * square + (1 - rho) * g * g
    delta = -sqrt(change + epsilon) / sqrt(square + epsilon) * g
    change = rho * change + (1 - rho) * delta * delta
    return w - decay * w + learning_rate * delta, square, change


def adamax_step(g, w, mean, largest, *, learning_rate, beta_1, beta_2, epsilon, decay, t):
    mean = mean + (1 - beta_1) * (g - mean)
    largest = maximum(beta_2 * largest, abs(g))
    push = learning_rate / (1 - beta_1**t) * mean / (largest + epsilon)
    return w - decay * w - push, mean, largest


def nadam_step(g, w, mean, square, *, learning_rate, beta_1, beta_2, epsilon, decay, t):
    momentum = beta_1 * (1 - 0.5 * 0.96 ** np.arange(1, t + 2))
    product = np.prod(momentum[:t])
    mean = mean + (1 - beta_1) * (g - mean)
    square = square + (1 - beta_2) * (g * g - square)
    ahead = momentum[t] * mean / (1 - product * momentum[t])
    push = ahead + (1 - momentum[t - 1]) * g / (1 - product)
    scale = sqrt(square / (1 - beta_2**t)) + epsilon
    return w - decay * w - learning_rate * push / scale, mean, square


def penalty_step(w, g, *, l1, l2):
    """(what the loss grows by, the gradient)"""
    return l1 * abs(w).sum() + l2 * (w * w).sum(), g + l1 * np.sign(w) + 2 * l2 * w


def clip_value_step(g, *, limit):
    return np.clip(g, -limit, limit)


def clip_norm_step(g, *, limit):
    norm = sqrt((g * g).sum())
    return g * limit / norm if norm > limit else g
