"""Gradients against central differences in float64: activations, losses, random networks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, activations

OUTPUT = {
    "mse": "linear",
    "mae": "linear",
    "huber": "linear",
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_crossentropy": "softmax",
}
STEP = 1e-6


def targets(rng, loss, rows, outputs):
    if loss == "sparse_crossentropy":
        return rng.integers(0, outputs, (rows, 1))
    if loss == "categorical_crossentropy":
        return rng.uniform(0.1, 1.5, (rows, outputs))  # need not sum to 1
    if loss == "binary_crossentropy":
        return rng.uniform(0, 1, (rows, outputs))
    return rng.normal(0, 2, (rows, outputs))


def loss_at(trainer, data, vector):
    trainer.vector[:] = vector
    trainer._core.pack()
    return trainer.gradient(data)[0]


@settings(max_examples=50, deadline=None)
@given(
    units=st.lists(st.integers(1, 9) | st.integers(49, 55), min_size=2, max_size=4),
    rows=st.sampled_from([1, 7, 70]),
    hidden=st.sampled_from(activations.ALL),
    loss=st.sampled_from(sorted(OUTPUT)),
    dropout=st.sampled_from([0.0, 0.3]),
    weighted=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_gradient_is_the_slope_of_the_loss(units, rows, hidden, loss, dropout, weighted, seed):
    rng = np.random.default_rng(seed)
    model = Model(
        ModelSpec.dense(
            tuple(units),
            role="model",
            hidden=hidden,
            output=OUTPUT[loss],
            loss=loss,
            dropout=dropout,
            dtype="float64",
        )
    )
    model.swap(rng.normal(0, 0.6 if hidden != "exponential" else 0.02, model.layout.size))
    trainer = model.trainer("sgd", weighted=weighted)
    weights = [rng.uniform(0.3, 2, rows)] if weighted else []
    data = trainer.stage(
        rng.normal(size=(rows, units[0])), targets(rng, loss, rows, units[-1]), *weights
    )
    _, gradient = trainer.gradient(data)
    start = trainer.vector.copy()
    places = rng.choice(len(gradient), min(12, len(gradient)), replace=False)
    for place in places:
        shift = np.zeros_like(start)
        shift[place] = STEP
        slopes = [
            (loss_at(trainer, data, start + s * shift) - loss_at(trainer, data, start - s * shift))
            / (2 * s * STEP)
            for s in (1, 3)
        ]
        kinked = abs(slopes[0] - slopes[1]) > 1e-5  # relu, mae and huber have corners
        assert kinked or abs(gradient[place] - slopes[0]) < 1e-5 * max(1, abs(slopes[0]))
    assert len(set(np.round(start, 12))) > 1
