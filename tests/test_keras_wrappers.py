"""Bidirectional, TimeDistributed and RNN over cells, by the words of Keras."""

import numpy as np
import pytest

from respnet.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GRUCell,
    Input,
    LSTMCell,
    MaxPooling2D,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from respnet.models import Model, Sequential, load_model
from respnet.optimizers import Adam

RNG = np.random.default_rng
MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


def rows(*shape, seed=0):
    return RNG(seed).normal(size=shape)


def both_ways(layer, merge, sequences):
    x = Input((None, 3))
    return Model(
        x, Bidirectional(layer(4, return_sequences=sequences), merge_mode=merge)(x), dtype="float64"
    )


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("merge", [*MERGES, None])
@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_there_and_back_are_joined(layer, merge, sequences):
    model = both_ways(layer, merge, sequences)
    single = Sequential([Input((None, 3)), layer(4, return_sequences=sequences)], dtype="float64")
    weights, x = model.get_weights(), rows(2, 5, 3)
    count = len(weights) // 2
    single.set_weights(weights[:count])
    there = single.predict(x)
    single.set_weights(weights[count:])
    back = single.predict(x[:, ::-1])
    back = back[:, ::-1] if sequences else back
    got = model.predict(x)
    if merge is None:
        assert np.allclose(got[0], there) and np.allclose(got[1], back)
    else:
        assert np.allclose(got, MERGES[merge](there, back), atol=1e-13)


def test_values_are_those_of_torch():
    torch = pytest.importorskip("torch")
    model = both_ways(LSTM, "concat", True)
    want = torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    with torch.no_grad():
        arrays = iter(model.get_weights())
        for suffix in ("", "_reverse"):
            for name in ("weight_ih", "weight_hh", "bias_ih"):
                value = torch.tensor(np.ascontiguousarray(next(arrays).T))
                getattr(want, f"{name}_l0{suffix}").copy_(value)
            getattr(want, f"bias_hh_l0{suffix}").zero_()
    x = rows(5, 7, 3)
    assert np.allclose(model.predict(x), want(torch.tensor(x))[0].detach().numpy(), atol=1e-12)


def slopes(model, x, y, places=15):
    """(gradient, central differences) at some places, of a float64 model."""
    rng = RNG(2)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    model.compile("sgd", "mse")
    model._ready(x)
    feed = model.feed(model.arrays(x, y))
    _, gradient = model.session.gradient(feed)
    start = model.current_vector()
    chosen = RNG(1).choice(len(start), min(places, len(start)), replace=False)
    differences = []
    for place in chosen:
        losses = []
        for sign in (1, -1):
            vector = start.copy()
            vector[place] += sign * 1e-6
            model.put_vector(vector)
            losses.append(model.session.evaluate(feed)[0])
        differences.append((losses[0] - losses[1]) / 2e-6)
    return gradient[chosen], np.array(differences)


@pytest.mark.parametrize("merge", MERGES)
def test_gradients_of_bidirectional_are_slopes(merge):
    model = Sequential([Input((None, 3)), Dense(3)], dtype="float64")
    model.add(Bidirectional(GRU(4, return_sequences=True), merge_mode=merge))
    model.add(Bidirectional(LSTM(3), merge_mode=merge))
    model.add(Dense(2))
    gradient, want = slopes(model, rows(4, 5, 3), rows(4, 2, seed=1))
    assert np.allclose(gradient, want, atol=1e-7) and np.abs(want).max() > 1e-3


def test_gradients_of_stacked_cells_are_slopes():
    cells = [LSTMCell(4), GRUCell(3), SimpleRNNCell(5)]
    model = Sequential([Input((None, 3)), RNN(cells, go_backwards=True), Dense(2)], dtype="float64")
    gradient, want = slopes(model, rows(4, 5, 3), rows(4, 2, seed=1))
    assert np.allclose(gradient, want, atol=1e-7) and np.abs(want).max() > 1e-3


