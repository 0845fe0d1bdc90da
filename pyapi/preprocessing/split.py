"""Rows into two parts."""

import numpy as np


def train_test_split(*arrays, test_size=0.25, random_state=None, shuffle=True, stratify=None):
    """Each array as two: x_train, x_test, y_train, y_test ... The order is that of scikit-learn.

    test_size: a part below 1, or a number of rows. random_state: equal states give equal parts.
    stratify: class numbers whose shares both parts shall have.
    """
    arrays = [a if hasattr(a, "shape") else np.asarray(a) for a in arrays]
    rows = len(arrays[0])
    if any(len(a) != rows for a in arrays):
        raise ValueError(f"arrays must have as many rows, got {[len(a) for a in arrays]}")
    whole = isinstance(test_size, (int, np.integer))
    count = int(test_size) if whole else int(np.ceil(rows * test_size))
    if not 0 < count < rows:
        raise ValueError(f"test_size {test_size} of {rows} rows leaves one part empty")
    train, test = _parts(rows, count, random_state, shuffle, stratify)
    return [part for a in arrays for part in (a[train], a[test])]


def _parts(rows: int, count: int, state, shuffle: bool, stratify):
    """Numbers of the rows of both parts."""
    if not shuffle:
        return np.arange(rows - count), np.arange(rows - count, rows)
    rng = np.random.RandomState(state)
    order = rng.permutation(rows)
    if stratify is None:
        return order[count:], order[:count]
    classes = np.asarray(stratify).reshape(rows)[order]
    # each row's place within its class, as a part of it: cutting there keeps the shares
    place = np.empty(rows)
    for label in np.unique(classes):
        own = np.flatnonzero(classes == label)
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    sorted_rows = order[np.argsort(place, kind="stable")]
    return sorted_rows[count:], sorted_rows[:count]


__all__ = ["train_test_split"]
