"""Models over sequences: layers, states, and the curves real Keras reached."""

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from respnet import utils
from respnet.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Dense,
    Dropout,
    Embedding,
    GRUCell,
    Input,
    LSTMCell,
    Masking,
    RepeatVector,
    SimpleRNN,
    StackedRNNCells,
    TimeDistributed,
)
from respnet.losses import SparseCategoricalCrossentropy
from respnet.models import Model, Sequential, load_model
from respnet.optimizers import Adam
from respnet.preprocessing import (
    Alphabet,
    Tokenizer,
    minibatch_sequencer,
    pad_sequences,
    relative_windows,
    to_categorical,
    train_test_split,
)

SHARED = Path(__file__).resolve().parents[1] / "../shared/data"


def seed_weights(model):
    """Weight i from RandomState(100 + i).uniform(-.08, .08), as the reference numbers were made."""
    model.set_weights(
        [
            np.random.RandomState(100 + i).uniform(-0.08, 0.08, w.shape)
            for i, w in enumerate(model.get_weights())
        ]
    )


def data(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the data of the talks are not here: ../shared/data/{name}")
    return path


# --- layers ---------------------------------------------------------------------------------


def test_parameters_of_the_seeds_networks():
    mystery = Sequential(name="mystery-machine")
    mystery.add(Embedding(10000, 32, input_length=150))
    mystery.add(SimpleRNN(32))
    mystery.add(Dense(5, activation="softmax"))
    assert mystery.count_params() == 322_245 and mystery.output_shape == (None, 5)
    crypto = Sequential([LSTM(50, input_shape=(None, 1), return_sequences=True), Dropout(0.2)])
    crypto.add(LSTM(100, return_sequences=False))
    crypto.add(Dropout(0.2))
    crypto.add(Dense(1))
    crypto.add(Activation("linear"))
    assert crypto.count_params() == 70_901
    addition = Sequential([LSTM(128, input_shape=(7, 12)), RepeatVector(4)])
    addition.add(LSTM(128, return_sequences=True))
    addition.add(TimeDistributed(Dense(12)))
    addition.add(Activation("softmax"))
    assert addition.count_params() == 205_324 and addition.output_shape == (None, 4, 12)
    text = [GRU(512, return_sequences=True, reset_after=False) for _ in range(3)]
    shakespeare = Sequential([Input((None, 98)), *text, Dense(98), Activation("softmax")])
    assert shakespeare.count_params() == 4_137_570


def test_any_length_after_training():
    model = Sequential([LSTM(4, input_shape=(None, 1)), Dense(1)])
    model.compile("rmsprop", "mse")
    x = np.random.default_rng(0).normal(size=(10, 6, 1))
    model.fit(x, x[:, 0, 0], verbose=0)
    assert [model.predict(x[:1, k:]).shape for k in range(4)] == [(1, 1)] * 4
    model.train_on_batch(x[:, :3], x[:, 0, 0])
    assert model.optimizer.iterations == 2


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_states_go_in_and_out(layer):
    x = Input((None, 3))
    count = layer.states
    states = [Input((5,)) for _ in range(count)]
    y, *last = layer(5, return_sequences=True, return_state=True)(x, initial_state=states)
    model = Model([x, *states], [y, *last])
    rows = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    zeros = [np.zeros((2, 5), np.float32)] * count
    whole = model.predict([rows, *zeros])
    _, *between = model.predict([rows[:, :4], *zeros])
    after = model.predict([rows[:, 4:], *between])
    assert np.allclose(whole[0][:, 4:], after[0], atol=1e-6)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(whole[1:], after[1:], strict=True))


def test_stateful_layers_remember_until_they_are_reset():
    x = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)
    utils.set_random_seed(1)
    model = Sequential([Input(batch_shape=(3, None, 2)), GRU(4, stateful=True), Dense(1)])
    plain = Sequential([Input((None, 2)), GRU(4), Dense(1)])
    plain.set_weights(model.get_weights())
    assert len(model.layers) == 2 and model.count_params() == plain.count_params()
    model.predict(x[:, :5])
    assert np.allclose(model.predict(x[:, 5:]), plain.predict(x), atol=1e-6)
    model.reset_states()
    assert np.allclose(model.predict(x), plain.predict(x), atol=1e-6)
    with pytest.raises(ValueError, match="states are of 3 rows, this batch has 2"):
        model.predict(x[:2])