def test_states_of_both_directions_go_in_and_out():
    x, states = Input((None, 3)), [Input((4,)) for _ in range(4)]
    layer = Bidirectional(LSTM(4, return_sequences=True, return_state=True))
    model = Model([x, *states], layer(x, initial_state=states), dtype="float64")
    given = [rows(2, 4, seed=i) for i in range(4)]
    y, *last = model.predict([rows(2, 5, 3), *given])
    assert y.shape == (2, 5, 8) and len(last) == 4
    assert np.allclose(y[:, -1, :4], last[0]) and np.allclose(y[:, 0, 4:], last[2])
    short = model.predict([rows(2, 5, 3)[:, :2], *given])
    after = model.predict([rows(2, 5, 3)[:, 2:], *short[1:3], *given[2:]])
    assert np.allclose(after[1], last[0], atol=1e-13)
    with pytest.raises(ValueError, match="has 4 states, got 2"):
        layer(x, initial_state=states[:2])


def test_stateful_both_ways():
    model = Sequential([Input(batch_shape=(2, None, 3)), Bidirectional(GRU(4, stateful=True))])
    plain = Sequential([Input((None, 3)), Bidirectional(GRU(4))])
    plain.set_weights(model.get_weights())
    x = rows(2, 6, 3)
    assert np.allclose(model.predict(x), plain.predict(x), atol=1e-6)
    assert not np.allclose(model.predict(x), plain.predict(x), atol=1e-3)
    model.layers[0].reset_states()
    assert np.allclose(model.predict(x), plain.predict(x), atol=1e-6)


def test_masks_hold_both_ways():
    words = Embedding(9, 4, mask_zero=True)
    model = Sequential([Input((None,)), words, Bidirectional(LSTM(3, return_sequences=True))])
    model.add(GRU(2))
    x = RNG(0).integers(1, 9, (3, 4))
    padded = np.zeros((3, 7), int)
    padded[:, 3:] = x
    assert np.allclose(model.predict(padded), model.predict(x), atol=1e-6)


def test_weights_are_the_forward_ones_then_the_backward_ones():
    layer = Bidirectional(LSTM(4), backward_layer=GRU(2, go_backwards=True))
    model = Sequential([Input((None, 3)), layer])
    shapes = [w.shape for w in model.get_weights()]
    assert shapes == [(3, 16), (4, 16), (16,), (3, 6), (2, 6), (2, 6)]
    assert model.output_shape == (None, 6)
    assert np.array_equal(layer.backward_layer.get_weights()[0], model.get_weights()[3])
    layer.set_weights([w + 1 for w in layer.get_weights()])
    assert layer.forward_layer.get_weights()[2].tolist() == [1] * 4 + [2] * 4 + [1] * 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bidirectional(Dense(3)), "wants a recurrent layer"),
        (lambda: Bidirectional(GRU(3), merge_mode="add"), "unknown merge_mode 'add'"),
        (lambda: Bidirectional(GRU(3), backward_layer=GRU(3)), "must have go_backwards"),
        (
            lambda: Bidirectional(
                GRU(3), backward_layer=GRU(3, return_sequences=True, go_backwards=True)
            ),
            "return_sequences of both layers must be equal",
        ),
        (lambda: TimeDistributed(3), "TimeDistributed wants a layer, got int"),
        (lambda: TimeDistributed(GRU(3, stateful=True)), "is stateful; its steps are rows"),
        (lambda: RNN([Dense(3)]), "RNN wants SimpleRNNCell"),
        (lambda: GRU(3)(Input((4, 2)), initial_state=[Input((3,))] * 2), "has 1 states, got 2"),
    ],
)
def test_what_cannot_be_wrapped_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


# --- RNN over cells -------------------------------------------------------------------------


def test_stacked_cells_give_and_take_their_states():
    x, states = Input((None, 3)), [[Input((4,)), Input((4,))], [Input((2,))]]
    layer = RNN(StackedRNNCells([LSTMCell(4), GRUCell(2)]), return_state=True)
    y, first, second = layer(x, initial_state=states)
    model = Model([x, *states[0], *states[1]], [y, *first, *second], dtype="float64")
    data, zeros = rows(2, 5, 3), [np.zeros((2, n)) for n in (4, 4, 2)]
    whole = model.predict([data, *zeros])
    assert [a.shape for a in whole] == [(2, 2), (2, 4), (2, 4), (2, 2)]
    between = model.predict([data[:, :2], *zeros])[1:]
    after = model.predict([data[:, 2:], *between])
    assert all(np.allclose(a, b, atol=1e-13) for a, b in zip(whole, after, strict=True))


