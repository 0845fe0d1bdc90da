"""A user's own layer: it trains and answers as the built-in one, is saved by name, and its errors
come out as they are."""

import json
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import respnet
from respnet import ops
from respnet.engine import ModelSpec, reference
from respnet.engine.errors import FileError, GradientError, SpecError
from respnet.engine.layers.python import REGISTERED, Described
from respnet.layers import (
    GRU,
    Activation,
    Add,
    Conv1D,
    Dense,
    Embedding,
    Input,
    Lambda,
    Layer,
    TimeDistributed,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 5)).astype(np.float32)
Y = np.sin(X[:, :2])


class Linear(Layer):
    def __init__(self, units, activation="linear", **options):
        super().__init__(**options)
        self.units, self.activation = units, activation

    def build(self, input_shape):
        self.kernel = self.add_weight(
            (input_shape[-1], self.units), "glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, inputs):
        return getattr(ops, self.activation)(inputs @ self.kernel + self.bias)


class ByHand(Linear):
    """The same with its gradient written out."""

    def forward(self, inputs):
        y = np.tanh(inputs @ self.kernel + self.bias)
        return y, (inputs, y)

    def backward(self, saved, dy):
        x, y = saved
        dz = dy * (1 - y * y)
        return dz @ self.kernel.tensor().T, {"kernel": x.T @ dz, "bias": dz.sum(0)}


def pair(cls, threads=1, dtype="float32"):
    """A net of built-in layers, and the same of ``cls``, with equal weights."""
    nets = []
    for made in (Dense, cls):
        layers = [Input((5,)), made(8, activation="tanh"), Dense(3), made(2, activation="tanh")]
        nets.append(respnet.Sequential(layers, threads=threads, dtype=dtype))
    nets[1].set_weights(nets[0].get_weights())
    return nets


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cls", [Linear, ByHand])
def test_it_learns_and_answers_as_the_built_in_layer(cls, threads):
    nets = pair(cls, threads)
    weights = np.linspace(0.5, 1.5, len(X))
    for net in nets:
        net.compile("adam", "mse")
        net.fit(X, Y, batch_size=700, epochs=4, verbose=0, shuffle=False, sample_weight=weights)
    one, other = nets
    np.testing.assert_allclose(
        one.history.history["loss"], other.history.history["loss"], rtol=1e-6
    )
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for x in (X, X[:300], X[:1]):
        np.testing.assert_allclose(one.predict(x), other.predict(x), atol=1e-6)
    assert one.evaluate(X, Y, verbose=0) == pytest.approx(other.evaluate(X, Y, verbose=0), rel=1e-6)


@pytest.mark.parametrize("cls", [Linear, ByHand])
def test_the_executor_and_the_reference_agree(cls):
    _, net = pair(cls, dtype="float64")
    net.compile("sgd", "mse")
    net._ready(X)
    program = net.network.program("train")
    wanted = reference.run(program, net.network.weights.vector, [X, Y])
    loss, gradient = net.session.gradient(net.feed(net.arrays(X, Y)))
    assert loss == pytest.approx(wanted.loss, rel=1e-12)
    np.testing.assert_allclose(gradient, wanted.gradient, rtol=1e-10, atol=1e-14)


def test_equal_threads_give_equal_bits():
    results = []
    for _ in range(2):
        _, net = pair(Linear, threads=2)
        net.set_weights([np.full_like(w, 0.1) for w in net.get_weights()])
        net.compile("adam", "mse")
        net.fit(X, Y, batch_size=1000, epochs=3, verbose=0, shuffle=False)
        results.append(net.current_vector())
    assert np.array_equal(*results)


# --- inputs, outputs, weights -----------------------------------------------------------------


class Mixture(Layer):
    """Two inputs, two outputs, a weight that is not trained, one shared by two calls."""

    def build(self, input_shape):
        assert input_shape == [(None, 3), (None, 3)]
        self.scale = self.add_weight((), "ones", name="scale")
        self.offset = self.add_weight((3,), "ones", trainable=False, name="offset")

    def call(self, inputs, training=None):
        a, b = inputs
        return [a * self.scale + self.offset, (a - b) * (2 if training else 1)]


def test_several_inputs_and_outputs():
    a, b = Input((3,)), Input((3,))
    layer = Mixture()
    sums, differences = layer([a, b])
    again, _ = layer([differences, b])
    net = respnet.Model([a, b], Add()([sums, again]), dtype="float64")
    assert [w.shape for w in net.get_weights()] == [(), (3,)] and layer.count_params() == 4
    p, q = RNG.normal(size=(2, 7, 3))
    np.testing.assert_allclose(net.predict([p, q]), p + 1 + (p - q) + 1)
    layer.scale.assign(3.0)
    layer.offset.assign([0.0, 1.0, 2.0])
    np.testing.assert_allclose(net.predict([p, q]), 3 * p + 3 * (p - q) + [0, 2, 4])
    net.compile("sgd", "mse")
    y = np.zeros((7, 3))
    loss, gradient = net.session.gradient(net.feed(net.arrays([p, q], y)))
    inner = p + 2 * (p - q)  # training doubles the difference
    outputs = 3 * inner + [0, 2, 4]
    assert loss == pytest.approx((outputs**2).mean())
    np.testing.assert_allclose(gradient, [(2 * outputs * inner).mean()])


class Centred(Layer):
    """Along time, of any length."""

    supports_masking = True

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=1, keepdims=True)