def test_stateful_training_carries_states_over_batches():
    x = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)
    y = np.random.default_rng(1).normal(size=(4, 1)).astype(np.float32)
    model = Sequential([Input(batch_shape=(2, 6, 2)), SimpleRNN(3, stateful=True), Dense(1)])
    model.compile("sgd", "mse")
    again = Sequential([Input((6, 2)), SimpleRNN(3), Dense(1)])
    again.compile("sgd", "mse")
    again.set_weights(model.get_weights())
    first = model.train_on_batch(x[:2], y[:2])
    assert first == pytest.approx(again.train_on_batch(x[:2], y[:2]), rel=1e-6)
    second = model.train_on_batch(x[2:], y[2:])
    assert second != pytest.approx(again.train_on_batch(x[2:], y[2:]), rel=1e-4)
    model.reset_states()
    history = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all() and model.optimizer.iterations == 6


def test_cells_are_their_layers():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    cells = Sequential([Input((5, 3)), RNN(StackedRNNCells([LSTMCell(4), GRUCell(2)]))])
    layers = Sequential([Input((5, 3)), LSTM(4, return_sequences=True), GRU(2)])
    layers.set_weights(cells.get_weights())
    assert np.array_equal(cells.predict(x), layers.predict(x))


def test_masked_steps_do_not_count():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    model = Sequential([Input((None, 3)), Masking(), GRU(4)])
    padded = np.concatenate([np.zeros((2, 3, 3), np.float32), x], axis=1)
    assert np.allclose(model.predict(padded), model.predict(x), atol=1e-6)


def test_numbers_beyond_the_table_are_refused():
    model = Sequential([Embedding(24, 6, input_length=7), SimpleRNN(6), Dense(5, "softmax")])
    assert model.predict(np.full((1, 7), 23.0)).shape == (1, 5)
    with pytest.raises(ValueError, match="24"):
        model.predict(np.full((1, 7), 24.0))


def test_a_saved_recurrent_model_answers_the_same(tmp_path):
    model = Sequential(
        [
            Input(batch_shape=(2, None, 3)),
            LSTM(4, return_sequences=True, stateful=True, peephole=True),
            TimeDistributed(Dense(2)),
            RNN([GRUCell(3), GRUCell(2)]),
        ]
    )
    model.save(tmp_path / "rnn.respnet")
    other = load_model(tmp_path / "rnn.respnet")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    for part in (x[:, :2], x[:, 2:]):
        assert np.array_equal(model.predict(part), other.predict(part))


# --- the curves of Keras --------------------------------------------------------------------


def mystery_rows():
    path = data("scooby/scooby-doo-lines.csv")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows


