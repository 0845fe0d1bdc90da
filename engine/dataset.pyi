from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

class Rows(NamedTuple):
    """inputs (N,I) and targets (N,O), read-only, or class numbers (N,1)."""

    inputs: np.ndarray
    targets: np.ndarray

class Place(NamedTuple):
    """Where a row goes: ``which`` set ("train" or "test") and slot, at its length to append."""

    which: str
    slot: int

class Dataset:
    """Up to ``maxlen`` rows of ``inputs`` + ``targets`` columns."""

    input_columns: int
    target_columns: int
    columns: int
    maxlen: int
    def __init__(self, inputs: int, targets: int, maxlen: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def rows(self) -> np.ndarray: ...
    @property
    def full(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...
    def snapshot(self) -> Rows: ...
    def append(self, row: ArrayLike) -> int: ...
    def replace(self, slot: int, row: ArrayLike) -> None: ...
    def put(self, slot: int, row: ArrayLike) -> None: ...
    def extend(self, rows: ArrayLike) -> None: ...

class DataSplit:
    """A training and a test set that fill evenly."""

    train: Dataset
    test: Dataset
    def __init__(self, inputs: int, targets: int, train_maxlen: int, test_maxlen: int,
                 seed: int | None = None) -> None: ...
    def observe(self, row: ArrayLike, target: str | None = None) -> Place | None: ...
    def put(self, place: Place, row: ArrayLike) -> None: ...
    def choose(self, target: str | None = None) -> Place | None: ...
