"""Ops of respnet.ops on symbols: ``x * 2 + ops.exp(y)`` as part of a graph.

What a layer of the library does becomes that layer; the rest a step in Python.
"""

import numpy as np

from respnet.engine import activations
from respnet.engine.tensors.table import OPS, Op, apply

from ..graph import Symbol
from . import merging
from .base import REQUIRED, Layer
from .core import Activation
from .encoding import Rescaling

_MERGES = {
    "add": merging.Add,
    "subtract": merging.Subtract,
    "multiply": merging.Multiply,
    "maximum": merging.Maximum,
    "minimum": merging.Minimum,
}
# op with a number on its right -> (scale, offset)
_AFFINE = {
    "add": lambda n: (1.0, n),
    "subtract": lambda n: (1.0, -n),
    "multiply": lambda n: (n, 0.0),
    "divide": lambda n: (1 / n, 0.0),
}


class Operation(Layer):
    """The op of a name; ``args`` and ``options`` as `written`, inputs by their numbers."""

    arguments = {"op": REQUIRED, "args": (), "options": {}}

    def check(self) -> None:
        if self.op not in OPS:
            raise ValueError(f"layer {self.name}: there is no op {self.op!r}")

    def call(self, inputs):
        given = inputs if isinstance(inputs, list) else [inputs]
        args, options = read(list(self.args), given), read(dict(self.options), given)
        return apply(OPS[self.op], args, options)


def traced(row: Op, args, options) -> Symbol:
    """What an op gives for symbols among its arguments."""
    layer, symbols = _native(row.name, args, options) or (None, [])
    if layer is None:
        layer = Operation(row.name, written(list(args), symbols), written(dict(options), symbols))
    return layer(symbols if len(symbols) > 1 else symbols[0])


def _native(name: str, args, options):
    """(the layer that does this, its inputs), or None."""
    if options:
        return None
    if len(args) == 1 and name in activations.ALL:
        return Activation(name), [args[0]]
    if len(args) == 2 and all(isinstance(x, Symbol) for x in args) and name in _MERGES:
        return (_MERGES[name](), list(args)) if _equal(*args) else None
    if len(args) == 2 and name in _AFFINE and type(args[1]) in (int, float) and args[1]:
        return Rescaling(*map(float, _AFFINE[name](args[1]))), [args[0]]
    return None


def _equal(x: Symbol, y: Symbol) -> bool:
    """Where shapes differ, ops count axes from the last one, the batch among them."""
    return x.shape[1:] == y.shape[1:]


# --- arguments as plain data ------------------------------------------------------------------


def written(value, symbols: list):
    """As plain data, symbols as {"input": number}; they are put into ``symbols``."""
    if isinstance(value, Symbol):
        symbols.append(value)
        return {"input": len(symbols) - 1}
    if isinstance(value, tuple):
        return {"tuple": [written(each, symbols) for each in value]}
    if isinstance(value, list):
        return [written(each, symbols) for each in value]
    if isinstance(value, dict):
        return {name: written(each, symbols) for name, each in value.items()}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if value is Ellipsis:
        return {"ellipsis": None}
    return value.item() if isinstance(value, np.generic) else value


_READ = {"tuple": tuple, "slice": lambda parts: slice(*parts), "ellipsis": lambda _: Ellipsis}


def read(value, inputs: list):
    """What was written, with these inputs."""
    if isinstance(value, list):
        return [read(each, inputs) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"input"}:
        return inputs[value["input"]]
    (kind, *others) = value or ("",)
    if not others and kind in _READ:
        return _READ[kind](read(value[kind], inputs))
    return {name: read(each, inputs) for name, each in value.items()}


__all__ = ["Operation"]