def test_lengths_may_be_open_and_masks_go_on():
    layers = [Input((None,)), Embedding(5, 4, mask_zero=True), Centred(), GRU(3), Dense(1)]
    net = respnet.Sequential(layers)
    assert net.layers[1].output.shape == (None, None, 4)
    net.compile("adam", "mse")
    for length in (3, 6):
        x = RNG.integers(0, 5, (300, length))
        assert net.predict(x).shape == (300, 1)
        assert np.isfinite(net.fit(x, x[:, :1], epochs=1, verbose=0).history["loss"][0])


def test_steps_of_time_are_rows():
    x = RNG.normal(size=(300, 4, 5)).astype(np.float32)
    nets = [respnet.Sequential([Input((4, 5)), TimeDistributed(m(2))]) for m in (Dense, Linear)]
    nets[1].set_weights(nets[0].get_weights())
    for net in nets:
        net.compile("sgd", "mse")
        net.fit(x, x[..., :2], epochs=1, verbose=0, shuffle=False)
    np.testing.assert_allclose(nets[0].predict(x), nets[1].predict(x), atol=1e-6)


def test_penalties_of_weights_count():
    class Penalised(Linear):
        def build(self, input_shape):
            self.kernel = self.add_weight((5, self.units), "ones", name="kernel", regularizer="l2")
            self.bias = self.add_weight((self.units,), "zeros", name="bias")

    net = respnet.Sequential([Input((5,)), Penalised(2)])
    net.compile("sgd", "mse")
    plain = np.square(X.sum(1, keepdims=True) - Y).mean()
    assert net.evaluate(X, Y, verbose=0) == pytest.approx(plain + 0.01 * 10, rel=1e-5)


def test_lambda():
    x = Input((5,))
    net = respnet.Model(x, Lambda(lambda x: ops.concatenate([x, ops.square(x)], -1))(x))
    np.testing.assert_allclose(net.predict(X), np.concatenate([X, X * X], 1), rtol=1e-6)
    fixed = Lambda(lambda x: x[:, :2], output_shape=(2,))
    assert fixed(x).shape == (None, 2)


def test_what_call_keeps_stays_as_it_was():
    kept = []

    class Keeping(Layer):
        def call(self, inputs):
            kept.append(inputs)
            return inputs

    net = respnet.Sequential([Input((5,)), Keeping()])
    kept.clear()
    net.predict(X)
    net.predict(X + 1)
    np.testing.assert_array_equal(np.concatenate(kept), np.concatenate([X, X + 1]))
    assert [len(each) for each in kept] == [256, 256, 256, 232] * 2


# --- errors -----------------------------------------------------------------------------------


class Stumbling(Layer):
    def call(self, inputs, training=None):
        if len(inputs) > 2 and self.stumbles:
            raise ZeroDivisionError("row 7 is empty")
        return inputs


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_comes_out_as_it_is_and_leaves_the_weights(threads):
    net = respnet.Sequential([Input((5,)), Dense(5), Stumbling(), Dense(2)], threads=threads)
    net.layers[1].stumbles = False
    net.compile("sgd", "mse")
    net.fit(X, Y, epochs=1, batch_size=1000, verbose=0)
    before, answers = net.current_vector(), net.predict(X)
    net.layers[1].stumbles = True
    for call in (
        lambda: net.predict(X),
        lambda: net.evaluate(X, Y, verbose=0),
        lambda: net.fit(X, Y, epochs=1, batch_size=1000, verbose=0),
        lambda: net.predict(X[:3]),
    ):
        with pytest.raises(ZeroDivisionError, match="row 7 is empty"):
            call()
    net.layers[1].stumbles = False
    assert np.array_equal(net.current_vector(), before)
    assert np.array_equal(net.predict(X), answers)


def layer_of(call, **methods):
    return type("Wrong", (Layer,), {"call": call, **methods})


