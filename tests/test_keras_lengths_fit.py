"""fit, evaluate and the methods for one batch with lengths=: what lies beyond does not count."""

import numpy as np
import pytest

from respnet import layers
from respnet.lengths import sequence_mask
from respnet.models import Sequential
from respnet.optimizers import SGD, Adam

RNG = np.random.default_rng
# Keras 3.15.1 on TensorFlow with Masking on rows padded with zeros: SGD(0.1), batches of 8
KERAS = {
    "SimpleRNN": (
        [1.053733229637146, 1.0343471765518188],
        [0.8116962313652039, 0.8073469996452332],
        [1.0194134712219238, 0.8034519553184509],
    ),
    "LSTM": (
        [1.038953423500061, 1.0315020084381104],
        [0.8064063191413879, 0.8045878410339355],
        [1.027022123336792, 0.8034877181053162],
    ),
    "GRU": (
        [1.032718300819397, 1.0266536474227905],
        [0.7947544455528259, 0.7923867106437683],
        [1.020436406135559, 0.7906786203384399],
    ),
}


def rows(beyond=9.0):
    """x (20,5,3), y (20,5,2) and lengths; x is ``beyond`` after each length."""
    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(20, 5, 3)).astype("f"), rng.normal(size=(20, 5, 2)).astype("f")
    lengths = rng.randint(1, 6, 20)
    for row, length in enumerate(lengths):
        x[row, length:] = beyond
    return x, y, lengths


def net(kind="GRU", *first, optimizer=None, metrics=("mae",), **options):
    model = Sequential([layers.Input((None, 3)), *first])
    model.add(getattr(layers, kind)(4, return_sequences=True, **options))
    model.add(layers.Dense(2))
    state = np.random.RandomState
    arrays = enumerate(model.get_weights())
    model.set_weights([state(100 + i).uniform(-0.5, 0.5, a.shape) for i, a in arrays])
    model.compile(optimizer or SGD(0.1), "mse", metrics=list(metrics))
    return model


@pytest.mark.parametrize("kind", KERAS)
def test_rows_of_unequal_length_learn_as_masked_ones_of_keras(kind):
    x, y, lengths = rows()
    model, (loss, error, judged) = net(kind), KERAS[kind]
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0, "lengths": lengths}
    history = model.fit(x, y, **options).history
    assert history == {"loss": pytest.approx(loss, abs=2e-6), "mae": pytest.approx(error, abs=2e-6)}
    found = model.evaluate(x, y, batch_size=8, lengths=lengths)
    assert found == pytest.approx(judged, abs=2e-6)


def test_they_learn_to_the_bit_as_with_a_mask():
    x, y, lengths = rows()
    model, other = net(optimizer="adam"), net()
    longer = other.with_mask()
    longer.compile("adam", "mse", metrics=["mae"])
    options = {"batch_size": 6, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, lengths=lengths, **options).history
    assert longer.fit([x, sequence_mask(lengths, 5)], y, **options).history == history
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


def test_one_batch_with_lengths_is_a_step_of_fit():
    x, y, lengths = rows()
    model, by_hand, masked = net(), net(), net("GRU", layers.Masking(9.0))
    before = model.test_on_batch(x, y, lengths=lengths)
    assert before == model.train_on_batch(x, y, lengths=lengths)
    loss, gradients = by_hand.loss_and_gradients(x, y, lengths=lengths)
    by_hand.apply_gradients(gradients)
    masked.train_on_batch(x, y)
    assert loss == pytest.approx(before[0])
    for each in (by_hand, masked):
        pairs = zip(model.get_weights(), each.get_weights(), strict=True)
        assert all(np.allclose(*pair, atol=1e-6) for pair in pairs)
    assert not np.allclose(net().train_on_batch(x, y), before)


