"""The reference of ops that join, move, encode and make noise: plain NumPy."""

from math import prod

import numpy as np

from respnet.engine.reference_noise import hashes

__all__ = [
    "affine",
    "concatenate",
    "count_tokens",
    "maximum_backward",
    "maximum_forward",
    "minimum_backward",
    "minimum_forward",
    "normal",
    "one_hot",
    "rearrange_backward",
    "rearrange_forward",
    "split",
]


def affine(x, *, scale, offset):
    return scale * x + offset


def maximum_forward(x, other):
    return np.maximum(x, other)


def maximum_backward(x, other, dy):
    return dy * np.where(x == other, 0.5, x > other)


def minimum_forward(x, other):
    return np.minimum(x, other)


def minimum_backward(x, other, dy):
    return dy * np.where(x == other, 0.5, x < other)


def concatenate(x, y, *, places):
    parts = [v.reshape(len(v), places, -1) for v in (x, y)]
    return np.concatenate(parts, axis=2)


def split(z, *, places, width):
    z = z.reshape(len(z), places, -1)
    return z[:, :, :width], z[:, :, width:]


def _sources(lengths, strides, offset):
    """Which number of a row of x each place of y reads."""
    places = np.indices(lengths).reshape(len(lengths), -1)
    return offset + np.array(strides) @ places


def rearrange_forward(x, *, lengths, strides, offset):
    return x.reshape(len(x), -1)[:, _sources(lengths, strides, offset)]


def rearrange_backward(dy, *, lengths, strides, offset, columns):
    dx = np.zeros((len(dy), columns))
    where = _sources(lengths, strides, offset)
    for i in range(len(dy)):
        np.add.at(dx[i], where, dy[i].reshape(prod(lengths)))
    return dx


def one_hot(x, *, tokens):
    return np.eye(tokens)[x.astype(int)]


def count_tokens(x, *, tokens, once):
    counts = one_hot(x, tokens=tokens).sum(axis=-2)
    return np.minimum(counts, 1) if once else counts


def normal(x, *, mean, deviation, salt, seed):
    """Box and Muller 1958: a normal number from two uniform ones."""
    first, second = hashes(2 * x.size, salt, seed).reshape(-1, 2).T.astype(float)
    size = np.sqrt(-2 * np.log((first + 1) / 2**32))
    return mean + deviation * (size * np.cos(2 * np.pi * second / 2**32)).reshape(x.shape)