def test_what_makes_no_sense_is_refused():
    x = Input((5,))
    with pytest.raises(
        ValueError, match=r"layer .*: matmul got float32 \(2, 5\), float32 \(3, 3\)"
    ):
        layer_of(lambda self, x: ops.matmul(x, np.ones((3, 3), np.float32)))(name="m")(x)
    with pytest.raises(ValueError, match=r"gave shape \(\) for 2 rows; an output has as many rows"):
        layer_of(lambda self, x: ops.sum(x))()(x)
    with pytest.raises(ValueError, match="np.sum sees no gradients"):
        layer_of(lambda self, x: np.sum(x, axis=1))()(x)
    with pytest.raises(TypeError, match=r"has no call\(inputs\)"):
        type("Empty", (Layer,), {})()(x)
    with pytest.raises(ValueError, match="a python layer has 1 to 4 inputs, got 5"):
        layer_of(lambda self, x: x[0])()([Input((5,)) for _ in range(5)])
    with pytest.raises(
        TypeError, match="got Tensor; use model.predict for arrays, and respnet.ops"
    ):
        layer_of(lambda self, x: Dense(3)(x))()(x)
    with pytest.raises(TypeError, match="add_weight: unknown argument 'trainible'; did you mean"):
        layer_of(None, build=lambda self, s: self.add_weight((1,), "ones", trainible=1))()(x)
    with pytest.raises(ValueError, match="two weights named 'a'"):
        layer_of(
            None, build=lambda self, s: [self.add_weight((1,), "ones", name="a") for _ in "ab"]
        )()(x)


def test_a_layer_that_forgets_its_weights_is_refused():
    forgetful = layer_of(
        lambda self, x: x * 2, build=lambda self, s: self.add_weight((1,), "ones", name="a")
    )
    net = respnet.Sequential([Input((5,)), forgetful(), Dense(2)])
    net.compile("sgd", "mse")
    with pytest.raises(GradientError, match="no weight has a gradient"):
        net.fit(X, Y, epochs=1, verbose=0)


def test_weights_are_not_assigned_while_a_batch_is_at_work():
    class Assigning(Linear):
        def call(self, inputs):
            self.bias.assign(np.zeros(2))
            return inputs

    with pytest.raises(RuntimeError, match="bias cannot be assigned within call"):
        respnet.Sequential([Input((5,)), Assigning(2)])


# --- files ------------------------------------------------------------------------------------


def test_a_saved_model_comes_back_by_the_name_of_its_class(tmp_path):
    net = respnet.Sequential([Input((5,)), Linear(4, name="mine"), Lambda(ops.tanh), Dense(2)])
    net.compile("adam", "mse")
    net.fit(X, Y, epochs=1, verbose=0)
    net.save(tmp_path / "own.respnet")
    again = respnet.load_model(tmp_path / "own.respnet", custom_objects={"tanh": ops.tanh})
    assert [layer.name for layer in again.layers[:1]] == ["mine"]
    assert again.layers[0].units == 4
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    for model in (net, again):
        model.fit(X, Y, epochs=1, verbose=0)
    assert np.array_equal(net.current_vector(), again.current_vector())
    text = (tmp_path / "own.respnet").read_bytes()
    assert b"Linear" in text and b"def call" not in text and b"test_own_layers" not in text


def test_in_another_process_the_class_must_be_given_back(tmp_path):
    net = respnet.Sequential([Input((5,)), Linear(2)])
    net.save(tmp_path / "own.respnet")
    script = f"""
        import respnet
        try:
            respnet.load_model({str(tmp_path / "own.respnet")!r})
        except respnet.engine.errors.FileError as problem:
            print(problem)
        class Mine(respnet.layers.Layer):
            def __init__(self, units, activation):
                super().__init__()
                self.units = units
            def build(self, input_shape):
                self.w = self.add_weight((input_shape[-1], self.units), "ones", name="kernel")
                self.b = self.add_weight((self.units,), "ones", name="bias")
            def call(self, inputs):
                return inputs @ self.w + self.b
        net = respnet.load_model({str(tmp_path / "own.respnet")!r}, {{"Linear": Mine}})
        print(net.layers[0].name, net.predict([[0.0] * 5]).tolist())
    """
    run = [sys.executable, "-c", textwrap.dedent(script)]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "unknown layer class 'Linear'" in lines[0] and "must be defined" in lines[0]
    assert lines[1] == f"{net.layers[0].name} [[0.0, 0.0]]"


def test_a_spec_asks_only_for_classes_that_are_defined():
    about = {"class": "Nobody", "config": {}}
    spec = ModelSpec.chain((3,), [("python", {"layer": about})])
    with pytest.raises(SpecError, match="unknown layer class 'Nobody'.*must be defined before"):
        respnet.engine.Model(spec)
    for wrong in (None, {"class": "Linear"}, "Linear"):
        with pytest.raises(SpecError, match="a python layer must be its class and config"):
            respnet.engine.Model(ModelSpec.chain((3,), [("python", {"layer": wrong})]))
    assert "Linear" in REGISTERED


