"""Models as classes with a call of their own, and ops on symbols."""

import numpy as np
import pytest

from respnet import layers, ops
from respnet.layers import GRU, Dense, Dropout, Input
from respnet.models import Model, Sequential, load_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = X[:, :1] * 2


class Net(Model):
    def __init__(self, units=5, rate=0.0, **options):
        super().__init__(**options)
        self.hidden, self.drop = Dense(units, "relu"), Dropout(rate)
        self.out = Dense(1)

    def call(self, inputs, training=None):
        hidden = self.drop(self.hidden(inputs), training=training)
        return self.out(hidden) + inputs[:, :1]


def functional(weights):
    x = Input((3,))
    first = layers.Lambda(lambda a: a[:, :1])(x)
    model = Model(x, layers.Add()([Dense(1)(Dense(5, "relu")(x)), first]))
    model.set_weights(weights)
    return model


def test_a_call_learns_like_the_graph_it_is():
    model = Net()
    model.compile("adam", "mse", metrics=["mae"])
    assert not model.built and model.name.startswith("net")
    model.build((None, 3))
    other = functional(model.get_weights())
    other.compile("adam", "mse", metrics=["mae"])
    options = {"epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (X, Y)}
    history = model.fit(X, Y, **options).history
    assert other.fit(X, Y, **options).history == history
    assert np.array_equal(model.predict(X), other.predict(X))
    assert np.array_equal(model(X), model.predict(X))
    assert model.evaluate(X, Y) == other.evaluate(X, Y)
    lines = []
    model.summary(print_fn=lines.append)
    assert "Total params: 26" in "\n".join(lines) and len(model.trainable_weights) == 4


def test_first_rows_build_it_and_dropout_is_for_training():
    model = Net(rate=0.5)
    assert model.predict(X).shape == (40, 1) and model.input_shape == (None, 3)
    assert np.array_equal(model.predict(X), model.predict(X))
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    stream = Net()
    stream.compile("adam", "mse")
    history = stream.fit(((X, Y) for _ in range(4)), epochs=2, steps_per_epoch=2, verbose=0)
    assert len(history.history["loss"]) == 2


@pytest.mark.parametrize("how", ["list", "dict"])
def test_a_call_may_take_several_inputs_and_give_several_outputs(how):
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Dense(2, name="a"), Dense(1, name="b")

        def call(self, inputs):
            x, z = (inputs["x"], inputs["z"]) if how == "dict" else inputs
            return [self.a(x), self.b(ops.concatenate([x, z], axis=-1))]

    rows = {"x": X, "z": X[:, :2]} if how == "dict" else [X, X[:, :2]]
    model = Two()
    model.compile("adam", ["mse", "mae"])
    history = model.fit(rows, [X[:, :2], Y], epochs=2, verbose=0).history
    assert list(history) == ["loss", "a_loss", "b_loss"]
    first, second = model.predict(rows)
    kernel, bias = model.b.get_weights()
    both = np.concatenate([X, X[:, :2]], axis=1)
    assert first.shape == (40, 2) and np.allclose(second, both @ kernel + bias, atol=1e-5)


def test_it_is_a_layer_of_other_models_and_a_loop_is_unrolled():
    class Twice(Model):
        def __init__(self):
            super().__init__()
            self.cell, self.rest = Dense(3, "tanh"), Net(4)

        def call(self, x):
            for _ in range(2):
                x = self.cell(x)
            return self.rest(x)

    model = Sequential([Input((3,)), Twice(), Dense(2)])
    assert model.count_params() == 12 + 16 + 5 + 4
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :2], verbose=0)
    assert not any(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_a_file_holds_the_graph(tmp_path):
    model = Net()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "net.respnet")
    again = load_model(tmp_path / "net.respnet")
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def broken(call):
    return type("Broken", (Model,), {"call": call})()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda self, x: x if x[:, 0] > 0 else -x, TypeError, "nothing can be decided by them"),
        (lambda self, x: np.tanh(x) + np.sum(x), TypeError, "np.sum sees no gradients"),
        (lambda self, x: float(x), TypeError, "has no numbers yet"),
        (lambda self, x: [y for y in x], TypeError, "ops.where chooses"),
        (lambda self, x: None, TypeError, "must give what its layers .* got NoneType"),
        (lambda self, x: np.zeros(3), TypeError, "got ndarray"),
        (lambda self, x: [], TypeError, "got nothing"),
        (lambda self, x: Dropout(0.5)(x, training=True), ValueError, "decide on training="),
        (lambda self, x: Net()(x, training=True), ValueError, "decide on training="),
    ],
)
def test_what_cannot_be_traced_says_why(call, error, message):
    with pytest.raises(error, match=message):
        broken(call).predict(X)


