"""Layers that join several inputs of one model. Axes of length 1 repeat where others are longer."""

from .. import ops
from .base import REQUIRED, Layer


class Add(Layer):
    """x_1 + ... + x_k"""

    kind = "add"


class Subtract(Layer):
    """x_1 - x_2"""

    kind = "subtract"


class Multiply(Layer):
    """x_1 x_2 ... x_k, number by number"""

    kind = "multiply"


class Average(Layer):
    """(x_1 + ... + x_k) / k"""

    kind = "average"


class Maximum(Layer):
    """The largest of x_1 ... x_k"""

    kind = "maximum"


class Minimum(Layer):
    """The smallest of x_1 ... x_k"""

    kind = "minimum"


class Concatenate(Layer):
    """Inputs one after the other along ``axis``; 0 would be the batch"""

    kind = "concatenate"
    arguments = {"axis": -1}


class Dot(Layer):
    """Products of two inputs along an axis of each: x (B,I), y (B,I) -> (B,1)

    axes: of both, or (of x, of y); 0 is the batch, which stays: x (B,T,I), y (B,S,I) and axes 2 ->
    (B,T,S). normalize: of vectors of length 1 along the axes. A step in Python.
    """

    arguments = {"axes": REQUIRED, "normalize": False}

    def check(self) -> None:
        given = self.axes
        pair = [given, given] if isinstance(given, int) else list(given)
        if len(pair) != 2 or not all(type(axis) is int and axis for axis in pair):
            raise ValueError(
                f"layer {self.name}: axes must be a whole number or two of them, not 0, the batch; "
                f"got {given!r}"
            )
        self.axes = pair

    def call(self, inputs):
        if not isinstance(inputs, list) or len(inputs) != 2:
            raise ValueError(f"layer {self.name} wants two inputs")
        axes = [axis % x.ndim for x, axis in zip(inputs, self.axes, strict=True)]
        if self.normalize:
            pairs = zip(inputs, axes, strict=True)
            inputs = [x / ops.maximum(_length(x, axis), 1e-6) for x, axis in pairs]
        first, second = _letters([x.ndim for x in inputs], axes)
        result = "".join(x for x in first + second if x not in "az")
        y = ops.einsum(f"{first},{second}->a{result}", *inputs)
        return y if result else ops.expand_dims(y, 1)


def _length(x, axis: int):
    return ops.norm(x, axis=axis, keepdims=True)


def _letters(ranks, axes) -> list[str]:
    """Of each input: a of the batch, z of the axis that is summed, others by their turn."""
    others, found = iter("bcdefghijklmnopqrstuvwxy"), []
    for rank, axis in zip(ranks, axes, strict=True):
        rest = ["z" if k == axis else next(others) for k in range(1, rank)]
        found.append("".join(["a", *rest]))
    return found


def add(inputs, **options):
    """``Add()(inputs)``"""
    return Add(**options)(inputs)


def subtract(inputs, **options):
    """``Subtract()(inputs)``"""
    return Subtract(**options)(inputs)


def multiply(inputs, **options):
    """``Multiply()(inputs)``"""
    return Multiply(**options)(inputs)


def average(inputs, **options):
    """``Average()(inputs)``"""
    return Average(**options)(inputs)


def maximum(inputs, **options):
    """``Maximum()(inputs)``"""
    return Maximum(**options)(inputs)


def minimum(inputs, **options):
    """``Minimum()(inputs)``"""
    return Minimum(**options)(inputs)


def concatenate(inputs, axis=-1, **options):
    """``Concatenate(axis)(inputs)``"""
    return Concatenate(axis, **options)(inputs)


def dot(inputs, axes, normalize=False, **options):
    """``Dot(axes, normalize)(inputs)``"""
    return Dot(axes, normalize, **options)(inputs)


__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
