"""A training that is saved goes on, once loaded, to the same bits as if it had never stopped."""

import numpy as np
import pytest

import respnet
from respnet.engine import storage
from respnet.engine.errors import FileError
from respnet.layers import GRU, LSTM, Dense, Dropout, Embedding, Input
from respnet.saving import contents

CHANCE = np.random.default_rng(5)
X = CHANCE.integers(0, 9, (50, 6)).astype(np.float32)
Y = (X.sum(axis=1) > 24).astype(np.float32)[:, None]


def model(optimizer):
    respnet.set_random_seed(8)
    layers = [Embedding(9, 4), LSTM(5, return_sequences=True, dropout=0.2), Dropout(0.3), GRU(4)]
    made = respnet.Sequential([Input((6,)), *layers, Dense(1, "sigmoid")])
    made.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return made


def train(made, epochs):
    size = None if made.optimizer.full_batch else 16
    return made.fit(X, Y, epochs=epochs, batch_size=size, verbose=0).history


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "nadam", "rprop"])
def test_training_goes_on_to_the_same_bits(tmp_path, optimizer):
    whole, half = model(optimizer), model(optimizer)
    train(whole, 2)
    train(half, 2)
    for name in ("once", "twice"):  # saved, loaded, saved again
        half.save(tmp_path / name)
        respnet.set_random_seed(77)  # nothing may depend on it
        half = respnet.load_model(tmp_path / name)
    assert train(whole, 3) == train(half, 3)
    pairs = zip(whole.get_weights(), half.get_weights(), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_a_file_that_was_never_trained_begins_as_the_model_would(tmp_path):
    whole, other = model("adam"), model("adam")
    other.save(tmp_path / "net")
    respnet.set_random_seed(77)
    assert train(whole, 2) == train(respnet.load_model(tmp_path / "net"), 2)


def test_without_the_optimizer_the_weights_stay_and_the_training_begins_anew(tmp_path):
    made = model("adam")
    train(made, 2)
    made.save(tmp_path / "net", include_optimizer=False)
    again = respnet.load_model(tmp_path / "net")
    assert (again.predict(X) == made.predict(X)).all() and again.optimizer is None
    again.compile("adam", "binary_crossentropy")
    assert train(again, 1)["loss"] != train(made, 1)["loss"]


def test_an_optimizer_of_another_size_is_refused(tmp_path):
    made = model("adam")
    train(made, 1)
    tensors, extra = contents(made)
    tensors["optimizer"] = tensors["optimizer"][:, 1:]
    storage.save(tmp_path / "net", storage.Saved(made.spec, tensors, extra))
    with pytest.raises(FileError, match="state of the optimizer must be float32"):
        respnet.load_model(tmp_path / "net")
