"""Layers by the names and arguments of Keras."""

from . import cells, convolutional, core, function, merging, pooling, recurrent, wrappers
from .base import Layer
from .cells import *  # noqa: F403
from .convolutional import *  # noqa: F403
from .core import *  # noqa: F403
from .function import *  # noqa: F403
from .merging import *  # noqa: F403
from .pooling import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .wrappers import *  # noqa: F403

__all__ = [
    "Layer",
    *cells.__all__,
    *convolutional.__all__,
    *core.__all__,
    *function.__all__,
    *merging.__all__,
    *pooling.__all__,
    *recurrent.__all__,
    *wrappers.__all__,
]
