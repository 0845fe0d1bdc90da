"""Pooling by the words of Keras; channels come last."""

from .base import Layer
from .convolutional import check_data_format


def _arguments(pool_size) -> dict:
    return {"pool_size": pool_size, "strides": None, "padding": "valid", "data_format": None}


class _Pooling(Layer):
    ignored = ("data_format",)

    def check(self) -> None:
        check_data_format(self)


class MaxPooling2D(_Pooling):
    """The largest number of each window: x (B,Y,X,C) -> y (B,P,Q,C)"""

    kind = "max_pooling2d"
    arguments = _arguments((2, 2))


class AveragePooling2D(_Pooling):
    """The mean of each window; padding does not count: x (B,Y,X,C) -> y (B,P,Q,C)"""

    kind = "average_pooling2d"
    arguments = _arguments((2, 2))


class MaxPooling1D(_Pooling):
    """The largest number of each window: x (B,T,C) -> y (B,Q,C)"""

    kind = "max_pooling1d"
    arguments = _arguments(2)


class AveragePooling1D(_Pooling):
    """The mean of each window; padding does not count: x (B,T,C) -> y (B,Q,C)"""

    kind = "average_pooling1d"
    arguments = _arguments(2)


class _GlobalPooling(_Pooling):
    arguments = {"data_format": None, "keepdims": False}


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest number of each channel: x (B,Y,X,C) -> y (B,C)"""

    kind = "global_max_pooling2d"


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel: x (B,Y,X,C) -> y (B,C)"""

    kind = "global_average_pooling2d"


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest number of each channel: x (B,T,C) -> y (B,C); no masked steps"""

    kind = "global_max_pooling1d"


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel over the steps that are not masked: x (B,T,C) -> y (B,C)"""

    kind = "global_average_pooling1d"


# names that Keras has for the same
MaxPool1D, MaxPool2D = MaxPooling1D, MaxPooling2D
AvgPool1D, AvgPool2D = AveragePooling1D, AveragePooling2D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
]
