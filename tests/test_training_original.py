"""The original's algorithm, against a plain NumPy version of it written from its description."""

import numpy as np
import pytest

from respnet.engine.model import Model
from respnet.engine.original import original_spec, reported_errors
from respnet.engine.spec import ModelSpec
from respnet.engine.training import TrainOptions, run

UNITS = (3, 5, 2)


def data(rows=40):
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 1, (rows, 3))
    return x.astype(np.float32), (x.sum(axis=1, keepdims=True) > 1.5).astype(np.float32)


def gradient(parameters, x, y):
    """Half squared error summed over outputs, mean over rows, of a sigmoid net; (error, slopes)."""
    values = [x]
    for kernel, bias in parameters:
        values.append(1 / (1 + np.exp(-(values[-1] @ kernel + bias))))
    error, slopes = 0.5 * ((values[-1] - y) ** 2).sum(axis=1).mean(), []
    dy = (values[-1] - y) / len(x)
    for (kernel, _), inputs, outputs in zip(
        parameters[::-1], values[-2::-1], values[:0:-1], strict=True
    ):
        dz = dy * outputs * (1 - outputs)
        slopes = [(inputs.T @ dz, dz.sum(axis=0)), *slopes]
        dy = dz @ kernel.T
    return error, slopes


def rprop_plus(parameters, x, y, epochs):
    """Errors before each update; the last step is undone wherever a slope turned."""
    flat = [p for layer in parameters for p in layer]
    steps, moves, before = ([np.full_like(p, v) for p in flat] for v in (0.1, 0.0, 0.0))
    errors = []
    for _ in range(epochs):
        error, slopes = gradient(parameters, x, y)
        errors.append(error)
        for i, g in enumerate(g for layer in slopes for g in layer):
            turned, same = g * before[i] < 0, g * before[i] > 0
            steps[i][same] = np.minimum(1.2 * steps[i][same], 50)
            steps[i][turned] = np.maximum(0.5 * steps[i][turned], 1e-6)
            moves[i] = np.where(turned, -moves[i], -np.sign(g) * steps[i])
            flat[i] += moves[i]
            before[i] = np.where(turned, 0, g)
    return errors


def test_errors_follow_the_description():
    x, y = data()
    model = Model(original_spec(UNITS, role="classifier", seed=3))
    start = [
        [model.view(f"dense_{i}/{name}").astype(np.float64) for name in ("kernel", "bias")]
        for i in range(2)
    ]
    assert all(0 < np.abs(p).max() <= 0.05 for layer in start for p in layer)
    want = rprop_plus(start, x, np.eye(2)[y[:, 0].astype(int)], 12)
    trainer = model.trainer("rprop+")
    trainer.bind(x, np.eye(2)[y[:, 0].astype(int)])
    got = [trainer.epoch() for _ in range(12)]  # mean over outputs: 2 / outputs of the error
    assert np.allclose(got, want, rtol=1e-3)
    assert got[-1] < 0.9 * got[0]


def test_normalize_is_the_originals():
    x, y = 10 * data()[0], 7 * data()[0][:, :2]
    model = Model(original_spec(UNITS, role="regressor", scaling=True))
    result = run(model, (x, y), options=TrainOptions(exact_original=True, max_epochs=3))
    model.swap(result.weights)
    assert np.allclose(model.view("input/scale"), 1 / (1.2 * x.max(axis=0)), rtol=1e-6)
    assert not model.view("input/offset").any()
    assert np.allclose(model.view("dense_1/scale"), 1.2 * y.max(axis=0), rtol=1e-6)
    assert (model.predict(x) > 0).all() and (model.predict(x) < 1.2 * y.max(axis=0)).all()


@pytest.mark.parametrize("backtrack", [False, True])
def test_autostop_counts_strikes(backtrack):
    x, y = data(30)
    noise = np.random.default_rng(0).integers(2, size=(30, 1)).astype(np.float32)
    options = TrainOptions(
        autostop=True, backtrack=backtrack, exact_original=True, max_epochs=5000, max_seconds=0
    )
    model = Model(original_spec((3, 30, 2), role="classifier", seed=1))
    result = run(model, (x, y), (x, noise), options)
    assert result.reason == "overfitting"
    assert (result.progress.best_epoch < result.progress.epoch) and result.progress.epoch < 5000


def test_reported_errors_of_a_classifier_count_classes_as_one_hot():
    x, y = data()
    model = Model(ModelSpec.dense(UNITS, role="classifier", seed=2))
    outputs = model.predict(x).astype(np.float64)
    error, wrong = reported_errors(model, (x, y))
    target = np.eye(2)[y[:, 0].astype(int)]
    assert error == pytest.approx(0.5 * ((outputs - target) ** 2).sum(axis=1).mean())
    assert wrong == np.mean(outputs.argmax(axis=1) != y[:, 0])


def test_reported_errors_of_a_regressor_are_in_scaled_units():
    x, y = data()[0], 300 * data()[0][:, :2] - 1000
    model = Model(ModelSpec.dense(UNITS, role="regressor", scaling=True))
    result = run(model, (x, y), options=TrainOptions(max_epochs=5))
    model.swap(result.weights)
    error, wrong = reported_errors(model, (x, y))
    assert error == pytest.approx(result.progress.loss, rel=1e-4)  # two outputs: mean = half sum
    assert wrong is None
