"""Scaling of columns: y = (x - mean) / std, or the original Neural Redis' x / largest.

Computed in float64 from training rows only, never a limit on what may come later. Models keep
scaling as constants ``scale`` and ``offset`` of y = x * scale + offset beside their weights.
"""

from dataclasses import dataclass

import numpy as np

from respnet.engine.errors import ShapeError

CONSTANT = 1e-10  # a spread below this part of the mean is rounding: the column is constant


@dataclass(frozen=True)
class Scaling:
    """apply: (x - mean) / std for each column; mean and std are float64 (N,)."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def standard(cls, rows: np.ndarray) -> "Scaling":
        """Mean 0, standard deviation 1 over ``rows`` (N,C); constant columns are only shifted."""
        rows = _checked(rows)
        mean, std = rows.mean(axis=0), rows.std(axis=0)
        return cls(mean, np.where(std > CONSTANT * np.abs(mean), std, 1.0))

    @classmethod
    def largest(cls, rows: np.ndarray) -> "Scaling":
        """The original's NORMALIZE: 1.2 times the largest size of a column, or 1 up to that."""
        rows = _checked(rows)
        largest = np.maximum(1.0, np.abs(rows).max(axis=0))
        return cls(np.zeros(rows.shape[1]), np.where(largest == 1.0, 1.0, 1.2 * largest))

    @classmethod
    def of_constants(cls, scale, offset) -> "Scaling":
        """The scaling with x * scale + offset as its ``apply``."""
        scale = np.asarray(scale, np.float64)
        return cls(-np.asarray(offset, np.float64) / scale, 1.0 / scale)

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Rows (N,C) of the user to float32 rows of the network."""
        return ((rows - self.mean) / self.std).astype(np.float32)

    def invert(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the network to float32 rows of the user."""
        return (rows * self.std + self.mean).astype(np.float32)

    def apply_constants(self) -> tuple[np.ndarray, np.ndarray]:
        """(scale, offset) of ``apply``, for inputs."""
        return 1.0 / self.std, -self.mean / self.std

    def invert_constants(self) -> tuple[np.ndarray, np.ndarray]:
        """(scale, offset) of ``invert``, for outputs."""
        return self.std, self.mean


def _checked(rows) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or not len(rows):
        raise ShapeError(f"scaling needs at least one row of shape (N, columns), got {rows.shape}")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=0))
    if len(bad):
        raise ShapeError(
            f"column {bad[0]} holds numbers that are not finite; they cannot be scaled"
        )
    return rows
