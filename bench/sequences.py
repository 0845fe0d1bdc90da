"""Which optimizer suits recurrent networks: held-out error and seconds on small tasks.

    python -m bench.sequences [task ...]

Each task has 400 training rows, 200 that AUTOSTOP watches and 500 held-out ones. The error is the
part of wrong classes, or of regressors the root mean square in parts of the targets' spread.
"""

import sys
import time

import numpy as np

from respnet.engine import Model
from respnet.engine.layer_words import network_spec
from respnet.engine.training import TrainOptions, run

SEEDS, SECONDS, HELD_OUT = (1, 2), 8.0, 500
OPTIMIZERS = {
    "rprop": {"optimizer": "rprop"},
    "adam": {"optimizer": "adam", "constants": {"learning_rate": 0.005}, "batch_size": 32},
}


def first(rng, n):
    """30 steps of one of four symbols: which was the first?"""
    symbols = rng.integers(0, 4, (n, 30))
    return np.eye(4)[symbols].reshape(n, -1), symbols[:, :1]


def words(rng, n):
    """30 words out of 20: the class is in the first one."""
    drawn = rng.integers(0, 20, (n, 30))
    return drawn, drawn[:, :1] % 5


def count(rng, n):
    """20 words out of 10: are more of them small or large?"""
    drawn = rng.integers(0, 10, (n, 20))
    return drawn, ((drawn < 5).sum(axis=1, keepdims=True) > 10).astype(int)


def adding(rng, n):
    """The sum of the two marked numbers of 20 (Hochreiter and Schmidhuber 1997)."""
    numbers, marks = rng.uniform(0, 1, (n, 20)), np.zeros((n, 20))
    for row in marks:
        row[rng.choice(20, 2, replace=False)] = 1
    x = np.stack([numbers, marks], axis=2).reshape(n, -1)
    return x, (numbers * marks).sum(axis=1, keepdims=True)


TASKS = {
    "first symbol, LSTM": (first, ("30x4", "LSTM:20", 4)),
    "first symbol, RNN": (first, ("30x4", "RNN:20", 4)),
    "first symbol, GRU": (first, ("30x4", "GRU:20", 4)),
    "first word, RNN": (words, (30, "EMBED:20:8", "RNN:32", 5)),
    "count words, GRU": (count, (20, "EMBED:10:4", "GRU:16", 2)),
    "add numbers, LSTM": (adding, ("20x2", "LSTM:20", 1)),
}


def one(make, units, options, seed):
    """-> (error in percent, seconds)"""
    rng, regressor = np.random.default_rng(seed), make is adding
    train, test, (x, y) = (make(rng, rows) for rows in (400, 200, HELD_OUT))
    role = "regressor" if regressor else "classifier"
    model = Model(network_spec(units, role=role, scaling=regressor, seed=seed))
    begin = time.monotonic()
    result = run(model, train, test, TrainOptions(autostop=True, max_seconds=SECONDS, **options))
    seconds = time.monotonic() - begin
    model.swap(result.weights)
    outputs = model.predict_rows(np.ascontiguousarray(x, np.float32))
    if regressor:
        return 100 * np.sqrt(((outputs - y) ** 2).mean()) / y.std(), seconds
    return 100 * (outputs.argmax(axis=1) != y[:, 0]).mean(), seconds


def main(chosen):
    print("| task |", " | ".join(OPTIMIZERS), "|\n|---|---|---|")
    for name, (make, units) in TASKS.items():
        if chosen and not any(word in name for word in chosen):
            continue
        cells = []
        for options in OPTIMIZERS.values():
            runs = [one(make, units, options, seed) for seed in SEEDS]
            cells.append(", ".join(f"{e:.1f} % in {s:.1f} s" for e, s in runs))
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
