"""Small helpers by the names of Keras; seeds."""

import importlib
import random
import secrets
from contextlib import contextmanager

import numpy as np

_random: random.Random | None = None
# names Keras has here, too, and where they live
_HOMES = {"pad_sequences": "preprocessing.sequence", "PyDataset": "feeding", "Sequence": "feeding"}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __package__), name)


def set_random_seed(seed: int) -> None:
    """Make everything random from here on follow ``seed``: Python, NumPy and new models."""
    global _random
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    _random = random.Random(int(seed))


def next_seed() -> int:
    """A seed for something new: after ``set_random_seed`` always the same ones in order."""
    return secrets.randbits(32) if _random is None else _random.getrandbits(32)


@contextmanager
def seeded(seed: int):
    """New models follow ``seed`` within the block; what is outside stays as it was."""
    global _random
    before, _random = _random, random.Random(seed)
    try:
        yield
    finally:
        _random = before


def clear_session() -> None:
    """Count the automatic names of layers from the beginning."""
    from .layers.base import reset_names

    reset_names()


def to_categorical(x, num_classes: int | None = None) -> np.ndarray:
    """Class numbers (N,...) -> one-hot rows (N,..., classes), float32; a last axis of 1 is gone."""
    classes = np.asarray(x)
    if not np.array_equal(classes, classes.astype(np.int64)):
        raise ValueError("to_categorical wants whole numbers")
    classes = classes.astype(np.int64)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes.reshape(classes.shape[:-1])
    count = int(classes.max(initial=-1)) + 1 if num_classes is None else num_classes
    if classes.size and not 0 <= classes.min() <= classes.max() < count:
        raise ValueError(
            f"classes must be 0 to {count - 1}, got {classes.min()} to {classes.max()}"
        )
    return np.eye(count, dtype=np.float32)[classes]


def normalize(x, axis: int = -1, order: int = 2) -> np.ndarray:
    """x / its norm along ``axis``; what is all zero stays."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return np.asarray(x) / np.expand_dims(norms, axis)
