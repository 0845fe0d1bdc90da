"""Layers by the names and arguments of Keras."""

from . import convolutional, core, merging, pooling, recurrent
from .base import Layer
from .convolutional import *  # noqa: F403
from .core import *  # noqa: F403
from .merging import *  # noqa: F403
from .pooling import *  # noqa: F403
from .recurrent import *  # noqa: F403

__all__ = [
    "Layer",
    *convolutional.__all__,
    *core.__all__,
    *merging.__all__,
    *pooling.__all__,
    *recurrent.__all__,
]
