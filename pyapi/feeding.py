"""What a user hands to fit, evaluate and predict -> arrays, or batches one after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from .per_output import per_output, targets_of


@dataclass
class Arrays:
    """Rows: one array an input; targets of each output (None where it has none); likewise row
    weights, or None if there are none at all. mask (B,T): 0 where steps of the first input do not
    count, or None.
    """

    x: list[np.ndarray]
    y: list[np.ndarray | None]
    weights: list[np.ndarray | None] | None = None
    mask: np.ndarray | None = None

    @property
    def rows(self) -> int:
        return len(self.x[0])

    def part(self, where) -> "Arrays":
        """The rows of a slice or an array of numbers."""
        mask = None if self.mask is None else self.mask[where]
        return Arrays(*(_rows(arrays, where) for arrays in (self.x, self.y, self.weights)), mask)

    @property
    def inputs(self) -> list[np.ndarray]:
        """What a program reads of them: a mask comes last."""
        return self.x if self.mask is None else [*self.x, self.mask]

    def cut(self, size: int) -> Iterator["Arrays"]:
        """Parts of ``size`` rows, the last of what is left."""
        return (self.part(slice(i, i + size)) for i in range(0, self.rows, size))


def as_numbers(x) -> np.ndarray:
    """An array of numbers; lists of several lengths, and texts, say what they need first."""
    try:
        array = np.asarray(x)
    except ValueError:  # NumPy's message speaks of inhomogeneous shapes
        array = np.empty(0, object)
    if array.dtype == object:
        raise ValueError("rows must be of equal length; see pad_sequences")
    if array.dtype.kind in "US":
        raise ValueError(f"inputs must be numbers, got text ({array.dtype}); see Tokenizer")
    return array


def first_of(x):
    """An array whose shape is that of the (first) input."""
    if isinstance(x, dict):
        x = next(iter(x.values()))
    several = isinstance(x, (list, tuple)) and len(x) and np.ndim(x[0]) > 1
    return np.asarray(x[0]) if several else as_numbers(x)


def as_inputs(x, names: list[str]) -> list[np.ndarray]:
    """Arrays in the order of the model's inputs: from one, a list, or a dict by name."""
    if isinstance(x, Mapping):
        missing = [name for name in names if name not in x]
        if missing:
            raise ValueError(f"input {missing[0]!r} is missing; got {', '.join(map(str, x))}")
        return [np.asarray(x[name]) for name in names]
    if len(names) > 1:
        if not isinstance(x, (list, tuple)) or len(x) != len(names):
            raise ValueError(f"the model has {len(names)} inputs ({', '.join(names)}); give a list")
        return [np.asarray(a) for a in x]
    if isinstance(x, (list, tuple)) and len(x) == 1 and np.ndim(x[0]) > 1:
        x = x[0]
    array = as_numbers(x)
    return [array[:, None] if array.ndim == 1 else array]


def _rows(arrays, where):
    return arrays and [None if array is None else array[where] for array in arrays]


def as_arrays(x, y, weights, inputs, outputs, judged=(), class_weight=None) -> Arrays:
    """Checked rows: as many targets and weights as inputs; inputs, outputs: their names; judged:
    the numbers of the outputs with a loss.
    """
    arrays = as_inputs(x, inputs)
    targets = [t if t is None else np.asarray(t) for t in targets_of(y, outputs, list(judged))]
    for what, found in (("inputs", arrays), ("targets", targets)):
        for array in found:
            if array is not None and (array.ndim == 0 or len(array) != len(arrays[0])):
                rows = "none" if array.ndim == 0 else len(array)
                raise ValueError(f"{len(arrays[0])} rows of inputs, but {rows} of {what}")
    if not len(arrays[0]):
        raise ValueError("there are no rows to learn from or to judge by")
    if all(target is None for target in targets):
        raise ValueError(f"{len(arrays[0])} rows of inputs, but none of targets")
    weighted = _weights(weights, outputs, len(arrays[0]))
    if class_weight:
        if len(outputs) > 1:
            raise ValueError(f"class_weight is for models with one output, not {len(outputs)}")
        weighted = [_with_classes(targets[0], weighted and weighted[0], class_weight)]
    return Arrays(arrays, targets, weighted)


