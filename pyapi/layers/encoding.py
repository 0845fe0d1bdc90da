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


class RandomFlip(Layer):
    """Pictures (B,Y,X,C) as they are or mirrored, by chance, in training

    ``mode``: horizontal (left and right change places), vertical, or horizontal_and_vertical.
    """

    kind = "random_flip"
    arguments = {"mode": "horizontal_and_vertical", "seed": None, "data_format": None}
    ignored = ("data_format",)

    def check(self) -> None:
        if self.data_format not in (None, "channels_last"):
            raise ValueError(
                f"layer {self.name}: data_format must be channels_last, got {self.data_format!r}"
            )


__all__ = ["CategoryEncoding", "RandomFlip", "Rescaling"]
