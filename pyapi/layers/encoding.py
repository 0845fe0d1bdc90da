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


_WARP = {
    "fill_mode": "reflect",
    "interpolation": "bilinear",
    "seed": None,
    "fill_value": 0.0,
    "data_format": None,
}


class RandomTranslation(RandomFlip):
    """Pictures (B,Y,X,C) moved by chance, in training

    Factors are parts of the height and the width, f for -f .. f or a pair; above 0 is down and
    right. ``fill_mode``: reflect, wrap, nearest or constant (``fill_value``).
    """

    kind = "random_translation"
    arguments = {"height_factor": REQUIRED, "width_factor": REQUIRED, **_WARP}


class RandomRotation(RandomFlip):
    """Pictures (B,Y,X,C) turned by chance, in training

    ``factor``: part of a whole turn, f for -f .. f or a pair; above 0 is against the clock.
    """

    kind = "random_rotation"
    arguments = {"factor": REQUIRED, **_WARP}


__all__ = ["CategoryEncoding", "RandomFlip", "RandomRotation", "RandomTranslation", "Rescaling"]
