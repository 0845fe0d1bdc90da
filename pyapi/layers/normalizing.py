"""Layers that normalise: by the statistics of a batch, of each row, or of data seen before."""

import numpy as np

from .base import Layer
from .core import Regularized

_AFFINE = {
    "center": True,
    "scale": True,
    "beta_initializer": "zeros",
    "gamma_initializer": "ones",
}
_PENALTIES = {
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}


class BatchNormalization(Regularized):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta along the last axis (Ioffe and Szegedy
    2015): statistics of the batch in training, moving averages of them otherwise.

    Weights in order: gamma, beta, moving_mean, moving_variance. A batch goes through the network
    as one unit, on one thread.
    """

    kind = "batch_normalization"
    arguments = {
        "axis": -1,
        "momentum": 0.99,
        "epsilon": 1e-3,
        **_AFFINE,
        "moving_mean_initializer": "zeros",
        "moving_variance_initializer": "ones",
        **_PENALTIES,
        "renorm": False,
        "renorm_clipping": None,
        "renorm_momentum": 0.99,
        "synchronized": False,
    }
    ignored = ("renorm", "renorm_clipping", "renorm_momentum", "synchronized")

    def check(self) -> None:
        super().check()
        if self.renorm:
            raise ValueError(f"layer {self.name}: renorm is not supported")


class LayerNormalization(Regularized):
    """Each row by its own mean and variance, then times gamma, plus beta (Ba, Kiros and Hinton
    2016); ``axis``: the last one, or several last ones together
    """

    kind = "layer_normalization"
    arguments = {"axis": -1, "epsilon": 1e-3, **_AFFINE, **_PENALTIES}


class Normalization(Layer):
    """(x - mean) / sqrt(variance) along the last axis: both given, or found by ``adapt``

    Both are weights that are not trained. axis None: one mean and variance for all numbers.
    """

    kind = "normalization"
    arguments = {"axis": -1, "mean": None, "variance": None, "invert": False}
    ignored = ("axis", "mean", "variance", "invert")

    def check(self) -> None:
        if self.invert:
            raise ValueError(f"layer {self.name}: invert is not supported; see Rescaling")
        if (self.mean is None) != (self.variance is None):
            raise ValueError(f"layer {self.name} wants both mean and variance, or none of them")
        if self.mean is not None:
            self.mean, self.variance = (np.asarray(v).tolist() for v in (self.mean, self.variance))
        self._found = None if self.mean is None else (self.mean, self.variance)

    def adapt(self, data, batch_size=None, steps=None) -> None:
        """Take mean and variance of the rows ``data``; a model with this layer uses them at once.

        Other layers that have been built on this one are trained for what it gave before.
        """
        data = np.asarray(data, np.float64)
        data = data[:, None] if data.ndim == 1 else data
        if not data.size:
            raise ValueError(f"layer {self.name}: adapt wants at least one row, got none")
        axes = tuple(range(data.ndim - 1)) if self._of_columns(data.ndim) else None
        self._found = data.mean(axis=axes), data.var(axis=axes)
        if self.model is not None:
            self.set_weights(self.weights_given)

    def _of_columns(self, rank: int) -> bool:
        if self.axis not in (-1, rank - 1, None):
            raise ValueError(
                f"layer {self.name}: axis must be the last one or None, got {self.axis!r}"
            )
        return self.axis is not None

    @property
    def weights_given(self):
        """[mean, variance] of each column, for a model that begins; None if there are none yet."""
        if self._found is None:
            return None
        width = self.calls[0].inputs[0].shape[-1]
        return [np.broadcast_to(np.asarray(v, float).ravel(), width) for v in self._found]


__all__ = ["BatchNormalization", "LayerNormalization", "Normalization"]
