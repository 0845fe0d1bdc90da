"""Layers by the names and arguments of Keras."""

from . import (
    activating,
    cells,
    convolutional,
    core,
    encoding,
    function,
    merging,
    noise,
    normalizing,
    operation,
    pooling,
    recurrent,
    wrappers,
)
from .activating import *  # noqa: F403
from .base import Layer
from .cells import *  # noqa: F403
from .convolutional import *  # noqa: F403
from .core import *  # noqa: F403
from .encoding import *  # noqa: F403
from .function import *  # noqa: F403
from .merging import *  # noqa: F403
from .noise import *  # noqa: F403
from .normalizing import *  # noqa: F403
from .operation import *  # noqa: F403
from .pooling import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .wrappers import *  # noqa: F403

__all__ = [
    "Layer",
    *activating.__all__,
    *cells.__all__,
    *convolutional.__all__,
    *core.__all__,
    *encoding.__all__,
    *function.__all__,
    *merging.__all__,
    *noise.__all__,
    *normalizing.__all__,
    *operation.__all__,
    *pooling.__all__,
    *recurrent.__all__,
    *wrappers.__all__,
]
