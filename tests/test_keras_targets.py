"""Class numbers that are no outputs: refused wherever targets come in."""

import numpy as np
import pytest

from respnet import losses
from respnet.layers import GRU, Dense, Input
from respnet.models import Sequential

WAYS = ("fit", "evaluate", "train_on_batch", "test_on_batch", "loss_and_gradients")
X = np.random.default_rng(0).normal(size=(4, 3))


def classifier(loss="sparse_categorical_crossentropy", outputs=5):
    model = Sequential([Dense(outputs, activation="softmax", input_dim=3)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 7, 0, 9], "classes must be whole numbers from 0 to 4; row 1 is 7"),
        ([0, 4, -1, 0], "row 2 is -1"),
        ([[0], [1], [2], [5]], "row 3 is 5"),
        ([0.0, 1.0, 2.0, 0.5], r"row 3 is 0\.5"),
        ([np.nan, 1.0, 2.0, 0.5], "row 0 is nan"),
    ],
)
def test_a_class_that_is_no_output_is_refused(way, y, message):
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        getattr(model, way)(X, np.array(y))
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_places_of_sequences_are_named():
    model = Sequential([Input((2, 3)), GRU(4, return_sequences=True), Dense(5, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    y = np.zeros((4, 2), int)
    y[3, 1] = 5
    with pytest.raises(ValueError, match="row 3, place 1, is 5"):
        model.fit(np.zeros((4, 2, 3)), y, verbose=0)


@pytest.mark.parametrize("ignored", [-1, 255])
def test_the_ignored_class_is_no_mistake_but_others_are(ignored):
    model = classifier(losses.SparseCategoricalCrossentropy(ignore_class=ignored))
    assert model.evaluate(X, np.array([0, ignored, 4, ignored])) > 0
    message = rf"from 0 to 4 \(or {ignored}, which is ignored\); row 1 is 7"
    with pytest.raises(ValueError, match=message):
        model.fit(X, np.array([ignored, 7, 0, 0]), verbose=0)


def test_validation_rows_are_looked_at_before_training():
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match="row 0 is 6"):
        model.fit(X, np.zeros(4, int), validation_data=(X, np.array([6, 0, 0, 0])), verbose=0)
    assert np.array_equal(before[0], model.get_weights()[0])


def test_the_loss_on_arrays_refuses_them_too():
    loss = losses.SparseCategoricalCrossentropy()
    with pytest.raises(ValueError, match="row 1 is -1"):
        loss(np.array([0, -1]), np.full((2, 3), 1 / 3))
