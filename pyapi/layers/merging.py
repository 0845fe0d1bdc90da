"""Layers that join several inputs of one model. Axes of length 1 repeat where others are longer."""

from .base import Layer


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


__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
