"""Convolution and zero padding by the words of Keras; channels come last."""

from .base import REQUIRED, Layer
from .core import Regularized
from .function import Activated


def check_data_format(layer: Layer) -> None:
    """Refuse channels first: there is one order of axes here."""
    if layer.data_format not in (None, "channels_last"):
        raise ValueError(
            f"layer {layer.name}: data_format is channels_last, the order of axes here; "
            f"got {layer.data_format!r}"
        )


def _arguments(ones) -> dict:
    return {
        "filters": REQUIRED,
        "kernel_size": REQUIRED,
        "strides": ones,
        "padding": "valid",
        "data_format": None,
        "dilation_rate": ones,
        "groups": 1,
        "activation": None,
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }


class Conv2D(Activated, Regularized):
    """activation(x * kernel + bias): x (B,Y,X,C), kernel (V,U,C/groups,O) -> y (B,P,Q,O)"""

    kind = "conv2d"
    arguments = _arguments((1, 1))
    ignored = ("data_format",)

    def check(self) -> None:
        super().check()
        check_data_format(self)


class Conv1D(Conv2D):
    """activation(x * kernel + bias): x (B,T,C), kernel (U,C/groups,O) -> y (B,Q,O)"""

    kind = "conv1d"
    arguments = _arguments(1)


def _depthwise(ones) -> dict:
    """Keras calls the kernel depthwise here, and has no filters and groups."""
    given = {n: v for n, v in _arguments(ones).items() if n not in ("filters", "groups")}
    renamed = {n.replace("kernel_", "depthwise_", 1): v for n, v in given.items()}
    renamed = {n.replace("depthwise_size", "kernel_size"): v for n, v in renamed.items()}
    places = list(renamed.items())
    return dict([*places[:3], ("depth_multiplier", 1), *places[3:]])


class DepthwiseConv2D(Conv2D):
    """M convolutions of each channel: x (B,Y,X,C), kernel (V,U,C,M) -> y (B,P,Q,C M)"""

    kind = "depthwise_conv2d"
    arguments = _depthwise((1, 1))
    renamed = {"depthwise_initializer": "kernel_initializer"}

    def regularizers(self) -> dict:
        found = super().regularizers()
        return {name.replace("depthwise", "kernel"): value for name, value in found.items()}


class DepthwiseConv1D(DepthwiseConv2D):
    """M convolutions of each channel: x (B,T,C), kernel (U,C,M) -> y (B,Q,C M)"""

    kind = "depthwise_conv1d"
    arguments = _depthwise(1)


class _ZeroPadding(Layer):
    ignored = ("data_format",)

    def check(self) -> None:
        check_data_format(self)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images; padding: n, (rows, columns) or ((top, bottom), (left, right))"""

    kind = "zero_padding2d"
    arguments = {"padding": (1, 1), "data_format": None}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences; padding: n or (before, after)"""

    kind = "zero_padding1d"
    arguments = {"padding": 1, "data_format": None}


# names that Keras has for the same
Convolution1D, Convolution2D = Conv1D, Conv2D

__all__ = [
    "Conv1D",
    "Conv2D",
    "Convolution1D",
    "Convolution2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
