"""Small problems with known answers, for ``respnet demo``, the examples and the tests.

Each gives x (B,I) float64 and y: classes (B) for a classifier, numbers (B,O) for a regressor.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .extras import need

Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Demo:
    """A problem: its network, where its rows come from, how many of them are learned from."""

    summary: str
    units: tuple[int, ...]
    role: str
    rows: Callable[[int], Rows]  # seed -> all rows, shuffled
    train_rows: int
    test_rows: int
    normalize: bool

    def split(self, seed: int) -> tuple[Rows, Rows]:
        """Rows to observe (train_rows + test_rows of them), and the rest, held out."""
        x, y = self.rows(seed)
        count = self.train_rows + self.test_rows
        return (x[:count], y[:count]), (x[count:], y[count:])


def circles(count: int, seed: int) -> Rows:
    """Points (B,2) of a disc and two rings around it, with a small gap; classes 0, 1, 2 (B)."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, count)
    radius = (label + rng.uniform(0, 0.85, count)) / 3
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label


def addition(count: int, seed: int) -> Rows:
    """Pairs (B,2) of whole numbers 0 to 49 and their sum (B,1)."""
    x = np.random.default_rng(seed).integers(0, 50, (count, 2)).astype(np.float64)
    return x, x[:, :1] + x[:, 1:]


def subtraction(count: int, seed: int) -> Rows:
    """Pairs (B,2) of whole numbers 0 to 49 and their difference (B,1), which may be negative."""
    x, _ = addition(count, seed)
    return x, x[:, :1] - x[:, 1:]


def iris(seed: int) -> Rows:
    """The 150 flowers of Fisher (1936) as scikit-learn brings them: x (150,4), three kinds."""
    x, label = need("sklearn.datasets", "sklearn").load_iris(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order], label[order]


DEMOS = {
    "circles": Demo(
        "three concentric classes in the plane",
        (2, 20, 3),
        "classifier",
        lambda seed: circles(2000, seed),
        1000,
        500,
        False,
    ),
    "iris": Demo(
        "three kinds of iris from four measures",
        (4, 15, 5, 3),
        "classifier",
        iris,
        70,
        30,
        True,
    ),
    "add": Demo(
        "the sum of two numbers",
        (2, 10, 1),
        "regressor",
        lambda seed: addition(900, seed),
        400,
        200,
        True,
    ),
}