def test_a_spec_with_a_layer_is_plain_data():
    net = respnet.Sequential([Input((5,)), Linear(2)])
    node = json.loads(json.dumps(net.spec.to_dict()))["nodes"][0]
    assert node["config"]["layer"] == {
        "class": "Linear", "config": {"units": 2, "activation": "linear"},
    }  # fmt: skip
    assert isinstance(net.spec.nodes[0].config["layer"], Described)


def test_what_is_no_plain_data_is_not_saved(tmp_path):
    x = Input((5,))

    class Holding(Layer):
        def __init__(self, table):
            super().__init__()
            self.table = table

        def call(self, inputs):
            return inputs * self.table

    net = respnet.Model(x, Holding(np.ones(5))(x))
    with pytest.raises(ValueError, match="a file cannot hold table=array"):
        net.save(tmp_path / "never.respnet")
    assert not list(tmp_path.iterdir())


def test_lambdas_need_their_function_again(tmp_path):
    def doubled(x):
        return 2 * x

    x = Input((5,))
    respnet.Model(x, Lambda(doubled)(x)).save(tmp_path / "l.respnet")
    with pytest.raises(FileError, match="unknown function 'doubled'"):
        respnet.load_model(tmp_path / "l.respnet")
    net = respnet.load_model(tmp_path / "l.respnet", {"doubled": doubled})
    np.testing.assert_array_equal(net.predict(X), 2 * X)


# --- activations ------------------------------------------------------------------------------


def swish(x):
    return x * ops.sigmoid(x)


def relu(x):
    """Not the library's: its name does not make it that."""
    return ops.maximum(x, -1.0)


@pytest.mark.parametrize("make", [Dense, TimeDistributed, Conv1D])
def test_an_activation_of_ones_own(make, tmp_path):
    x = RNG.normal(size=(300, 4, 5)).astype(np.float32)
    layers = {
        Dense: lambda a: [Dense(3, activation=a)],
        TimeDistributed: lambda a: [TimeDistributed(Dense(3, activation=a))],
        Conv1D: lambda a: [Conv1D(3, 2, activation=a, padding="same")],
    }[make]
    net = respnet.Sequential([Input((4, 5)), *layers(swish)])
    plain = respnet.Sequential([Input((4, 5)), *layers(None)])
    plain.set_weights(net.get_weights())
    z = plain.predict(x)
    np.testing.assert_allclose(net.predict(x), z / (1 + np.exp(-z)), atol=1e-6)
    net.compile("adam", "mse")
    history = net.fit(x, x[..., :3], epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    net.save(tmp_path / "a.respnet")
    again = respnet.load_model(tmp_path / "a.respnet", {"swish": swish})
    assert np.array_equal(again.predict(x), net.predict(x))


def test_a_function_is_not_taken_for_the_library_s_by_its_name():
    x = Input((5,))
    net = respnet.Model(x, Activation(relu)(x))
    np.testing.assert_array_equal(net.predict(X), np.maximum(X, -1))
    assert Dense(2, activation=ops.relu).activation == "relu"
    assert Dense(2, activation=respnet.activations.relu).activation == "relu"
    with pytest.raises(ValueError, match="unknown activation"):
        GRU(3, activation=swish)


def test_a_frozen_layer_of_ones_own_keeps_its_weights(tmp_path):
    layers = [Linear(4, name="a"), Linear(3, name="b"), Dense(2, name="c")]
    net = respnet.Sequential([Input((5,)), *layers])
    with pytest.raises(ValueError, match="has no weights before a model with it is built"):
        Linear(2).trainable_weights  # noqa: B018
    layers[1].trainable = False
    net.compile("sgd", "mse")
    before = net.get_weights()
    net.fit(X, Y, epochs=1, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True)]
    assert moved == [True, True, False, False, True, True]
    assert [v.path for v in layers[1].non_trainable_weights] == ["b/kernel", "b/bias"]
    assert layers[1].trainable_weights == [] and layers[0].trainable_weights[0] is layers[0].kernel
    assert [v.path for v in layers[2].trainable_weights] == ["c/kernel", "c/bias"]
    loss, gradients = net.loss_and_gradients(X, Y)
    assert [g.shape for g in gradients] == [(5, 4), (4,), (3, 2), (2,)]
    net.optimizer.apply_gradients(zip(gradients, net.trainable_weights, strict=True))
    net.save(tmp_path / "frozen.respnet")
    again = respnet.load_model(tmp_path / "frozen.respnet")
    assert np.array_equal(again.predict(X), net.predict(X))
    assert [v.path for v in again.trainable_weights] == [v.path for v in net.trainable_weights]


def test_pickled():
    net = respnet.Sequential([Input((5,)), Linear(4), Dense(2)])
    again = pickle.loads(pickle.dumps(net))
    assert np.array_equal(again.predict(X), net.predict(X))
