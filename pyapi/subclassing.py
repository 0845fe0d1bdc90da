"""Models as classes with a ``call`` of their own.

    class Net(Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = Dense(8, "relu"), Dense(1)

        def call(self, x):
            return self.out(self.hidden(x)) + x

``call`` is traced once, with symbols in place of arrays, when the shapes of the inputs are known:
at ``build``, or at the first rows. What it does with layers and ops becomes an ordinary graph.
"""

import inspect
from collections.abc import Mapping

import numpy as np

from .graph import Symbol


class Traced:
    """Part of a model that may have a ``call``."""

    def _traces(self) -> bool:
        return callable(getattr(self, "call", None))

    def build(self, input_shape=None) -> None:
        """Trace ``call`` for inputs of shape (batch or None, ...), a list of them or a dict; there
        is nothing to do for a model that has its graph.
        """
        if self.built:
            return
        if not self._traces() or input_shape is None:
            raise ValueError(
                f"model {self.name} has no graph: give Model(inputs, outputs), stack layers in a "
                "Sequential, or write a subclass with call(self, inputs) and build(input_shape) it"
            )
        self._trace(input_shape)

    def shapes_of(self, x):
        """(None, ...) of the rows x; of a ``call`` that takes several inputs a list, or a dict."""
        if self._traces() and isinstance(x, Mapping):
            return {name: (None, *np.shape(array)[1:]) for name, array in x.items()}
        if self._traces() and isinstance(x, (list, tuple)) and len(x) and np.ndim(x[0]) > 1:
            return [(None, *np.shape(array)[1:]) for array in x]
        shape = np.shape(x)[1:] if np.ndim(x) > 1 else (1,)
        return (None, *shape)

    def _trace(self, shapes) -> None:
        """Build the graph ``call`` makes of inputs of these shapes."""
        from .layers.core import Input

        if isinstance(shapes, Mapping):
            given = {name: Input(shape[1:], name=name) for name, shape in shapes.items()}
        elif isinstance(shapes, list):
            given = [Input(shape[1:]) for shape in shapes]
        else:
            given = Input(tuple(shapes)[1:], batch_size=shapes[0])
        outputs = self.call(given, **self._told())
        found = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        wrong = [type(each).__name__ for each in found if not isinstance(each, Symbol)]
        if wrong or not found:
            raise TypeError(
                f"call of model {self.name} must give what its layers and ops gave, one or a "
                f"list of them; got {wrong[0] if wrong else 'nothing'}"
            )
        self._build(_listed(given), found)

    def _told(self) -> dict:
        """training and mask, where ``call`` has them: fit and predict decide, so None."""
        names = inspect.signature(self.call).parameters
        return {name: None for name in ("training", "mask") if name in names}


def _listed(given) -> list[Symbol]:
    if isinstance(given, Mapping):
        return list(given.values())
    return given if isinstance(given, list) else [given]