def _weights(given, outputs, rows: int):
    """Weights of each output; those of one array are of all."""
    if given is None:
        return None
    several = _several(given)
    given = per_output(given, outputs, "sample_weight") if several else [given] * len(outputs)
    arrays = [w if w is None else np.asarray(w, np.float32) for w in given]
    for array in arrays:
        if array is not None and len(array) != rows:
            raise ValueError(f"{rows} rows, but {len(array)} of sample_weight")
    return arrays


def _several(weights) -> bool:
    """Whether these are arrays of outputs, not the numbers of one."""
    if isinstance(weights, (list, tuple)):
        return any(w is None or np.ndim(w) for w in weights)
    return isinstance(weights, Mapping)


def _with_classes(targets, weights, class_weight):
    """Row weights times the weight of each row's class."""
    classes = targets
    if targets.ndim > 1 and targets.shape[-1] > 1:
        classes = targets.argmax(-1)
    classes = np.reshape(classes, len(targets)).astype(np.int64)
    table = np.ones(max(int(classes.max(initial=0)), *map(int, class_weight)) + 1, np.float32)
    for number, weight in class_weight.items():
        table[int(number)] = weight
    return table[classes] * (1 if weights is None else weights)


def unpack(batch) -> tuple:
    """(x, y, weights) of what a generator gave."""
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(f"a generator gives (x, y) or (x, y, sample_weight), got {len(batch)}")
    return (*batch, None, None)[:3]


def is_stream(x) -> bool:
    """Whether x gives batches: a generator, an iterator, or a Sequence with its own __getitem__."""
    if isinstance(x, (np.ndarray, list, tuple, Mapping)) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__getitem__") or hasattr(x, "__iter__")


class PyDataset:
    """Batches by number: subclasses give ``__len__`` and ``__getitem__(i) -> (x, y[, w])``."""

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size=10):
        self.workers = workers

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int):
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


Sequence = PyDataset


class Stream:
    """Batches from a generator or a PyDataset, an epoch of ``steps`` at a time."""

    def __init__(self, source, steps: int | None = None, shuffle: bool = False):
        self.source, self.shuffle = source, shuffle
        self.indexed = hasattr(source, "__getitem__")
        self.steps = steps
        if steps is None and hasattr(source, "__len__"):
            self.steps = len(source)
        self._iterator: Iterator | None = None

    def first_inputs(self) -> np.ndarray:
        """Inputs of the first batch, which stays in the stream."""
        if self.indexed:
            x = unpack(self.source[0])[0]
        else:
            self._iterator = self._iterator or iter(self.source)
            batch = next(self._iterator)
            self._iterator = chain([batch], self._iterator)
            x = unpack(batch)[0]
        return np.asarray(x[0] if isinstance(x, (list, tuple)) else x)

    def epoch(self, rng=None) -> Iterator[tuple]:
        """(x, y, weights) of one epoch; a generator goes on where it stood."""
        if self.indexed:
            yield from self._numbered(rng)
        else:
            yield from self._next()
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def _numbered(self, rng):
        order = np.arange(len(self.source))
        if self.shuffle and rng is not None:
            order = rng.permutation(order)
        for number in order[: self.steps]:
            yield unpack(self.source[int(number)])

    def _next(self):
        if self._iterator is None:
            self._iterator = iter(self.source)
        done = 0
        while self.steps is None or done < self.steps:
            try:
                batch = next(self._iterator)
            except StopIteration:
                self._iterator = None
                if done == 0 or self.steps is not None and done < self.steps:
                    self._ended(done)
                return
            done += 1
            yield unpack(batch)

    def _ended(self, done: int) -> None:
        if self.steps is not None or done == 0:
            wanted = "at least one" if self.steps is None else self.steps
            raise ValueError(f"the generator ended after {done} batches, wanted {wanted}")
