"""Rows of unequal length: lengths=, mask= and with_mask()."""

import numpy as np
import pytest

from respnet.layers import GRU, LSTM, Dense, Embedding, Input, SimpleRNN
from respnet.lengths import sequence_mask
from respnet.models import Model, Sequential, load_model

LENGTHS = [2, 5, 1]


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_steps_beyond_the_length_do_not_count(layer):
    model = Sequential([Input((None, 3)), layer(4, return_sequences=True), layer(3), Dense(2)])
    x = rows(3, 5, 3)
    got = model.predict(x, lengths=LENGTHS)
    want = [model.predict(x[i : i + 1, :n])[0] for i, n in enumerate(LENGTHS)]
    assert np.allclose(got, want, atol=1e-6) and not np.allclose(model.predict(x), want, atol=1e-4)
    model.set_weights([w * 2 for w in model.get_weights()])
    again = model.predict(x, lengths=LENGTHS)
    assert np.allclose(again[1], model.predict(x)[1], atol=1e-6)


def test_words_have_lengths_too():
    model = Sequential([Input((None,)), Embedding(9, 4), GRU(3)])
    x = np.random.default_rng(0).integers(0, 9, (3, 5))
    want = [model.predict(x[i : i + 1, :n])[0] for i, n in enumerate(LENGTHS)]
    assert np.allclose(model.predict(x, lengths=LENGTHS), want, atol=1e-6)


def test_training_with_a_mask_trains_the_model():
    model = Sequential([Input((None, 3)), GRU(4), Dense(1)])
    x, y = rows(3, 5, 3), rows(3, 1)
    longer = model.with_mask()
    longer.compile("adam", "mse")
    mask = sequence_mask(LENGTHS, 5)
    loss = longer.fit([x, mask], y, epochs=30, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    got = model.predict(x, lengths=LENGTHS)
    assert np.mean((got - y) ** 2) == pytest.approx(
        longer.evaluate([x, mask], y, verbose=0), rel=1e-5
    )


def test_a_mask_is_an_argument_of_a_call(tmp_path):
    x, mask = Input((None, 3)), Input((None,))
    model = Model([x, mask], GRU(4, return_sequences=True)(x, mask=mask))
    data = rows(3, 5, 3)
    got = model.predict([data, sequence_mask(LENGTHS, 5)])
    assert np.allclose(got[0, 1:], got[0, 1], atol=1e-7)
    model.save(tmp_path / "m.respnet")
    again = load_model(tmp_path / "m.respnet")
    assert np.array_equal(again.predict([data, sequence_mask(LENGTHS, 5)]), got)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([6, 1], "lengths must be 0 to 5, got 1 to 6"), ([0.5], "whole numbers"), (3, "one a row")],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        sequence_mask(lengths, 5)
