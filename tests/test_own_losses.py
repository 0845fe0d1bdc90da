"""Losses and metrics of one's own: values, gradients and training as those of the library."""

import numpy as np
import pytest

import respnet
from respnet import ops
from respnet.engine import LossTerm, ModelSpec, reference
from respnet.engine.errors import GradientError, ShapeError, SpecError
from respnet.layers import LSTM, Dense, Embedding, Input

RNG = np.random.default_rng(1)
X = RNG.normal(size=(600, 5)).astype(np.float32)
Y = np.stack([np.sin(X[:, 0]), X[:, 1]], 1).astype(np.float32)


def of_rows(y_true, y_pred):
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def of_numbers(y_true, y_pred):
    return (y_pred - y_true) ** 2


def of_all(y_true, y_pred):
    return ops.mean(ops.square(y_pred - y_true))


class Squared(respnet.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean_squared_error(y_true, y_pred)


def net(loss, threads=1, dtype="float32", **options):
    respnet.set_random_seed(4)
    layers = [Input((5,)), Dense(6, "tanh"), Dense(2)]
    model = respnet.Sequential(layers, threads=threads, dtype=dtype)
    model.compile("adam", loss, **options)
    return model


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("loss", [of_rows, of_numbers, of_all, Squared(), Squared])
def test_it_trains_as_the_loss_of_the_library(loss, threads):
    one, other = net("mse", threads), net(loss, threads)
    for model in (one, other):
        model.fit(X, Y, batch_size=590, epochs=3, verbose=0, shuffle=False)
    np.testing.assert_allclose(
        other.history.history["loss"], one.history.history["loss"], rtol=1e-6
    )
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert other.evaluate(X, Y, verbose=0) == pytest.approx(one.evaluate(X, Y, verbose=0))


@pytest.mark.parametrize("loss", [of_rows, of_numbers])
def test_the_executor_the_reference_and_differences_agree(loss):
    model = net(loss, dtype="float64")
    weights = np.linspace(0.1, 2, len(X)).astype(np.float32)
    value, gradients = model.loss_and_gradients(X, Y, sample_weight=weights)
    plain = np.square(model.predict(X) - Y).mean(1)
    assert value == pytest.approx((plain * weights).mean(), rel=1e-12)
    program = model.network.program("train", True)
    vector = model.network.weights.vector
    wanted = reference.run(program, vector, [X, Y, weights[:, None]])
    assert value == pytest.approx(wanted.loss, rel=1e-12)
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in gradients]), wanted.gradient)
    step = np.zeros_like(vector)
    step[3] = 1e-6
    ends = [
        reference.run(program, vector + s, [X, Y, weights[:, None]]).loss for s in (step, -step)
    ]
    assert wanted.gradient[3] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_masks_and_places_count():
    x = RNG.integers(0, 4, (300, 6))
    y = RNG.normal(size=(300, 6, 2)).astype(np.float32)
    losses = []
    for loss in ("mse", of_rows):
        respnet.set_random_seed(2)
        layers = [Input((6,)), Embedding(4, 3, mask_zero=True), LSTM(4, return_sequences=True)]
        model = respnet.Sequential([*layers, Dense(2)])
        model.compile("adam", loss)
        losses.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_two_outputs_a_loss_each():
    x = Input((5,))
    model = respnet.Model(x, [Dense(2, name="a")(x), Dense(2, name="b")(x)])
    model.compile("sgd", {"a": of_rows, "b": "mae"}, loss_weights={"a": 2.0, "b": 1.0})
    logs = model.evaluate(X, [Y, Y], return_dict=True, verbose=0)
    a, b = model.predict(X)
    wanted = 2 * np.square(a - Y).mean() + np.abs(b - Y).mean()
    assert logs["loss"] == pytest.approx(wanted, rel=1e-5)
    value, gradients = model.loss_and_gradients(X, [Y, Y])
    np.testing.assert_allclose(gradients[1], 4 * (a - Y).mean(0) / 2, rtol=1e-4, atol=1e-6)
    assert value == pytest.approx(wanted, rel=1e-5)


def test_metrics_of_ones_own():
    def largest(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    model = net(of_rows, metrics=[largest])
    logs = model.evaluate(X, Y, return_dict=True, verbose=0)
    wanted = np.abs(model.predict(X) - Y).max(1).mean()
    assert logs["largest"] == pytest.approx(wanted, rel=1e-5)


def test_called_on_arrays():
    assert Squared()(Y, 2 * Y) == pytest.approx(np.square(Y).mean())
    assert respnet.losses.get(of_numbers)(Y, 2 * Y) == pytest.approx(np.square(Y).mean(), rel=1e-6)


@pytest.mark.parametrize("loss", [of_rows, Squared()])
def test_files_hold_its_name(loss, tmp_path):
    model = net(loss)
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(tmp_path / "m.respnet")
    again = respnet.load_model(tmp_path / "m.respnet", {"of_rows": of_rows})
    for each in (model, again):
        each.fit(X, Y, epochs=1, verbose=0)
    assert np.array_equal(model.current_vector(), again.current_vector())


def test_what_makes_no_sense_is_named():
    def broken(y_true, y_pred):
        raise KeyError("no such table")

    with pytest.raises(KeyError, match="no such table"):
        net(broken).fit(X, Y, epochs=1, verbose=0)
    with pytest.raises(GradientError, match="loss constant: its result does not depend"):
        net(type("constant", (respnet.losses.Loss,), {"call": lambda s, t, p: t})()).fit(
            X, Y, verbose=0
        )
    with pytest.raises(ShapeError, match=r"gave shape \(2,\); outputs \(32, 2\) want \(32,\)"):
        net(lambda t, p: ops.sum(p - t, axis=0)).fit(X, Y, verbose=0)
    with pytest.raises(ShapeError, match="gave one number, which cannot be weighed"):
        net(of_all).fit(X, Y, sample_weight=np.ones(600), verbose=0)


def test_no_spec_brings_a_loss_along():
    term = LossTerm("dense_0", "python", {"function": {"name": "of_rows"}})
    spec = ModelSpec.chain((5,), [("dense", {"units": 2})], loss=(term,))
    with pytest.raises(SpecError, match="function must be a function that compile was given"):
        respnet.engine.Model(spec).trainer("sgd")
