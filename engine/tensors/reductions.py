"""Ops along axes: sums, means, largest numbers, softmax.

axis: one, several or None for all; keepdims keeps what was summed over as axes of length 1.
"""

import numpy as np

from respnet.engine.tensors.elementwise import sqrt, square, subtract
from respnet.engine.tensors.table import composed, gradient_of, op

_AXES = "axes that the array has"


def _opened(dy, x, axis, keepdims):
    """dy with the axes that were summed over, of length 1."""
    if keepdims or axis is None:
        return np.reshape(dy, (1,) * np.ndim(x)) if axis is None else dy
    return np.expand_dims(dy, axis)


@op(_AXES)
def sum(x, axis=None, keepdims=False):
    """The sum along axes."""
    return np.sum(x, axis=axis, keepdims=keepdims)


@gradient_of(sum)
def sum_gradient(dy, y, x, axis=None, keepdims=False):
    return (np.broadcast_to(_opened(dy, x, axis, keepdims), x.shape),)


@op(_AXES)
def mean(x, axis=None, keepdims=False):
    """The mean along axes."""
    return np.mean(x, axis=axis, keepdims=keepdims)


@gradient_of(mean)
def mean_gradient(dy, y, x, axis=None, keepdims=False):
    count = x.size / (np.size(y) or 1)
    return (np.broadcast_to(_opened(dy, x, axis, keepdims), x.shape) / count,)


@op(_AXES)
def max(x, axis=None, keepdims=False):
    """The largest number along axes; equal ones share its gradient."""
    return np.max(x, axis=axis, keepdims=keepdims)


@gradient_of(max)
def max_gradient(dy, y, x, axis=None, keepdims=False):
    there = x == _opened(y, x, axis, keepdims)
    count = np.sum(there, axis=axis, keepdims=True)
    return (there * _opened(dy, x, axis, keepdims) / count,)


@op(_AXES)
def min(x, axis=None, keepdims=False):
    """The smallest number along axes; equal ones share its gradient."""
    return np.min(x, axis=axis, keepdims=keepdims)


gradient_of(min)(max_gradient)


@op(_AXES)
def prod(x, axis=None, keepdims=False):
    """The product along axes."""
    return np.prod(x, axis=axis, keepdims=keepdims)


@gradient_of(prod)
def prod_gradient(dy, y, x, axis=None, keepdims=False):
    """dx_i = dy times the product of the others: those before it times those after it."""
    axes = tuple(range(x.ndim)) if axis is None else np.atleast_1d(axis) % x.ndim
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, tuple(axes), last)
    flat = moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1)
    one = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([one, flat[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([one, flat[..., :0:-1]], -1), -1)[..., ::-1]
    others = np.moveaxis((before * after).reshape(moved.shape), last, tuple(axes))
    return (_opened(dy, x, axis, keepdims) * others,)


@op("one axis that the array has, or None")
def argmax(x, axis=None, keepdims=False):
    """Where the largest number is, the first of equal ones."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op("one axis that the array has, or None")
def argmin(x, axis=None, keepdims=False):
    """Where the smallest number is, the first of equal ones."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


@op(_AXES)
def all(x, axis=None, keepdims=False):
    """Whether all are true."""
    return np.all(x, axis=axis, keepdims=keepdims)


@op(_AXES)
def any(x, axis=None, keepdims=False):
    """Whether one is true."""
    return np.any(x, axis=axis, keepdims=keepdims)


@composed
def var(x, axis=None, keepdims=False):
    """The mean squared distance from the mean."""
    away = subtract(x, mean(x, axis=axis, keepdims=True))
    return mean(square(away), axis=axis, keepdims=keepdims)


@composed
def std(x, axis=None, keepdims=False):
    """The square root of var."""
    return sqrt(var(x, axis, keepdims))


@op(_AXES)
def logsumexp(x, axis=None, keepdims=False):
    """log of the sum of exp(x), without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis)


@gradient_of(logsumexp)
def logsumexp_gradient(dy, y, x, axis=None, keepdims=False):
    return (_opened(dy, x, axis, keepdims) * np.exp(x - _opened(y, x, axis, keepdims)),)


@op("an axis that the array has")
def softmax(x, axis=-1):
    """exp(x) / sum exp(x) along an axis."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@gradient_of(softmax)
def softmax_gradient(dy, y, x, axis=-1):
    return (y * (dy - np.sum(dy * y, axis=axis, keepdims=True)),)


@op("an axis that the array has")
def log_softmax(x, axis=-1):
    """log of softmax."""
    x = x - np.max(x, axis=axis, keepdims=True)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))


@gradient_of(log_softmax)
def log_softmax_gradient(dy, y, x, axis=-1):
    return (dy - np.exp(y) * np.sum(dy, axis=axis, keepdims=True),)


@op("one axis that the array has, or None")
def cumsum(x, axis=None):
    """Sums of the numbers up to each."""
    return np.cumsum(x, axis=axis)


@gradient_of(cumsum)
def cumsum_gradient(dy, y, x, axis=None):
    turned = np.flip(np.cumsum(np.flip(dy, axis or 0), axis or 0), axis or 0)
    return (turned.reshape(x.shape),)


@op(f"{_AXES}, and order 1, 2 or inf")
def norm(x, ord=2, axis=None, keepdims=False):
    """The length of vectors: order 1, 2 (of all numbers) or inf."""
    if ord not in (None, 1, 2, "inf", np.inf):
        raise ValueError
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord in (2, None):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    return np.max(np.abs(x), axis=axis, keepdims=keepdims)


@gradient_of(norm)
def norm_gradient(dy, y, x, ord=2, axis=None, keepdims=False):
    """Of order 2 at 0: 0."""
    if ord in (2, None):
        length = _opened(y, x, axis, keepdims)
        return (_opened(dy, x, axis, keepdims) * x / np.where(length == 0, 1, length),)
    step = sum_gradient if ord == 1 else max_gradient
    return (step(dy, y, np.abs(x), axis, keepdims)[0] * np.sign(x),)
