"""Layers that disturb a network while it trains. ``seed``: the same noise whatever else is."""

from .base import REQUIRED, Layer


class Dropout(Layer):
    """x / (1 - rate) where kept, else 0, in training; x otherwise.

    noise_shape: of a whole batch, (None, ...): along axes of length 1 the mask is the same.
    """

    kind = "dropout"
    arguments = {"rate": REQUIRED, "noise_shape": None, "seed": None}

    def check(self) -> None:
        if self.noise_shape is None:
            return
        self.noise_shape = list(self.noise_shape)
        if not self.noise_shape or self.noise_shape[0] == 1:
            raise ValueError(
                f"layer {self.name}: noise_shape begins with None, every row has a mask of its "
                f"own; got {self.noise_shape}"
            )

    def config(self) -> dict:
        given = self.noise_shape
        return {**super().config(), "noise_shape": None if given is None else given[1:]}


class SpatialDropout1D(Layer):
    """Dropout of whole columns: x (B,T,N), the same mask for every step"""

    kind = "dropout"
    arguments = {"rate": REQUIRED, "seed": None}
    lengths = (1, None)

    def config(self) -> dict:
        return {**super().config(), "noise_shape": list(self.lengths)}


class SpatialDropout2D(SpatialDropout1D):
    """Dropout of whole channels: x (B,Y,X,C), the same mask for every place"""

    arguments = {"rate": REQUIRED, "data_format": None, "seed": None}
    ignored = ("data_format",)
    lengths = (1, 1, None)

    def check(self) -> None:
        if self.data_format not in (None, "channels_last"):
            raise ValueError(
                f"layer {self.name}: data_format must be channels_last, got {self.data_format!r}"
            )


class GaussianDropout(Layer):
    """x times normal numbers of mean 1 and variance rate / (1 - rate), in training"""

    kind = "gaussian_dropout"
    arguments = {"rate": REQUIRED, "seed": None}


class GaussianNoise(Layer):
    """x and normal numbers of mean 0 and deviation stddev, in training"""

    kind = "gaussian_noise"
    arguments = {"stddev": REQUIRED, "seed": None}


__all__ = [
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
]
