"""Activations that have a class of their own, with arguments."""

from .base import Layer
from .core import Regularized


class _WithArguments(Layer):
    """Base: with the arguments of ``usual`` the layer is the plain activation of that name, which
    losses and kernels know; else the engine's layer ``own``.
    """

    own = ""
    usual: tuple[str, dict] = ("", {})

    @property
    def kind(self) -> str:
        return "activation" if self._is_usual() else self.own

    def _is_usual(self) -> bool:
        return self.get_config() == self.usual[1]

    def config(self) -> dict:
        return {"activation": self.usual[0]} if self._is_usual() else super().config()


class ReLU(_WithArguments):
    """negative_slope (x - threshold) below the threshold, x above it, max_value at most"""

    own = "relu"
    arguments = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
    usual = ("relu", arguments)


class LeakyReLU(Layer):
    """x, or negative_slope x below 0"""

    kind = "relu"
    arguments = {"negative_slope": 0.3}


class ELU(_WithArguments):
    """x, or alpha (exp(x) - 1) below 0"""

    own = "elu"
    arguments = {"alpha": 1.0}
    usual = ("elu", arguments)


class PReLU(Regularized):
    """x, or alpha x below 0, alpha trained; shared_axes: the first axes of a row, from 1 on"""

    kind = "prelu"
    arguments = {
        "alpha_initializer": "zeros",
        "alpha_regularizer": None,
        "alpha_constraint": None,
        "shared_axes": None,
    }


class Softmax(_WithArguments):
    """exp(x) / sum of exp(x) along ``axis``; 0 would be the batch"""

    own = "softmax"
    arguments = {"axis": -1}
    usual = ("softmax", arguments)


__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]
