"""Recurrent nets in process: sequences of 30 steps and single steps, and training steps with Adam.

Inference: input width 64; respnet and onnxruntime run on arrays bound once. Training: the nets
people train, one thread, each step on the same batch.
"""

import functools

import numpy as np

from respnet.engine import Model, ModelSpec

from ..harness import Bar, Contest, agree
from ..peers import RECURRENT, sides

TITLE = "Recurrent nets in process, one thread"
INPUTS = 64
# kind, units -> how many times faster than onnxruntime: 30 steps, one step, 30 steps of 32 rows
BARS = {
    ("lstm", 50): (1.7, 3.5, 1.1),
    ("lstm", 128): (1.4, 2.7, 1.1),
    ("lstm", 512): (1.2, 1.3, 1.1),
    ("gru", 50): (2.2, 3.5, 1.1),
    ("gru", 128): (1.6, 2.7, 1.1),
    ("gru", 512): (1.25, 1.3, 1.1),
}
SHAPES = ((1, 30), (1, 1), (32, 30))
SOFTMAX, SEQUENCES = {"activation": "softmax"}, {"return_sequences": True}
# name -> shape of a row, layers, loss, rows of a batch, how many times faster than torch
TRAINING = {
    "char-GRU 3 x 512, 30 steps": (
        (30, 98),
        [("gru", {"units": 512, **SEQUENCES})] * 3 + [("dense", {"units": 98, **SOFTMAX})],
        "sparse_crossentropy",
        200,
        2.3,
    ),
    "LSTM 50, 100 on windows of 50": (
        (50, 1),
        [
            ("lstm", {"units": 50, **SEQUENCES}),
            ("lstm", {"units": 100}),
            ("dense", {"units": 1}),
        ],
        "mse",
        512,
        2.2,
    ),
    "addition, LSTM 128 twice": (
        (7, 12),
        [
            ("lstm", {"units": 128}),
            ("repeat_vector", {"n": 4}),
            ("lstm", {"units": 128, **SEQUENCES}),
            ("dense", {"units": 12, **SOFTMAX}),
        ],
        "sparse_crossentropy",
        128,
        1.9,
    ),
    "LSTM 128, 30 steps": (
        (30, 64),
        [("lstm", {"units": 128}), ("dense", {"units": 10, **SOFTMAX})],
        "sparse_crossentropy",
        64,
        1.6,
    ),
    "SimpleRNN 6, 10 words": (
        (10,),
        [
            ("embedding", {"input_dim": 24, "output_dim": 6}),
            ("simple_rnn", {"units": 6}),
            ("dense", {"units": 5, **SOFTMAX}),
        ],
        "sparse_crossentropy",
        32,
        50.0,
    ),
}


def contests(quick):
    for (kind, units), bars in BARS.items():
        for (rows, times), limit in zip(SHAPES, bars, strict=True):
            yield inference(kind, units, rows, times, limit)
    for name, (*case, limit) in TRAINING.items():
        if not quick or case[3] * case[0][0] < 2000:
            yield trained(name, *case, limit=limit)


def inference(kind, units, rows, times, limit):
    layer = (kind, {"units": units, **SEQUENCES})
    model = randomised(ModelSpec.chain((None, INPUTS), [layer]))
    x = np.random.default_rng(1).normal(size=(rows, times, INPUTS)).astype(np.float32)
    found, skipped = sides("inference", tuple(RECURRENT), model, x, modules=RECURRENT)
    name = f"{kind.upper()} {units}, {times} step{'s' * (times > 1)}, {rows} row{'s' * (rows > 1)}"
    bars = (Bar(at_least=limit, against="onnxruntime"),)
    return Contest(name, found, functools.partial(verify, found, 1e-4), bars, skipped)


def trained(name, *case, limit, against="torch", metric="cpu_us"):
    found, skipped = training_sides(("respnet", against), *case)
    bars = () if limit is None else (Bar(at_least=limit, against=against, metric=metric),)
    name = f"{name}, {case[3]} rows, training step"
    check = functools.partial(verify, found, 1e-4)
    return Contest(name, found, check, bars, skipped, metric)


def training_sides(names, shape, layers, loss, rows):
    model = randomised(ModelSpec.chain(shape, layers, loss=loss))
    rng, output = np.random.default_rng(2), model.output_shapes()[0]
    x = rng.normal(size=(rows, *shape))
    if len(shape) == 1:
        x = rng.integers(0, 24, (rows, *shape))
    y = rng.normal(size=(rows, *output))
    if loss == "sparse_crossentropy":
        y = rng.integers(0, output[-1], (rows, *output[:-1], 1))
    return sides("adam", names, model, x, y, modules=RECURRENT)


def randomised(spec):
    """A model with biases that are not zero."""
    model = Model(spec)
    spread = np.random.default_rng(0).normal(0, 0.02, model.layout.size)
    model.swap(model.weights.vector + spread.astype(np.float32))
    return model


def verify(found, tolerance):
    expected = found["respnet"].answer()
    error = max(agree(name, side.answer(), expected, tolerance) for name, side in found.items())
    return f"Checked: all sides agree within {error:.1g} of the largest value."
