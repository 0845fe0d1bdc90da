"""Ops on arrays by the names of Keras, and gradients of what is made of them.

    ops.sum(ops.multiply([300, 10], 3))     930

NumPy's arrays go in and come out, or CuPy's. The table of the ops is docs/ops.md.
"""

from respnet.engine.tensors import OPS, GradientTape, Tensor, value_and_gradient

globals().update({name: row.call for name, row in OPS.items()})

__all__ = ["GradientTape", "Tensor", "value_and_gradient", *OPS]
