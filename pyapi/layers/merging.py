"""Layers that join several inputs of one model."""

from .base import Layer


class Add(Layer):
    """The sum of inputs of one shape."""

    kind = "add"


def add(inputs, **options):
    """``Add()(inputs)``"""
    return Add(**options)(inputs)


__all__ = ["Add", "add"]
