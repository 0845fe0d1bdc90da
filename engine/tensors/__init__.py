"""Tensor ops on plain arrays, and their gradients (``table.py`` says how)."""

from respnet.engine.tensors import (  # noqa: F401  (so that all ops are in the table)
    crossentropy,
    einsum,
    elementwise,
    indexing,
    products,
    reductions,
    shaping,
)
from respnet.engine.tensors.table import OPS, Op
from respnet.engine.tensors.tape import GradientTape, value_and_gradient
from respnet.engine.tensors.tensor import Tensor

__all__ = ["OPS", "GradientTape", "Op", "Tensor", "value_and_gradient"]
