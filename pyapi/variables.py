"""Variables: the weights of a model as objects with a name, a shape and numbers.

In a user's own layer a variable stands for the numbers of the rows in work: on each thread those of
the weights it works with, on the tape of its training step.
"""

import threading
from contextlib import contextmanager

import numpy as np

from respnet.engine.tensors.tensor import Operators

_thread = threading.local()


@contextmanager
def standing_for(numbers: dict):
    """Within it variables stand for these arrays or tensors, on this thread."""
    before = getattr(_thread, "numbers", {})
    _thread.numbers = {**before, **{id(variable): x for variable, x in numbers.items()}}
    try:
        yield
    finally:
        _thread.numbers = before


class Variable(Operators):
    """A weight of ``layer``; ``path`` is its name in the model."""

    def __init__(self, layer, name: str, shape, trainable: bool = True, **about):
        self.layer, self.name, self.shape, self.trainable = layer, name, tuple(shape), trainable
        self.initializer, self.regularizer = about.get("initializer"), about.get("regularizer")
        self._path = about.get("path")

    @property
    def model(self):
        if self.layer.model is None:
            raise ValueError(f"weight {self.name} has no numbers before a model with it is built")
        return self.layer.model

    @property
    def path(self) -> str:
        if self._path is None:
            names = self.model.parameter_names(self.layer)
            self._path = next(n for n in names if n.rpartition("/")[2] == self.name)
        return self._path

    @property
    def dtype(self):
        return self.model.network.dtype

    def tensor(self):
        """What it stands for in an op."""
        numbers = getattr(_thread, "numbers", {})
        return numbers[id(self)] if id(self) in numbers else self.numpy()

    def numpy(self) -> np.ndarray:
        """The numbers as they are in the model now."""
        return self.model.weights_of([self.path])[0]

    value = property(numpy)

    def assign(self, numbers) -> None:
        """Put other numbers into the model, between two batches."""
        if getattr(_thread, "numbers", None):
            raise RuntimeError(f"{self.name} cannot be assigned within call: a batch is at work")
        self.model.put_weights([self.path], [numbers], f"layer {self.layer.name}")

    def __repr__(self) -> str:
        return f"<Variable {self._path or self.name} {self.shape}>"
