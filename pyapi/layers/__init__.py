"""Layers by the names and arguments of Keras."""

from . import core, merging, recurrent
from .base import Layer
from .core import *  # noqa: F403
from .merging import *  # noqa: F403
from .recurrent import *  # noqa: F403

__all__ = ["Layer", *core.__all__, *merging.__all__, *recurrent.__all__]
