"""Noise that makes networks robust: on in training only. Masks are hashes, nothing is stored."""

from math import sqrt

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer


def check_seed(kind: str, seed) -> None:
    """A layer's own seed is None or a whole number (SpecError)."""
    if seed is not None and (not isinstance(seed, int) or not 0 <= seed < 2**62):
        raise SpecError(f"{kind} seed must be a whole number from 0 on, got {seed!r}")


class Noise(Layer):
    """Base: ``amount`` names the argument that says how much; at 0 nothing happens.

    seed: of the layer, for the same noise whatever the seed of the training.
    """

    keeps_time = True
    amount = "rate"

    def check(self):
        value = self.config[self.amount]
        below = value < 1 if self.amount == "rate" and isinstance(value, (int, float)) else True
        if not isinstance(value, (int, float)) or value < 0 or not below:
            wanted = "in [0, 1)" if self.amount == "rate" else "a number of at least 0"
            raise SpecError(f"{self.kind} {self.amount} must be {wanted}, got {value!r}")
        check_seed(self.kind, self.config["seed"])

    def _off(self, b) -> bool:
        return not b.training or self.config[self.amount] == 0

    def forward(self, b, p, x):
        if self._off(b):
            return x, None
        return self.noisy(b, x)

    def noisy(self, b, x):
        """(y, what backward needs)"""
        raise NotImplementedError

    def _normal(self, b, x, mean: float, deviation: float):
        y = b.buffer(x.shape)
        options = {"salt": b.salt(), "seed": self.config["seed"]}
        b.step("normal", x, y, mean=mean, deviation=deviation, **options)
        return y


class Dropout(Noise):
    """x (B,...) -> x / (1 - rate) where kept, else 0 (inverted dropout, Srivastava et al. 2014)

    noise_shape: lengths of a row's axes; along those of length 1 the mask is the same.
    """

    kind = "dropout"
    defaults = {"rate": 0.5, "noise_shape": None, "seed": None}

    def output_shape(self, shape):
        self._mask_shape(shape)
        return shape

    def _mask_shape(self, shape) -> tuple:
        given = self.config["noise_shape"]
        if given is None:
            return shape
        fits = len(given) == len(shape) and all(
            n in (1, None, length) or length is None for n, length in zip(given, shape, strict=True)
        )
        if not fits:
            raise SpecError(f"dropout noise_shape {list(given)} does not fit rows of shape {shape}")
        return tuple(length if n != 1 else 1 for n, length in zip(given, shape, strict=True))

    def noisy(self, b, x):
        mask_shape = self._mask_shape(x.shape)
        attributes = {"rate": float(self.config["rate"]), "seed": self.config["seed"]}
        attributes["salt"] = b.salt()
        if mask_shape == x.shape:
            y = b.buffer(x.shape)
            b.step("dropout_forward", x, y, **attributes)
            return y, attributes
        mask = b.buffer(mask_shape)
        b.step("dropout_mask", x, mask, units=mask.columns, **attributes)
        factor = moves.repeated(b, mask, x.shape)
        return moves.product(b, x, factor), factor

    def backward(self, b, p, saved, dy, wanted):
        if saved is None or not wanted[0]:
            return [dy if wanted[0] else None]
        if isinstance(saved, dict):
            b.step("dropout_backward", dy, dy, **saved)
        else:
            b.step("multiply", dy, saved, dy)
        return [dy]


class GaussianDropout(Noise):
    """y = x n, n normal of mean 1 and variance rate / (1 - rate) (Srivastava et al. 2014)"""

    kind = "gaussian_dropout"
    defaults = {"rate": 0.5, "seed": None}

    def noisy(self, b, x):
        rate = self.config["rate"]
        factor = self._normal(b, x, 1.0, sqrt(rate / (1 - rate)))
        return moves.product(b, x, factor), factor

    def backward(self, b, p, saved, dy, wanted):
        if saved is not None and wanted[0]:
            b.step("multiply", dy, saved, dy)
        return [dy if wanted[0] else None]


class GaussianNoise(Noise):
    """y = x + n, n normal of mean 0 and deviation stddev"""

    kind = "gaussian_noise"
    amount = "stddev"
    defaults = {"stddev": 1.0, "seed": None}

    def noisy(self, b, x):
        y = self._normal(b, x, 0.0, float(self.config["stddev"]))
        b.step("accumulate", x, y)
        return y, None

    def backward(self, b, p, saved, dy, wanted):
        return [dy if wanted[0] else None]