def test_stacked_cells_remember():
    cells = [SimpleRNNCell(3), GRUCell(2)]
    model = Sequential([Input(batch_shape=(2, None, 3)), RNN(cells, stateful=True)])
    plain = Sequential([Input((None, 3)), SimpleRNN(3, return_sequences=True), GRU(2)])
    plain.set_weights(model.get_weights())
    x = rows(2, 6, 3)
    model.predict(x[:, :2])
    assert np.allclose(model.predict(x[:, 2:]), plain.predict(x), atol=1e-6)
    assert len(cells[1].get_weights()) == 3


# --- TimeDistributed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: Dense(3, activation="relu"), (4,)),
        (Flatten, (2, 3)),
        (lambda: LSTM(4), (3, 2)),
        (lambda: Bidirectional(GRU(4, return_sequences=True)), (3, 2)),
        (lambda: RNN([GRUCell(3), GRUCell(2)]), (3, 2)),
        (lambda: Sequential([Dense(5, activation="tanh"), Dense(2)]), (4,)),
    ],
)
def test_any_layer_at_each_step(layer, shape):
    inner = layer()
    model = Sequential([Input((None, *shape)), TimeDistributed(inner)], dtype="float64")
    x = rows(3, 5, *shape)
    got = model.predict(x)
    alone = Sequential([Input(shape), layer()], dtype="float64")
    alone.set_weights(model.get_weights())
    want = alone.predict(x.reshape(-1, *shape))
    assert np.allclose(got.reshape(want.shape), want, atol=1e-13)
    assert model.output_shape == (None, None, *alone.output_shape[1:])


def test_words_within_lines_learn(tmp_path):
    """Lines of words: a vector a line from its words, then a class from the lines."""
    line = Sequential([Input((4,)), Embedding(9, 3, mask_zero=True), GRU(5)], name="line")
    model = Sequential([Input((None, 4)), TimeDistributed(line), GRU(4), Dense(1)])
    model.compile(Adam(0.02), "mse")
    x, y = RNG(0).integers(0, 9, (32, 3, 4)), rows(32, 1)
    loss = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert loss[-1] < 0.8 * loss[0]
    assert line.predict(x[:, 0]).shape == (32, 5)
    model.save(tmp_path / "lines.respnet")
    assert np.array_equal(load_model(tmp_path / "lines.respnet").predict(x), model.predict(x))


def test_a_saved_bidirectional_model_answers_the_same(tmp_path):
    model = Sequential([Input((None, 3)), Bidirectional(RNN([LSTMCell(4), GRUCell(2)]))])
    model.add(Dense(2))
    model.save(tmp_path / "b.respnet")
    x = rows(3, 4, 3)
    assert np.array_equal(load_model(tmp_path / "b.respnet").predict(x), model.predict(x))


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
@pytest.mark.parametrize("wrap", [lambda layer: layer, Bidirectional])
def test_every_kernel_has_its_regularizer(layer, wrap):
    names = ("kernel_regularizer", "recurrent_regularizer", "bias_regularizer")
    inner = layer(4, **{name: "l2" for name in names})
    model = Sequential([Input((None, 3)), wrap(inner)])
    model.set_weights([w * 0 + 0.5 for w in model.get_weights()])
    model.compile("sgd", "mse")
    size = sum(w.size for w in model.get_weights())
    assert model.penalty() == pytest.approx(0.01 * 0.25 * size)


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_gates_may_be_hard(layer):
    model = Sequential([Input((None, 3)), layer(4, recurrent_activation="hard_sigmoid")])
    soft = Sequential([Input((None, 3)), layer(4)])
    soft.set_weights(model.get_weights())
    x = rows(2, 5, 3)
    assert not np.allclose(model.predict(x), soft.predict(x), atol=1e-4)
    zeros = [w * 0 for w in model.get_weights()]
    model.set_weights(zeros)
    assert not model.predict(x).any()


def test_pictures_in_a_film():
    film = [TimeDistributed(Conv2D(2, 3)), TimeDistributed(MaxPooling2D())]
    model = Sequential([Input((None, 8, 8, 1)), *film], dtype="float64")
    alone = Sequential([Input((8, 8, 1)), Conv2D(2, 3), MaxPooling2D()], dtype="float64")
    alone.set_weights(model.get_weights())
    x = rows(2, 4, 8, 8, 1)
    want = alone.predict(x.reshape(8, 8, 8, 1)).reshape(2, 4, 3, 3, 2)
    assert np.allclose(model.predict(x), want, atol=1e-13)
