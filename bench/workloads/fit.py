"""What ``fit`` costs beside the bare program, and what a second thread brings.

Both sides of a contest train the same net on the same rows; the bare side is the engine's session
in one call an epoch.
"""

import functools

import numpy as np

import respnet
from respnet.engine import Model, ModelSpec
from respnet.engine.session import Session
from respnet.engine.trainer import Update

from ..harness import Bar, Contest, Timed
from ..pinning import ALL_CPUS, on_cpus

TITLE = "fit beside the bare program; two threads beside one"
BATCH, BATCHES = 128, 64
THREADED = 256  # rows of a batch


def contests(quick):
    batches = 8 if quick else BATCHES
    yield overhead(batches)
    if len(ALL_CPUS) > 1:
        yield from threaded(quick)


def rows(count):
    rng = np.random.default_rng(1)
    return rng.normal(size=(count, 784)).astype(np.float32), rng.integers(0, 10, count)


def network():
    """Some 1 ms a batch of 128 rows."""
    layers = respnet.layers
    model = respnet.Sequential(
        [layers.Input((784,)), layers.Dense(250, "relu"), layers.Dense(10, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def overhead(batches):
    x, y = rows(BATCH * batches)
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    bare = network()
    bare.fit(x[:BATCH], y[:BATCH], **options)
    feed, order = bare.session.feed([x], y), np.arange(len(x))
    sides = {"bare program": Timed(lambda: bare.session.train(feed, order, BATCH), work=batches)}
    for name, more in (
        ("respnet", {}),
        ("with validation", {"validation_data": (x[:BATCH], y[:BATCH])}),
        ("each batch called back", {"callbacks": [_Batches()]}),
    ):
        fit = functools.partial(network().fit, x, y, **options, **more)
        sides[name] = Timed(fit, work=batches)
    bars = (Bar(at_least=0.98, against="bare program"),)
    about = "An epoch of each side; figures are of one batch of 128 rows, 784-250-10, Adam."
    return Contest("fit", sides, lambda: about, bars, baseline="bare program")


class _Batches(respnet.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        """Asks for every batch, and does nothing with it."""


class Threaded(Timed):
    """On all processors, by wall time."""

    def _run(self):
        with on_cpus(ALL_CPUS):
            return super()._run()


def threaded(quick):
    specs = {
        "dense 784-512-512-10": ModelSpec.dense((784, 512, 512, 10), role="classifier"),
        "LSTM 128, 30 steps": ModelSpec.chain(
            (30, 64), [("lstm", {"units": 128}), ("dense", {"units": 10})]
        ),
    }
    for name, spec in specs.items():
        yield two_threads(f"{name}, {THREADED} rows, prediction", spec, _predicting)
        yield two_threads(f"{name}, {THREADED} rows, training step", spec, _training)


def two_threads(name, spec, work):
    sides = {"respnet": work(spec, 2), "one thread": work(spec, 1)}
    bars = (Bar(at_least=1.7, against="one thread", metric="wall_us"),)
    about = "respnet is respnet with two threads."
    return Contest(name, sides, lambda: about, bars, metric="wall_us")


def _input(spec):
    return np.random.default_rng(2).normal(size=(THREADED, *spec.inputs[0][1])).astype(np.float32)


def _predicting(spec, threads):
    return Threaded(Model(spec, threads=threads).predict, _input(spec))


def _training(spec, threads):
    model = Model(spec, threads=threads)
    session = Session(model, Update.of("adam"), threads=threads)
    x = _input(spec)
    y = np.random.default_rng(3).integers(0, 10, THREADED)
    if spec.role != "classifier":
        y = np.random.default_rng(3).normal(size=(THREADED, *model.output_shapes()[0]))
    feed, order = session.feed([x], y), np.arange(THREADED)
    return Threaded(lambda: session.train(feed, order, THREADED))
