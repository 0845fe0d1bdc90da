"""The tasks accuracy is measured on: those of Neural Redis' own examples, with the same splits.

A task holds the rows a user would send to the server, in order, and held-out rows that the server
never sees. How the rows sent are split into training and test set is the server's business
(`DataSplit`); the capacities `train_maxlen` and `test_maxlen` are those of the examples.

Classifier targets are class numbers (N,), regressor targets are (N, O), in the units of the user.
"""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "neural-redis"


@dataclass(frozen=True)
class Task:
    """Rows to observe (inputs (N,I), targets), rows held out, and the network to learn them."""

    name: str
    units: tuple[int, ...]
    role: str
    observed: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    train_maxlen: int = 1000
    test_maxlen: int = 500

    def error(self, outputs: np.ndarray) -> float:
        """Percent of held-out rows in the wrong class, or mean absolute error in user's units."""
        targets = self.held_out[1]
        if self.role == "classifier":
            return 100.0 * float(np.mean(outputs.argmax(axis=1) != targets))
        return float(np.mean(np.abs(outputs - targets)))


def _cut(x, y, rows):
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def _shuffled(x, y, rng):
    order = rng.permutation(len(x))
    return x[order], y[order]


def iris_rows():
    """Scikit-learn's bundled Iris: inputs (150,4) in cm, classes (150,), 50 of each in order."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    return bunch.data.astype(np.float32), bunch.target.astype(np.int64)


def iris(rng, units=(4, 15, 3), name="iris"):
    """100 rows in, 50 held out, drawn at random."""
    observed, held_out = _cut(*_shuffled(*iris_rows(), rng), 100)
    return Task(name, units, "classifier", observed, held_out)


def iris_5(rng):
    return iris(rng, (4, 15, 5, 3), "iris 4-15-5-3")


def iris_deep(rng):
    return iris(rng, (4, 12, 12, 12, 3), "iris 4-12-12-12-3")


def iris_upstream(rng):
    """All rows in file order; judged on the server's own test set: every third row from the second.

    The fill rule with room for 1000 and 500 gives train, test, train, train, test, train, ...
    """
    x, y = iris_rows()
    return Task("iris upstream", (4, 15, 3), "classifier", (x, y), (x[1::3], y[1::3]))


def titanic_rows(path=DATA / "titanic.csv"):
    """Inputs (891,9): class 1, 2, 3, male, female, age (30 if unknown), siblings, parents, fare."""
    with open(path, newline="") as file:
        rows = [_titanic_row(row) for row in csv.reader(file)]
    inputs, survived = zip(*rows, strict=True)
    return np.array(inputs, np.float32), np.array(survived, np.int64)


def _titanic_row(row):
    _, survived, cabin_class, _, sex, age, siblings, parents, _, fare, _, _ = row
    classes = [float(cabin_class == number) for number in "123"]
    sexes = [float(sex == name) for name in ("male", "female")]
    numbers = [float(age or 30), float(siblings), float(parents), float(fare)]
    return classes + sexes + numbers, int(survived)


def titanic(rng):
    """The first 601 passengers in, 290 held out, as upstream; only the weights differ by seed."""
    observed, held_out = _cut(*titanic_rows(), 601)
    return Task("titanic", (9, 15, 2), "classifier", observed, held_out)


def titanic_shuffled(rng):
    observed, held_out = _cut(*_shuffled(*titanic_rows(), rng), 601)
    return Task("titanic shuffled", (9, 15, 2), "classifier", observed, held_out)


def circles_rows(rng, rows):
    """Three noisy rings that overlap: points (N,2) in about -1..1, classes (N,)."""
    angle = np.arange(rows) * (2 * np.pi / rows)
    sin, cos, noise = np.sin(angle), np.cos(angle), rng.random((2, rows))
    x = (sin / 2 + noise[0] / 10, sin / 3 + 0.4 + noise[0] / 8, sin / 3 - 0.5 + noise[0] / 30)
    y = (cos / 2 + noise[1] / 10, cos / 4 + 0.4 + noise[1] / 6, cos / 3 + noise[1] / 40)
    classes = rng.integers(3, size=rows)
    points = np.stack([np.choose(classes, x), np.choose(classes, y)], axis=1)
    return points.astype(np.float32), classes


def circles(rng):
    observed, held_out = circles_rows(rng, 1000), circles_rows(rng, 1000)
    return Task("circles", (2, 20, 3), "classifier", observed, held_out, 1000, 100)


def _sums(rng, sign, rows, limit):
    x = rng.integers(limit, size=(rows, 2)).astype(np.float32)
    return x, x[:, :1] + sign * x[:, 1:]


def _arithmetic(rng, name, sign):
    large, small = _sums(rng, sign, 150, 100), _sums(rng, sign, 150, 10)
    observed = tuple(np.concatenate(both) for both in zip(large, small, strict=True))
    return Task(name, (2, 10, 1), "regressor", observed, _sums(rng, sign, 1000, 100))


def addition(rng):
    """a + b: 150 pairs below 100, then 150 below 10, as upstream; judged on pairs below 100."""
    return _arithmetic(rng, "addition", 1)


def subtraction(rng):
    """a - b, half of the targets negative; otherwise as addition."""
    return _arithmetic(rng, "subtraction", -1)


def hello(rng):
    """The README's first example: nine sums, six of them in the training set; judged on others."""
    x = np.array([[1, 2], [4, 5], [2, 3], [8, 1], [6, 7], [3, 4], [9, 2], [5, 5], [7, 3]], "f4")
    held_out = _sums(rng, 1, 200, 10)
    return Task("hello", (2, 3, 1), "regressor", (x, x.sum(1, keepdims=True)), held_out, 50, 10)


def sentiment_rows(path=DATA / "sentiment_hashed3000.txt.gz"):
    """Word and word-pair counts of 2000 film reviews, each row scaled to sum 1: (2000,3000)."""
    with gzip.open(path, "rt") as file:
        lines = [line.split() for line in file]
    x = np.zeros((len(lines), 3000), np.float32)
    for row, (_, *counts) in zip(x, lines, strict=True):
        for count in counts:
            bucket, value = count.split(":")
            row[int(bucket)] = int(value)
    return x / x.sum(axis=1, keepdims=True), np.array([int(line[0]) for line in lines])


def sentiment(rng):
    observed, held_out = _cut(*_shuffled(*sentiment_rows(), rng), 1600)
    return Task("sentiment", (3000, 50, 2), "classifier", observed, held_out, 1400, 600)


TASKS = {
    make.__name__: make
    for make in (
        iris,
        iris_5,
        iris_deep,
        iris_upstream,
        titanic,
        titanic_shuffled,
        circles,
        addition,
        subtraction,
        hello,
        sentiment,
    )
}
NEEDS_DATA = {"titanic", "titanic_shuffled", "sentiment"}
