"""Rows a model learns from: growable stores, and the split into training and test rows.

A row is the inputs followed by the targets, float32. Classes are stored as one column with the
number of the class; one-hot rows are made when a training stages its data.
"""

import random
from typing import NamedTuple

import numpy as np

from respnet.engine.errors import LimitError, ShapeError


class Rows(NamedTuple):
    """inputs (N,I) and targets (N,O), read-only, or class numbers (N,1)."""

    inputs: np.ndarray
    targets: np.ndarray


class Dataset:
    """Up to ``maxlen`` rows of ``inputs`` + ``targets`` columns, contiguous, growing by doubling.

    A snapshot is a view; ``replace`` copies the rows first if a snapshot may still look at them.
    """

    def __init__(self, inputs: int, targets: int, maxlen: int):
        if inputs < 1 or targets < 1 or maxlen < 0:
            raise LimitError(
                "a data set needs at least one input and one target column and a "
                f"maxlen of at least 0; got {inputs}, {targets} and {maxlen}"
            )
        self.input_columns, self.target_columns, self.maxlen = inputs, targets, maxlen
        self._length = 0
        self._rows = np.empty((0, inputs + targets), np.float32)
        self._shared = False

    def __len__(self) -> int:
        return self._length

    @property
    def rows(self) -> np.ndarray:
        """All rows (N,I+O), a read-only view."""
        view = self._rows[: self._length]
        view.flags.writeable = False
        return view

    @property
    def full(self) -> bool:
        return self._length >= self.maxlen

    @property
    def nbytes(self) -> int:
        """Memory held, unused room included."""
        return self._rows.nbytes

    def snapshot(self) -> Rows:
        """The present rows, without copying; later changes do not reach them."""
        self._shared = True
        rows = self.rows
        return Rows(rows[:, : self.input_columns], rows[:, self.input_columns :])

    def append(self, row) -> int:
        """Add one row (I+O,); its slot."""
        if self.full:
            raise LimitError(f"the data set is full: {self.maxlen} rows")
        if self._length == len(self._rows):
            self._grow(self._length + 1)
        self._rows[self._length] = row
        self._length += 1
        return self._length - 1

    def extend(self, rows) -> None:
        """Add many rows (N,I+O), as loading does."""
        rows = np.asarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._rows.shape[1]:
            raise ShapeError(f"rows must be (N, {self._rows.shape[1]}), got {rows.shape}")
        end = self._length + len(rows)
        if end > self.maxlen:
            raise LimitError(f"{end} rows do not fit a data set of {self.maxlen}")
        if end > len(self._rows):
            self._grow(end)
        self._rows[self._length : end] = rows
        self._length = end

    def replace(self, slot: int, row) -> None:
        """Put ``row`` in place of the one in ``slot``."""
        if not 0 <= slot < self._length:
            raise LimitError(f"slot must be 0 to {self._length - 1}, got {slot}")
        if self._shared:
            self._rows, self._shared = self._rows.copy(), False
        self._rows[slot] = row

    def _grow(self, wanted: int) -> None:
        capacity = min(self.maxlen, max(wanted, 2 * len(self._rows), 16))
        rows = np.empty((capacity, self._rows.shape[1]), np.float32)
        rows[: self._length] = self._rows[: self._length]
        self._rows, self._shared = rows, False


class Place(NamedTuple):
    """Where a row goes: ``which`` set ("train" or "test") and slot, at its length to append."""

    which: str
    slot: int


class DataSplit:
    """A training and a test set that fill evenly.

    A row without a target goes to the set with the lower fill ratio, to the training set if they
    are equal. Full sets refresh themselves: a random row of both together is replaced.
    """

    def __init__(
        self,
        inputs: int,
        targets: int,
        train_maxlen: int,
        test_maxlen: int,
        seed: int | None = None,
    ):
        self.train = Dataset(inputs, targets, train_maxlen)
        self.test = Dataset(inputs, targets, test_maxlen)
        self._random = random.Random(seed)

    def observe(self, row, target: str | None = None) -> Place | None:
        """Store ``row`` (I+O,) and tell where, so that it can be logged; None if there is no room.

        target: "train" or "test" to choose the set. A set of maxlen 0 gives its rows to the other.
        """
        place = self.choose(target)
        if place is not None:
            self.put(place, row)
        return place

    def put(self, place: Place, row) -> None:
        """Store ``row`` at ``place``; the same places and rows give the same sets."""
        data = getattr(self, place.which)
        if place.slot == len(data):
            data.append(row)
        else:
            data.replace(place.slot, row)

    def choose(self, target: str | None = None) -> Place | None:
        """Where the next row would go."""
        if target not in (None, "train", "test"):
            raise ShapeError(f"target must be train, test or None, got {target!r}")
        train, test = self.train, self.test
        if not train.maxlen and not test.maxlen:
            return None
        if not train.maxlen or not test.maxlen:
            target = "train" if train.maxlen else "test"
        if target is None and train.full and test.full:
            slot = self._random.randrange(train.maxlen + test.maxlen)
            return Place("train", slot) if slot < len(train) else Place("test", slot - len(train))
        if target is None:  # ratios compared without dividing
            lower = len(train) * test.maxlen <= len(test) * train.maxlen
            target = "train" if lower else "test"
        data = getattr(self, target)
        return Place(target, self._random.randrange(len(data)) if data.full else len(data))