CURVES = {
    "SimpleRNN": [1.59929, 1.49583, 1.36539],
    "LSTM": [1.60356, 1.50790],
    "GRU": [1.59833, 1.49110],
}


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU], ids=lambda c: c.__name__)
def test_who_said_that_learns_as_keras_does(layer):
    rows = [row for row in mystery_rows() if len(row) > 1][-1688:]
    speakers, lines = [row[0] for row in rows], [row[-1] for row in rows]
    names = sorted(set(speakers))
    y = to_categorical([names.index(name) for name in speakers])
    tokenizer = Tokenizer(num_words=10000)
    tokenizer.fit_on_texts(lines)
    x = pad_sequences(tokenizer.texts_to_sequences(lines), maxlen=150)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    model = Sequential(name="mystery-machine")
    model.add(Embedding(10000, 32, input_length=150))
    model.add(layer(32))
    model.add(Dense(5, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    seed_weights(model)
    want = CURVES[layer.__name__]
    epochs = len(want)
    history = model.fit(x, y, batch_size=25, epochs=epochs, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(want, abs=1e-3)
    assert history["loss"][0] == pytest.approx(want[0], abs=1e-4)
    if layer is SimpleRNN:
        loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
        assert loss == pytest.approx(1.34179, abs=1e-3)
        assert accuracy == pytest.approx(0.4142, abs=1e-4)


def test_the_bitcoin_series_learns_as_keras_does():
    path = data("crypto/Bitcoin.csv")
    with open(path, newline="") as file:
        closes = [float(row["Close"]) for row in csv.DictReader(file)][::-1]
    x, y = relative_windows(closes[:-1], 50)  # the talk's program leaves out the last window
    model = Sequential([LSTM(50, input_shape=(None, 1), return_sequences=True)])
    model.add(LSTM(100, return_sequences=False))
    model.add(Dense(1))
    model.add(Activation("linear"))
    model.compile(loss="mse", optimizer="rmsprop")
    seed_weights(model)
    history = model.fit(
        x, y, batch_size=512, epochs=3, validation_split=0.05, shuffle=False, verbose=0
    ).history
    assert history["loss"] == pytest.approx([0.70934, 0.68146, 0.65690], abs=1e-4)
    assert history["val_loss"][-1] == pytest.approx(0.21376, abs=1e-4)
    window, ahead = x[-1:], []
    for _ in range(10):
        ahead.append(model.predict(window))
        window = np.concatenate([window[:, 1:], ahead[-1][:, None]], axis=1)
    assert len(x) == 1558 and ahead[0].item() == pytest.approx(0.08769, abs=5e-4)
    assert ahead[-1].item() == pytest.approx(0.07737, abs=5e-4)


def shakespeare_network():
    x, states = Input((None, 98)), [Input((128,), name=f"h{i}") for i in range(2)]
    y, outs = x, []
    for state in states:
        layer = GRU(128, return_sequences=True, return_state=True, reset_after=False)
        y, out = layer(y, initial_state=state)
        outs.append(out)
    model = Model([x, *states], [Dense(98)(y), *outs])
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.001), [loss, None, None])
    seed_weights(model)
    return model


def test_shakespeare_is_learnt_as_keras_does():
    files = sorted(data("shakespeare").glob("t*.txt"))
    *texts, last = [Alphabet().encode(file.read_text()) for file in files]
    model, losses = shakespeare_network(), []
    h = [np.zeros((100, 128), np.float32)] * 2
    for a, b, _ in islice(minibatch_sequencer(np.concatenate(texts), 100, 30, 1), 51):
        rows = to_categorical(a, 98)
        after = model.predict([rows, *h])[1:]
        losses.append(model.train_on_batch([rows, *h], b))
        h = after
    assert losses[0] == pytest.approx(4.57722, abs=1e-4)
    assert losses[10] == pytest.approx(4.01421, abs=1e-3)
    assert losses[50] == pytest.approx(3.35681, abs=1e-3)
    count = len(last) // 1024
    a, b = (part[: count * 1024].reshape(count, 1024) for part in (last, last[1:]))
    zeros = [np.zeros((count, 128), np.float32)] * 2
    judged = model.evaluate([to_categorical(a, 98), *zeros], b, verbose=0)
    assert judged == pytest.approx(3.38716, abs=1e-3)


def questions(digits, count, seed):
    """Sums as padded texts, each pair once, reversed: the workshop's."""
    rng = np.random.RandomState(seed)
    seen, texts, answers = set(), [], []

    def number():
        return int(
            "".join(rng.choice(list("0123456789")) for _ in range(rng.randint(1, digits + 1)))
        )

    while len(texts) < count:
        a, b = number(), number()
        key = tuple(sorted((a, b)))
        if key in seen:
            continue
        seen.add(key)
        texts.append(f"{a}+{b}".ljust(2 * digits + 1)[::-1])
        answers.append(str(a + b).ljust(digits + 1))
    return texts, answers


def test_addition_learns():
    texts, answers = questions(1, 50, 0)
    characters = sorted("0123456789+ ")
    one_hot = {c: i for i, c in enumerate(characters)}
    x, y = (
        to_categorical([[one_hot[c] for c in text] for text in part], 12)
        for part in (texts, answers)
    )
    utils.set_random_seed(0)
    model = Sequential([LSTM(24, input_shape=(3, 12)), RepeatVector(2)])
    model.add(LSTM(24, return_sequences=True))
    model.add(TimeDistributed(Dense(12)))
    model.add(Activation("softmax"))
    model.compile(Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=100, verbose=0).history
    assert history["accuracy"][-1] > 0.7 > history["accuracy"][0]


def test_text_is_learnt_with_states_from_batch_to_batch():
    alphabet = Alphabet()
    codes = alphabet.encode("to be or not to be, that is the question\n" * 30)
    x = Input((None, 98))
    states = [Input((24,), name=f"h{i}") for i in range(2)]
    y, outs = x, []
    for state in states:
        y, out = GRU(24, return_sequences=True, return_state=True, reset_after=False)(
            y, initial_state=state
        )
        outs.append(out)
    logits = Dense(98)(y)
    model = Model([x, *states], [logits, *outs])
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.01), [loss, None, None])
    h = [np.zeros((5, 24), np.float32)] * 2
    losses = []
    for a, b, _ in minibatch_sequencer(codes, batch_size=5, sequence_size=20, epochs=4):
        rows = to_categorical(a, 98)
        losses.append(model.train_on_batch([rows, *h], b))
        h = model.predict([rows, *h])[1:]
    assert losses[-1] < 0.75 * losses[0]
