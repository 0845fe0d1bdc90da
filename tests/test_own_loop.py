"""A training loop of one's own equals train_on_batch to the bit; what is wrong is named."""

import numpy as np
import pytest

import respnet
from respnet.engine.errors import ShapeError
from respnet.layers import LSTM, Dense, Dropout, Input, Layer
from respnet.optimizers import RPROP, SGD, Adam

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 6)).astype(np.float32)
Y = np.stack([X[:, 0] * X[:, 1], X[:, 2]], 1)


class Scaled(Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(input_shape[-1:], "ones", name="factor")
        self.fixed = self.add_weight((), "ones", trainable=False, name="fixed")

    def call(self, inputs):
        return inputs * self.factor * self.fixed


def net(optimizer, *layers, threads=1, loss="mse"):
    respnet.set_random_seed(5)
    model = respnet.Sequential([Input((6,)), *(layers or (Dense(8, "tanh"), Dense(2)))])
    model = respnet.Model(model.inputs, model.outputs, threads=threads)
    model.compile(optimizer, loss)
    return model


def rich(optimizer, threads=1):
    layers = (Dense(70, "tanh", kernel_regularizer="l2"), Dropout(0.3), Scaled(), Dense(2))
    return net(optimizer, *layers, threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("make", [net, rich])
@pytest.mark.parametrize(
    "optimizer", [lambda: Adam(0.01, clipnorm=0.1), lambda: SGD(0.1, momentum=0.9), RPROP]
)
def test_it_equals_train_on_batch_to_the_bit(optimizer, make, threads):
    one, other = (make(optimizer(), threads=threads) for _ in range(2))
    weights = np.linspace(0.5, 1, len(X))
    for _ in range(4):
        wanted = one.train_on_batch(X, Y, sample_weight=weights)
        loss, gradients = other.loss_and_gradients(X, Y, sample_weight=weights)
        other.optimizer.apply_gradients(zip(gradients, other.trainable_weights, strict=True))
        assert loss == pytest.approx(wanted, rel=1e-15)  # a mean there: times rows by rows
    assert np.array_equal(one.current_vector(), other.current_vector())
    assert one.optimizer.iterations == other.optimizer.iterations == 4
    assert np.array_equal(one.predict(X), other.predict(X))


def test_gradients_are_slopes_and_nothing_is_learnt():
    model = net("sgd", Dense(3, "tanh", kernel_regularizer="l1"), Dense(2))
    model = respnet.Model(model.inputs, model.outputs, dtype="float64")
    model.compile("sgd", "mse")
    before = model.get_weights()
    loss, gradients = model.loss_and_gradients(X, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    for i, place in ((0, (2, 1)), (1, (0,)), (2, (1, 1))):
        values = []
        for step in (1e-6, -1e-6):
            moved = [np.array(w) for w in before]
            moved[i][place] += step
            model.set_weights(moved)
            values.append(model.loss_and_gradients(X, Y)[0])
        assert gradients[i][place] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)
    assert loss == pytest.approx(sum(values) / 2, rel=1e-6)


def test_gradients_of_several_batches_may_be_summed():
    one, other = net("sgd"), net("sgd")
    one.train_on_batch(X, Y)
    parts = [other.loss_and_gradients(X[i::2], Y[i::2])[1] for i in (0, 1)]
    other.apply_gradients([(a + b) / 2 for a, b in zip(*parts, strict=True)])
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_weights_are_listed_by_whether_they_are_trained():
    model = rich("sgd")
    paths = [v.path.rpartition("/")[2] for v in model.trainable_weights]
    assert paths == ["kernel", "bias", "factor", "kernel", "bias"]
    (fixed,) = model.non_trainable_weights
    assert fixed.name == "fixed" and fixed.shape == () and fixed.numpy() == 1
    scaled = model.layers[3]
    assert fixed is scaled.fixed and model.trainable_weights[2] is scaled.factor
    fixed.assign(2.0)
    assert fixed.value == 2
    kernel = model.trainable_weights[0]
    assert (kernel + 1).dtype == np.float32 and kernel.shape == (6, 70)
    assert repr(kernel) == f"<Variable {kernel.path} (6, 70)>"


def test_sequences_of_any_length():
    model = respnet.Sequential([Input((None, 2)), LSTM(4), Dense(1)])
    model.compile("adam", "mse")
    losses = []
    for length in (3, 5, 3, 5):
        x = np.ones((20, length, 2))
        loss, gradients = model.loss_and_gradients(x, np.full(20, 0.5))
        model.apply_gradients(gradients)
        losses.append(loss)
    assert losses[2] < losses[0] and losses[3] < losses[1]


def test_what_is_wrong_is_named():
    model, other = net("sgd"), net("sgd")
    with pytest.raises(ShapeError, match="applied after step_gradient"):
        model.apply_gradients([np.zeros(v.shape) for v in model.trainable_weights])
    _, gradients = model.loss_and_gradients(X, Y)
    with pytest.raises(ValueError, match="wants 4 gradients, got 3"):
        model.apply_gradients(gradients[1:])
    with pytest.raises(ValueError, match=r"kernel has shape \(6, 8\), its gradient \(8,\)"):
        model.apply_gradients([gradients[1], *gradients[1:]])
    pairs = list(zip(gradients, model.trainable_weights, strict=True))
    with pytest.raises(ValueError, match="bias has no gradient"):
        model.optimizer.apply_gradients(pairs[:-1])
    with pytest.raises(ValueError, match="is not compiled with this SGD"):
        other.optimizer.apply_gradients(pairs)
    with pytest.raises(TypeError, match="wants pairs of"):
        model.optimizer.apply_gradients(zip(gradients, model.weights, strict=True))
    stateful = respnet.Sequential([Input(batch_shape=(4, 3, 2)), LSTM(4, stateful=True), Dense(1)])
    stateful.compile("sgd", "mse")
    with pytest.raises(ValueError, match="is stateful; train it with train_on_batch"):
        stateful.loss_and_gradients(np.ones((4, 3, 2)), np.ones(4))