# --- ops on symbols -------------------------------------------------------------------------

EXPRESSIONS = {
    "scaled": lambda a, b: a * 3 - 1,
    "turned": lambda a, b: 1 - a / 2,
    "both": lambda a, b: (a + b) * (a - b),
    "picked": lambda a, b: a[:, 1:, ..., -1],
    "product": lambda a, b: ops.matmul(a, ops.transpose(b, (0, 2, 1))),
    "summed": lambda a, b: ops.sum(ops.square(a), axis=(1, 2), keepdims=True) * b,
    "chosen": lambda a, b: ops.where(ops.greater(a, 0), a, b),
    "activated": lambda a, b: ops.softmax(ops.relu(a) + ops.sigmoid(b)),
    "joined": lambda a, b: ops.concatenate([a, b, a], axis=1),
    "stacked": lambda a, b: ops.stack([a, b], axis=1),
    "reshaped": lambda a, b: ops.reshape(a, (-1, 6)),
    "repeated": lambda a, b: a + ops.mean(b, axis=1, keepdims=True),
    "smallest": lambda a, b: ops.minimum(a, ops.maximum(b, 0.1)),
    "of arrays": lambda a, b: a + np.float32(2) * np.float32(1.5),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_ops_on_symbols_are_those_on_arrays(name, tmp_path):
    expression = EXPRESSIONS[name]
    a, b = (RNG.normal(size=(4, 2, 3)).astype(np.float32) for _ in range(2))
    symbols = Input((2, 3)), Input((2, 3))
    result = expression(*symbols)
    uses = _reached(result)
    inputs = [s for s in symbols if s in uses]
    rows = [r for s, r in zip(symbols, (a, b), strict=True) if s in uses]
    model = Model(inputs, result)
    want = np.asarray(expression(a, b))
    got = model.predict(rows if len(rows) > 1 else rows[0])
    assert got.shape == want.shape and result.shape[1:] == want.shape[1:]
    assert np.allclose(got, want, atol=1e-6)
    model.save(tmp_path / "m.respnet")
    again = load_model(tmp_path / "m.respnet")
    assert np.array_equal(again.predict(rows if len(rows) > 1 else rows[0]), got)


def _reached(symbol):
    """The symbols a result is made of, itself among them."""
    found = [symbol]
    for each in found:
        found += [s for s in each.call.inputs if s not in found]
    return found


def test_layers_do_what_they_can_of_it():
    a, b = Input((3,)), Input((3,))
    kinds = [type(x.call.layer).__name__ for x in (a + b, a * 2, ops.tanh(a), ops.maximum(a, b))]
    assert kinds == ["Add", "Rescaling", "Activation", "Maximum"]
    assert type(ops.exp(a).call.layer).__name__ in ("Activation", "Operation")
    assert type((a - ops.sum(a, -1, keepdims=True)).call.layer).__name__ == "Operation"


def test_gradients_go_through_operations():
    x = Input((4, 3))
    scores = ops.matmul(x, ops.transpose(Dense(3)(x), (0, 2, 1)))
    model = Model(x, Dense(1)(ops.sum(ops.softmax(scores) * ops.exp(scores * 0.1), axis=-1)))
    model.compile("adam", "mse")
    rows = RNG.normal(size=(30, 4, 3))
    _, gradients = model.loss_and_gradients(rows, Y[:30])
    start, step = model.get_weights(), 1e-2
    slopes = []
    for sign in (1, -1):
        moved = [w.copy() for w in start]
        moved[0][1, 2] += sign * step
        model.set_weights(moved)
        slopes.append(model.evaluate(rows, Y[:30]))
    assert gradients[0][1, 2] == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=0.02)


def test_symbols_are_equal_to_themselves_only():
    a, b = Input((3,)), Input((3,))
    assert a == a and a != b and len({a, b}) == 2
    recurrent = GRU(2, return_sequences=True)(Input((None, 3)))
    assert (recurrent * 2).shape == (None, None, 2) and recurrent.ndim == 3
