"""Layers that bring data into the form a network wants."""

from .base import REQUIRED, Layer


class Rescaling(Layer):
    """scale x + offset: ``Rescaling(1 / 255)`` of pixels"""

    kind = "rescaling"
    arguments = {"scale": REQUIRED, "offset": 0.0}


class CategoryEncoding(Layer):
    """Whole numbers 0 .. num_tokens - 1 as 0 and 1

    ``one_hot``: each number becomes a row; ``multi_hot``, ``count``: the last axis becomes one row,
    of whether, or how often, each token is there. Another number is an error when it is met.
    """

    kind = "category_encoding"
    arguments = {"num_tokens": REQUIRED, "output_mode": "multi_hot", "sparse": False}
    ignored = ("sparse",)

    def check(self) -> None:
        if self.sparse:
            raise ValueError(f"layer {self.name}: sparse is not supported")


__all__ = ["CategoryEncoding", "Rescaling"]
