"""Figures of merit in NumPy, over outputs and targets in the same units.

Classes are the largest output, the lowest of equals, as NR.CLASS answers.
"""

import numpy as np

from respnet.engine.errors import ShapeError


def class_error(outputs: np.ndarray, classes: np.ndarray) -> float:
    """outputs (N,O), classes (N,) or (N,1) -> part of the rows in the wrong class, 0 to 1."""
    classes = np.asarray(classes).reshape(-1)
    if outputs.ndim != 2 or len(outputs) != len(classes) or not len(classes):
        raise ShapeError(
            f"outputs must be (N, O) and classes as many, got {outputs.shape} and {classes.shape}"
        )
    return float(np.mean(outputs.argmax(axis=1) != classes))


def absolute_error(outputs: np.ndarray, targets: np.ndarray) -> float:
    """outputs, targets (N,O) -> mean absolute difference."""
    return float(np.mean(np.abs(_difference(outputs, targets))))


def half_squared_error(outputs: np.ndarray, targets: np.ndarray) -> float:
    """outputs, targets (N,O) -> mean over rows of half the squared distance, as NR.INFO reports."""
    return float(0.5 * np.mean(np.sum(_difference(outputs, targets) ** 2, axis=1)))


def _difference(outputs, targets):
    if outputs.ndim != 2 or outputs.shape != targets.shape or not len(outputs):
        raise ShapeError(
            f"outputs and targets must both be (N, O), got {outputs.shape} and {targets.shape}"
        )
    return np.subtract(outputs, targets, dtype=np.float64)