def test_the_state_of_the_optimizer_goes_on_between_rows_with_and_without():
    x, y, _ = rows()
    full = np.full(20, 5)
    model, other = net(optimizer=Adam(0.1)), net(optimizer=Adam(0.1))
    for lengths in (full, None, full):
        model.train_on_batch(x, y, lengths=lengths)
        other.train_on_batch(x, y)
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    assert all(np.allclose(*pair, atol=1e-5) for pair in pairs)


def test_validation_rows_have_lengths_of_their_own():
    x, y, lengths = rows()
    model = net(optimizer=SGD(0.0))
    want = model.evaluate(x[15:], y[15:], lengths=lengths[15:])
    options = {"verbose": 0, "lengths": lengths[:15], "batch_size": 15}
    given = model.fit(x[:15], y[:15], validation_data=(x[15:], y[15:], None, lengths[15:]),
                      **options).history  # fmt: skip
    assert [given["val_loss"][0], given["val_mae"][0]] == pytest.approx(want, rel=1e-5)
    split = model.fit(x, y, validation_split=0.25, **options | {"lengths": lengths}).history
    assert split["val_loss"] == pytest.approx(given["val_loss"], rel=1e-5)
    plain = model.fit(x[:15], y[:15], validation_data=(x[15:], y[15:]), **options).history
    assert plain["val_loss"][0] == pytest.approx(model.evaluate(x[15:], y[15:])[0], rel=1e-5)
    assert abs(plain["val_loss"][0] - want[0]) > 1e-3


def test_metrics_made_of_outputs_and_weights_see_what_the_lengths_leave():
    x, y, lengths = rows()
    model = net(metrics=["mse", "mae"])
    counts = sequence_mask(lengths, 5)
    away = np.abs(model.predict(x, lengths=lengths) - y).mean(-1)
    found = model.evaluate(x, y, lengths=lengths, return_dict=True)
    assert found["mae"] == pytest.approx((away * counts).sum() / counts.sum(), rel=1e-5)
    weights = np.linspace(0.5, 2, 20)
    model.compile(SGD(0.1), "mae")
    loss = model.evaluate(x, y, batch_size=20, sample_weight=weights, lengths=lengths)
    each = away * counts * weights[:, None]
    assert loss == pytest.approx(each.sum() / counts.sum(), rel=1e-5)


def test_stateful_models_train_with_lengths():
    x, y, lengths = rows()
    model, other = net(stateful=True), net()
    assert model.train_on_batch(x, y, lengths=lengths) == other.train_on_batch(
        x, y, lengths=lengths
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lengths": [1, 2]}, r"for each of 20 rows, got shape \(2,\)"),
        ({"lengths": [6] * 20}, "lengths must be 0 to 5, got 6 to 6"),
        ({"lengths": [0.5] * 20}, "whole numbers"),
        ({"validation_data": (1, 2, 3, 4, 5)}, "or .x, y, sample_weight, lengths., got 5 of them"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    x, y, _ = rows()
    with pytest.raises(ValueError, match=message):
        net().fit(x, y, verbose=0, **given)


def test_streams_and_rows_without_time_have_no_lengths():
    x, y, lengths = rows()
    stream = ((x, y) for _ in range(2))
    for way in ("fit", "evaluate"):
        with pytest.raises(ValueError, match="lengths= goes with arrays"):
            getattr(net(), way)(stream, lengths=lengths)
    flat = Sequential([layers.Dense(2, input_dim=3)])
    flat.compile("sgd", "mse")
    for way in (flat.fit, flat.evaluate, lambda x, y, **options: flat.predict(x, **options)):
        with pytest.raises(ValueError, match="layer 'dense.*' reads rows of shape .3,. of input"):
            way(x[:, 0], y[:, 0], lengths=lengths.clip(0, 3))
    words = Sequential([layers.Embedding(9, 4, input_length=5), layers.GRU(2)])
    words.compile("sgd", "mse")
    some = RNG(1).integers(0, 9, (20, 5))
    found = words.evaluate(some, y[:, 0], lengths=lengths)
    want = words.predict(some, lengths=lengths) - y[:, 0]
    assert found == pytest.approx((want**2).mean(), rel=1e-5)
