"""Gradients: a tape notes ops on the tensors it watches, and goes through them backwards.

    with GradientTape() as tape:
        x = tape.watch(x)
        y = ops.sum(ops.square(x))
    dx = tape.gradient(y, x)

The words are TensorFlow's; as arrays are plain, ``watch`` returns the tensor to go on with.
Reverse accumulation: Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

from typing import NamedTuple

import numpy as np

from respnet.engine.errors import DtypeError, GradientError, ShapeError
from respnet.engine.tensors.table import LIST, Holder, Op
from respnet.engine.tensors.tensor import Tensor


class Record(NamedTuple):
    """One op: its row, what went in (tensors where they were), its arguments, what came out."""

    row: Op
    given: list
    plain: list
    options: dict
    y: Tensor


class GradientTape:
    """Notes what happens inside ``with``; ``gradient`` may be asked for any number of times."""

    def __init__(self, persistent: bool = True):
        self.records: list[Record] = []
        self.recording = True

    def __enter__(self):
        self.recording = True
        return self

    def __exit__(self, *error):
        self.recording = False

    def watch(self, x):
        """The tensor of an array of floats, from now on noted; of a list, a list of them."""
        if isinstance(x, (list, tuple)) and any(hasattr(each, "dtype") for each in x):
            return [self.watch(each) for each in x]
        x = x.tensor() if isinstance(x, Holder) else x
        tensor = x if isinstance(x, Tensor) else Tensor(x)
        if tensor.dtype.kind != "f":
            raise DtypeError(f"a tape watches floats, got {tensor.dtype}; cast them first")
        if tensor.tape not in (None, self):
            raise GradientError("this tensor is watched by another tape")
        tensor.tape = self
        return tensor

    def note(self, row, given, plain, options, y: Tensor) -> Tensor:
        self.records.append(Record(row, given, plain, options, y))
        return y

    def gradient(self, target, sources, output_gradients=None):
        """d target / d source for each source: an array, or a list of them if sources is a list.

        A target of several numbers counts as their sum, unless output_gradients weighs them. None
        where the target does not depend on a source.
        """
        several = isinstance(sources, (list, tuple))
        wanted = list(sources) if several else [sources]
        for tensor in (target, *wanted):
            self._check(tensor, "target" if tensor is target else "source")
        start = np.ones_like(target.value) if output_gradients is None else output_gradients
        if start.shape != target.shape:
            raise ShapeError(f"output_gradients must be {target.shape}, got {start.shape}")
        gradients = self._backward({id(target): start})
        results = [gradients.get(id(tensor)) for tensor in wanted]
        return results if several else results[0]

    def gradients(self, pairs, sources) -> list:
        """Of several targets at once: pairs of (target, its gradient) -> one for each source.

        Targets that are not on the tape are constants.
        """
        start: dict = {}
        for y, dy in pairs:
            if isinstance(y, Tensor) and y.tape is self:
                start[id(y)] = dy if id(y) not in start else start[id(y)] + dy
        gradients = self._backward(start)
        return [gradients.get(id(tensor)) for tensor in sources]

    def _check(self, tensor, what: str) -> None:
        if not isinstance(tensor, Tensor) or tensor.tape is not self:
            got = "a tensor" if isinstance(tensor, Tensor) else type(tensor).__name__
            raise GradientError(
                f"the {what} ({got}) is not on this tape: x = tape.watch(x) gives a tensor "
                "that is, ops of respnet.ops on it go on; integers and truth values have none"
            )

    def _backward(self, gradients: dict) -> dict:
        for record in reversed(self.records):
            dy = gradients.get(id(record.y))
            if dy is not None:
                _spread(gradients, record, dy)
        return gradients


def _spread(gradients: dict, record: Record, dy) -> None:
    """Add the gradients of what went into an op to those there are."""
    row = record.row
    if row.gradient is None:
        raise GradientError(
            f"{row.name} has no gradient; ops.stop_gradient says that its result is a constant"
        )
    with np.errstate(all="ignore"):
        results = row.gradient(dy, record.y.value, *record.plain, **record.options)
        values = record.plain[0] if row.arrays == LIST else record.plain
        for x, value, dx in zip(record.given, values, results, strict=False):
            if not isinstance(x, Tensor) or x.tape is None or dx is None:
                continue
            dx = dx() if callable(dx) else dx
            dx = np.asarray(dx, value.dtype) if isinstance(dx, np.generic) else dx
            dx = dx.astype(value.dtype, copy=False)
            before = gradients.get(id(x))
            gradients[id(x)] = dx if before is None else before + dx


def value_and_gradient(function):
    """A function of arrays that gives one number -> one that gives (number, gradients).

    The gradients are of all positional arguments: an array, or a list if there are several.
    """

    def both(*arrays, **options):
        with GradientTape() as tape:
            tensors = [tape.watch(np.asarray(x) if np.isscalar(x) else x) for x in arrays]
            y = function(*tensors, **options)
        if not isinstance(y, Tensor) or y.size != 1:
            got = y.shape if isinstance(y, Tensor) else type(y).__name__
            raise ShapeError(
                f"value_and_gradient wants a function that gives one number, got {got}"
            )
        gradients = tape.gradient(y, tensors)
        return y.numpy(), gradients[0] if len(gradients) == 1 else gradients

    both.__name__ = getattr(function, "__name__", "both")
    return both
