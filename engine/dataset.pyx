"""Rows a model learns from: growable stores, and the split into training and test rows.

A row is the inputs followed by the targets, float32. Classes are stored as one column with the
number of the class; one-hot rows are made when a training stages its data.
"""

import random
from collections import namedtuple

import numpy as np

from respnet.engine.errors import LimitError, ShapeError

FIRST_ROWS = 16
TARGETS = (None, "train", "test")

# inputs (N,I) and targets (N,O), read-only, or class numbers (N,1)
Rows = namedtuple("Rows", "inputs targets")
# Where a row goes: ``which`` set ("train" or "test") and slot, at its length to append
Place = namedtuple("Place", "which slot")


cdef class Dataset:
    """Up to ``maxlen`` rows of ``inputs`` + ``targets`` columns, contiguous, growing by doubling.

    A snapshot is a view; ``replace`` copies the rows first if a snapshot may still look at them.
    """

    def __init__(self, Py_ssize_t inputs, Py_ssize_t targets, Py_ssize_t maxlen):
        if inputs < 1 or targets < 1 or maxlen < 0:
            raise LimitError("a data set needs at least one input and one target column and a "
                             f"maxlen of at least 0; got {inputs}, {targets} and {maxlen}")
        self.input_columns, self.target_columns, self.maxlen = inputs, targets, maxlen
        self.columns = inputs + targets
        self.move(0)

    def __len__(self):
        return self.length

    @property
    def rows(self):
        """All rows (N,I+O), a read-only view."""
        view = self.array[:self.length]
        view.flags.writeable = False
        return view

    @property
    def full(self):
        return self.is_full()

    @property
    def nbytes(self):
        """Memory held, unused room included."""
        return self.array.nbytes

    def snapshot(self):
        """The present rows, without copying; later changes do not reach them."""
        self.shared = True
        rows = self.rows
        return Rows(rows[:, :self.input_columns], rows[:, self.input_columns:])

    def append(self, row):
        """Add one row (I+O,); its slot."""
        slot = self.length
        self.put(slot, row)
        return slot

    def replace(self, Py_ssize_t slot, row):
        """Put ``row`` in place of the one in ``slot``."""
        if not 0 <= slot < self.length:
            raise LimitError(f"slot must be 0 to {self.length - 1}, got {slot}")
        self.put(slot, row)

    def put(self, Py_ssize_t slot, row):
        """Put ``row`` into ``slot``, which may be the first free one."""
        cdef float* place
        cdef Py_ssize_t i
        cdef const float[::1] values = np.ascontiguousarray(row, np.float32)
        if values.shape[0] != self.columns:
            raise ShapeError(f"a row has {self.columns} numbers, got {values.shape[0]}")
        if not 0 <= slot <= self.length:
            raise LimitError(f"slot must be 0 to {self.length}, got {slot}")
        place = self.open(slot)
        for i in range(self.columns):
            place[i] = values[i]

    def extend(self, rows):
        """Add many rows (N,I+O), as loading does."""
        rows = np.asarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise ShapeError(f"rows must be (N, {self.columns}), got {rows.shape}")
        cdef Py_ssize_t end = self.length + len(rows)
        if end > self.maxlen:
            raise LimitError(f"{end} rows do not fit a data set of {self.maxlen}")
        if end > self.capacity:
            self.move(end)
        self.array[self.length:end] = rows
        self.length = end

    cdef inline bint is_full(self) noexcept:
        return self.length >= self.maxlen

    cdef inline bint ready(self, Py_ssize_t slot) noexcept:
        """Whether ``open(slot)`` would neither allocate nor copy."""
        return slot < self.capacity if slot == self.length else not self.shared

    cdef float* open(self, Py_ssize_t slot) except NULL:
        """The row of ``slot``, to be filled; ``slot`` may be the first free one."""
        if slot == self.length:
            if self.is_full():
                raise LimitError(f"the data set is full: {self.maxlen} rows")
            if slot == self.capacity:
                self.move(min(self.maxlen, max(<Py_ssize_t>FIRST_ROWS, 2 * slot)))
            self.length += 1
        elif self.shared:
            self.move(self.capacity)
        return self.data + slot * self.columns

    cdef int move(self, Py_ssize_t capacity) except -1:
        """All rows into new memory with room for ``capacity``."""
        cdef float[:, ::1] view
        array = np.empty((capacity, self.columns), np.float32)
        if self.length:
            array[:self.length] = self.array[:self.length]
        self.array, self.capacity, self.shared = array, capacity, False
        self.data = NULL
        if capacity:
            view = array
            self.data = &view[0, 0]
        return 0


cdef class DataSplit:
    """A training and a test set that fill evenly.

    A row without a target goes to the set with the lower fill ratio, to the training set if they
    are equal. Full sets refresh themselves: a random row of both together is replaced.
    """

    def __init__(self, Py_ssize_t inputs, Py_ssize_t targets, Py_ssize_t train_maxlen,
                 Py_ssize_t test_maxlen, seed=None):
        self.train = Dataset(inputs, targets, train_maxlen)
        self.test = Dataset(inputs, targets, test_maxlen)
        self.state = random.Random(seed).getrandbits(64)

    def observe(self, row, target=None):
        """Store ``row`` (I+O,) and tell where, so that it can be logged; None if there is no room.

        target: "train" or "test" to choose the set. A set of maxlen 0 gives its rows to the other.
        """
        place = self.choose(target)
        if place is not None:
            self.put(place, row)
        return place

    def put(self, place, row):
        """Store ``row`` at ``place``; the same places and rows give the same sets."""
        which, slot = place
        (self.train if which == "train" else self.test).put(slot, row)

    def choose(self, target=None):
        """Where the next row would go."""
        cdef Py_ssize_t slot
        if target not in TARGETS:
            raise ShapeError(f"target must be train, test or None, got {target!r}")
        cdef int wanted = ANY if target is None else TRAIN if target == "train" else TEST
        cdef Dataset data = self.pick(wanted, &slot)
        if data is None:
            return None
        return Place("train" if data is self.train else "test", slot)

    cdef Dataset pick(self, int target, Py_ssize_t* slot):
        """The set the next row goes to and its slot there; None if there is no room at all."""
        cdef Dataset train = self.train, test = self.test, data
        if not train.maxlen or not test.maxlen:
            if train.maxlen == test.maxlen:
                return None
            target = TRAIN if train.maxlen else TEST
        if target == ANY:
            if train.is_full() and test.is_full():
                slot[0] = self.below(train.length + test.length)
                if slot[0] < train.length:
                    return train
                slot[0] -= train.length
                return test
            # the fill ratios, compared without rounding: lengths stay far below 2^53
            if <double>train.length * test.maxlen <= <double>test.length * train.maxlen:
                target = TRAIN
            else:
                target = TEST
        data = train if target == TRAIN else test
        slot[0] = self.below(data.length) if data.is_full() else data.length
        return data

    cdef Py_ssize_t below(self, Py_ssize_t count) noexcept:
        """A random number below ``count``: splitmix64 (Steele, Lea, Flood 2014)."""
        cdef uint64_t z
        self.state += <uint64_t>0x9e3779b97f4a7c15
        z = self.state
        z = (z ^ (z >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
        z = (z ^ (z >> 27)) * <uint64_t>0x94d049bb133111eb
        return <Py_ssize_t>((z ^ (z >> 31)) % <uint64_t>count)
