"""Ops that choose numbers by their places, and the order of numbers."""

import numpy as np

from respnet.engine.gpu.arrays import module_of
from respnet.engine.tensors.table import Holder, composed, gradient_of, op


def _plain_index(index):
    """An index without tensors."""
    if isinstance(index, tuple):
        return tuple(_plain_index(each) for each in index)
    index = index.tensor() if isinstance(index, Holder) else index
    return getattr(index, "value", index)


def _scattered(x, index, dy):
    """Zeros like x with dy added at the places of an index, repeated ones too."""
    dx = module_of(dy).zeros(x.shape, dy.dtype)
    module_of(dy).add.at(dx, index, dy)
    return dx


@op("an index within the array")
def get_item(x, index):
    """x[index]"""
    return x[_plain_index(index)]


@gradient_of(get_item)
def get_item_gradient(dy, y, x, index):
    return (_scattered(x, _plain_index(index), dy),)


@composed
def slice(inputs, start_indices, shape):
    """The block of a shape that begins at start_indices."""
    from builtins import slice as span

    ends = zip(start_indices, shape, strict=True)
    return get_item(inputs, tuple(span(first, first + n) for first, n in ends))


@op("whole numbers within the axis", 2)
def take(x, indices, axis=None):
    """Places of x along an axis, by number; of all its numbers if there is no axis."""
    numbers = indices if hasattr(indices, "dtype") else np.asarray(indices)
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise TypeError
    return np.take(x, indices, axis=axis)


@gradient_of(take)
def take_gradient(dy, y, x, indices, axis=None):
    if axis is None:
        return (_scattered(x.reshape(-1), indices, dy).reshape(x.shape), None)
    before = (np.s_[:],) * (axis % x.ndim)
    return (_scattered(x, (*before, indices), dy), None)


@composed
def gather(x, indices, axis=0):
    """take along an axis, the first if none is told."""
    return take(x, indices, axis)


@op("whole numbers in a shape like the array's but for the axis", 2)
def take_along_axis(x, indices, axis=None):
    """For each place along the other axes, the numbers there by index."""
    return np.take_along_axis(x, indices, axis=axis)


@gradient_of(take_along_axis)
def take_along_axis_gradient(dy, y, x, indices, axis=None):
    if axis is None:
        return (_scattered(x.reshape(-1), indices, dy).reshape(x.shape), None)
    axis %= x.ndim
    index = list(np.ix_(*(range(n) for n in dy.shape)))
    index[axis] = np.broadcast_to(indices, dy.shape)
    # along axes where x has length 1 the indices were repeated
    index = [i * 0 if x.shape[k] == 1 and k != axis else i for k, i in enumerate(index)]
    return (_scattered(x, tuple(index), dy), None)


@op("whole numbers below num_classes")
def one_hot(x, num_classes, axis=-1, dtype="float32"):
    """1 at the place of each number, else 0; numbers outside give zeros."""
    x = np.asarray(x) if isinstance(x, (int, list)) else x
    if x.dtype.kind not in "iu":
        raise TypeError
    places = module_of(x).arange(num_classes)
    hot = (x[..., None] == places).astype(dtype)
    return np.moveaxis(hot, -1, axis)


@op("one axis that the array has")
def argsort(x, axis=-1):
    """The places of the numbers in rising order."""
    return np.argsort(x, axis=axis, kind="stable")


@composed
def sort(x, axis=-1):
    """The numbers in rising order."""
    return take_along_axis(x, argsort(x, axis), axis)


@composed
def top_k(x, k, sorted=True):
    """(the k largest numbers along the last axis, falling; their places)"""
    places = argsort(-x if hasattr(x, "dtype") else -np.asarray(x))[..., :k]
    return take_along_axis(x, places, -1), places
