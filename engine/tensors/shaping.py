"""Ops that move numbers without changing them, and arrays made from nothing."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.tensors.elementwise import unbroadcast
from respnet.engine.tensors.table import LIST, OPS, Holder, composed, constant, gradient_of, op


@op("as many numbers as the new shape has; one length may be -1")
def reshape(x, newshape):
    """The same numbers in another shape."""
    return np.reshape(x, newshape)


@gradient_of(reshape)
def reshape_gradient(dy, y, x, newshape):
    return (np.reshape(dy, x.shape),)


@op("each axis of the array once")
def transpose(x, axes=None):
    """Axes in another order; turned round if none is given."""
    return np.transpose(x, axes)


@gradient_of(transpose)
def transpose_gradient(dy, y, x, axes=None):
    back = None if axes is None else tuple(np.argsort(np.mod(axes, x.ndim)).tolist())
    return (np.transpose(dy, back),)


@op("an axis of the result")
def expand_dims(x, axis):
    """A new axis of length 1."""
    return np.expand_dims(x, axis)


@gradient_of(expand_dims)
def expand_dims_gradient(dy, y, x, axis):
    return (np.reshape(dy, x.shape),)


@op("axes of length 1")
def squeeze(x, axis=None):
    """Without axes of length 1."""
    return np.squeeze(x, axis)


@gradient_of(squeeze)
def squeeze_gradient(dy, y, x, axis=None):
    return (np.reshape(dy, x.shape),)


@op("a shape that the array broadcasts to")
def broadcast_to(x, shape):
    """x repeated to a shape."""
    return np.broadcast_to(x, shape).copy()


@gradient_of(broadcast_to)
def broadcast_to_gradient(dy, y, x, shape):
    return (unbroadcast(dy, x),)


@op("arrays of equal shapes but for the axis, in a list", LIST)
def concatenate(xs, axis=0):
    """Arrays one behind the other along an axis."""
    return np.concatenate(xs, axis)


@gradient_of(concatenate)
def concatenate_gradient(dy, y, xs, axis=0):
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1].tolist()
    return np.split(dy, ends, axis)


@composed
def stack(x, axis=0):
    """Arrays of one shape along a new axis."""
    return concatenate([expand_dims(each, axis) for each in x], axis)


@composed
def split(x, indices_or_sections, axis=0):
    """Parts along an axis: so many equal ones, or cut in front of these numbers."""
    n = shape(x)[axis]
    cuts = indices_or_sections
    if isinstance(cuts, int):
        if cuts < 1 or n % cuts:
            raise ShapeError(f"split got {n} along axis {axis}; it wants a multiple of {cuts}")
        cuts = range(n // cuts, n, n // cuts)
    ends = [0, *cuts, n]
    before = (slice(None),) * (axis % len(shape(x)))
    part = OPS["get_item"].call
    return [part(x, (*before, slice(a, b))) for a, b in zip(ends, ends[1:], strict=False)]


@op("(before, after) for each axis, and a number")
def pad(x, pad_width, mode="constant", constant_values=0):
    """x with a border of one number."""
    if mode != "constant":
        raise ValueError
    return np.pad(x, pad_width, constant_values=constant_values)


@gradient_of(pad)
def pad_gradient(dy, y, x, pad_width, mode="constant", constant_values=0):
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    inside = (slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))
    return (dy[tuple(inside)],)


@op("how often for each axis")
def tile(x, repeats):
    """The whole array several times along axes."""
    return np.tile(x, repeats)


@gradient_of(tile)
def tile_gradient(dy, y, x, repeats):
    times = np.atleast_1d(repeats).tolist()
    ndim = len(times) if len(times) > x.ndim else x.ndim
    times = [1] * (ndim - len(times)) + times
    shape = [1] * (ndim - x.ndim) + list(x.shape)
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    return (dy.reshape(pairs).sum(axis=tuple(range(0, 2 * ndim, 2))).reshape(x.shape),)


@op("a whole number, and an axis that the array has or None")
def repeat(x, repeats, axis=None):
    """Each number (or each place along an axis) so many times."""
    if not isinstance(repeats, (int, np.integer)):
        raise TypeError
    return np.repeat(x, repeats, axis)


@gradient_of(repeat)
def repeat_gradient(dy, y, x, repeats, axis=None):
    shape = (x.size,) if axis is None else x.shape
    at = 0 if axis is None else axis % x.ndim
    parts = dy.reshape(*shape[: at + 1], repeats, *shape[at + 1 :])
    return (parts.sum(axis=at + 1).reshape(x.shape),)


@op("axes that the array has")
def flip(x, axis=None):
    """The other way round along axes."""
    return np.flip(x, axis)


@gradient_of(flip)
def flip_gradient(dy, y, x, axis=None):
    return (np.flip(dy, axis),)


@op("an array")
def shape(x):
    """The lengths of the axes."""
    return np.shape(x)


@op("an array")
def size(x):
    """How many numbers there are."""
    return int(np.size(x))


# --- from nothing, or without a gradient --------------------------------------------------------


@constant
def zeros(shape, dtype="float32"):
    """Zeros; float32 as in Keras."""
    return np.zeros(shape, dtype)


@constant
def ones(shape, dtype="float32"):
    """Ones; float32 as in Keras."""
    return np.ones(shape, dtype)


@constant
def full(shape, fill_value, dtype="float32"):
    """One number everywhere; float32 unless told otherwise."""
    return np.full(shape, fill_value, dtype)


@constant
def arange(start, stop=None, step=1, dtype=None):
    """Numbers from start (0 if it is alone) up to stop; as NumPy, of their own type."""
    return np.arange(0, start, step, dtype) if stop is None else np.arange(start, stop, step, dtype)


@op("an array")
def zeros_like(x, dtype=None):
    """Zeros of the shape and type of x."""
    return np.zeros_like(x, dtype=dtype)


@gradient_of(zeros_like)
def zeros_like_gradient(dy, y, x, dtype=None):
    return (None,)


@op("an array")
def ones_like(x, dtype=None):
    """Ones of the shape and type of x."""
    return np.ones_like(x, dtype=dtype)


gradient_of(ones_like)(zeros_like_gradient)


@op("an array of numbers")
def convert_to_tensor(x, dtype=None):
    """An array of what may be a list; an array as it is."""
    x = x if hasattr(x, "dtype") and not isinstance(x, np.generic) else np.asarray(x)
    return x if dtype is None else x.astype(dtype)


@gradient_of(convert_to_tensor)
def convert_to_tensor_gradient(dy, y, x, dtype=None):
    return (dy,)


@constant
def convert_to_numpy(x):
    """The numbers as a NumPy array, off any tape."""
    x = x.tensor() if isinstance(x, Holder) else x
    x = getattr(x, "value", x)
    return x.get() if hasattr(x, "get") else np.asarray(x)


@constant
def stop_gradient(x):
    """The same numbers as a constant: no gradient goes through."""
    x = x.tensor() if isinstance(x, Holder) else x
    return getattr(x, "value", x)
