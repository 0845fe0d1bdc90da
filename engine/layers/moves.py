"""Steps that several layers emit: repeating and gathering, products, picking along axes."""

from itertools import zip_longest
from math import prod

from respnet.engine.errors import SpecError


def common_shape(kind: str, shapes) -> tuple:
    """The shape that all ``shapes`` repeat to: aligned at the last axis, lengths equal or 1."""
    lengths = []
    for axis in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        longer = {length for length in axis if length != 1}
        if len(longer) > 1:
            raise SpecError(
                f"{kind} wants inputs of one shape, or of length 1 where they differ, "
                f"got {list(shapes)}"
            )
        lengths.append(longer.pop() if longer else 1)
    return tuple(reversed(lengths))


def strides_of(shape) -> list[int]:
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def _repeating(shape, target) -> dict:
    missing = len(target) - len(shape)
    strides = [0 if n == 1 else s for n, s in zip(shape, strides_of(shape), strict=True)]
    return {"lengths": tuple(target), "strides": (*[0] * missing, *strides), "offset": 0}


def repeated(b, x, shape):
    """x with its axes of length 1 repeated to ``shape``."""
    if x.shape == tuple(shape):
        return x
    y = b.buffer(shape)
    b.step("rearrange_forward", x, y, **_repeating(x.shape, shape))
    return y


def gathered(b, dy, shape):
    """The gradient of ``repeated``: sums along the axes that were repeated."""
    if dy.shape == tuple(shape):
        return dy
    dx = b.buffer(shape)
    b.step("rearrange_backward", dy, dx, columns=prod(shape), **_repeating(shape, dy.shape))
    return dx


def scaled(b, x, scale, offset=0.0):
    y = b.buffer(x.shape)
    b.step("affine", x, y, scale=float(scale), offset=float(offset))
    return y


def product(b, x, factor):
    y = b.buffer(x.shape)
    b.step("multiply", x, factor, y)
    return y


def either(b, mask, other):
    """1 where one of two masks is."""
    both = b.buffer(mask.shape)
    b.step("maximum_forward", mask, other, both)
    return both


def transposed(b, x, order):
    """x with axis ``order[i]`` of its rows in place i."""
    strides = strides_of(x.shape)
    y = b.buffer([x.shape[i] for i in order])
    picked = tuple(strides[i] for i in order)
    b.step("rearrange_forward", x, y, lengths=y.shape, strides=picked, offset=0)
    return y
