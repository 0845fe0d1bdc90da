"""Step by step through time is the whole sequence at once; sequences are scaled by feature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.layer_words import network_spec
from respnet.engine.program import compile_program
from respnet.engine.stepping import make_stepper, step_spec
from respnet.engine.training import TrainOptions, run

RECURRENT = ["RNN:{}", "LSTM:{}", "LSTM:{}:PEEPHOLE", "GRU:{}", "GRU:{}:BEFORE"]


@st.composite
def nets(draw):
    """units of a network with one to three recurrent layers, dense ones between them."""
    hidden = []
    for word in draw(st.lists(st.sampled_from(RECURRENT), min_size=1, max_size=3)):
        hidden += draw(st.lists(st.integers(1, 20), max_size=1))
        hidden.append(word.format(draw(st.integers(1, 40))))
    hidden += draw(st.lists(st.integers(1, 20), max_size=1))
    times, inputs, outputs = (draw(st.integers(1, 9)) for _ in range(3))
    if draw(st.booleans()):
        return (times, f"EMBED:5:{inputs}" + draw(st.sampled_from(["", ":MASK"])), *hidden, outputs)
    return (f"{times}x{inputs}", *hidden, outputs)


def a_row(spec, rng):
    shape = spec.inputs[0][1]
    x = rng.integers(0, 5, shape) if len(shape) == 1 else rng.normal(size=shape)
    return x.astype(spec.dtype).reshape(shape[0], -1)


@settings(max_examples=40, deadline=None)
@given(nets(), st.integers(0, 1000), st.sampled_from(["float32", "float64"]))
def test_steps_from_zeros_end_where_the_whole_sequence_does(units, seed, dtype):
    spec = network_spec(units, role="classifier", dtype=dtype, seed=seed)
    model, stepper = Model(spec), make_stepper(Model(spec))
    steps = a_row(spec, np.random.default_rng(seed))
    state = bytearray(stepper.state_bytes)
    y = stepper(steps, state)
    whole = model.predict(steps.reshape(1, *spec.inputs[0][1]))[0]
    masked = str(units[1]).endswith(":MASK") and not steps.any()
    assert y.dtype == dtype and any(state) != masked
    assert np.allclose(y[-1], whole, atol=1e-5 if dtype == "float32" else 1e-12)


@settings(max_examples=20, deadline=None)
@given(nets(), st.integers(0, 1000))
def test_a_step_is_the_step_of_the_reference(units, seed):
    """From a state that is not zero, against NumPy."""
    rng = np.random.default_rng(seed)
    model = Model(network_spec(units, role="regressor", dtype="float64", seed=seed))
    stepper, x = make_stepper(model), a_row(model.spec, rng)[:1]
    spec = step_spec(model.spec)
    before = [rng.uniform(-1, 1, (1, *shape)) for _, shape in spec.inputs[1:]]
    state = bytearray(np.concatenate(before, axis=1).tobytes())
    y = stepper(x, state)
    wanted = reference.run(compile_program(spec, "predict"), model.weights.vector, [x, *before])
    assert np.allclose(y, wanted.outputs[0], atol=1e-12)
    after = np.concatenate([o.ravel() for o in wanted.outputs[1:]])
    assert np.allclose(np.frombuffer(state), after, atol=1e-12)
    assert after.any()


def test_the_parameters_of_a_step_are_those_of_the_sequence():
    spec = network_spec(("9x3", "LSTM:5", 4, "GRU:6", 2), role="regressor", scaling=True)
    whole, step = Model(spec).layout, Model(step_spec(spec)).layout
    assert whole.places == step.places


def test_one_step_many_steps_none():
    model = Model(network_spec(("9x2", "LSTM:5", 3), role="classifier", seed=1))
    stepper = make_stepper(model)
    x = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
    one, many = (bytearray(stepper.state_bytes) for _ in range(2))
    single = np.concatenate([stepper(x[i : i + 1], one) for i in range(7)])
    assert np.array_equal(single, stepper(x, many)) and one == many
    assert stepper(x[:0], many).shape == (0, 3) and one == many


def test_the_weights_of_a_stepper_stay_those_it_was_made_with():
    model = Model(network_spec(("9x2", "RNN:5", 3), role="classifier", seed=1))
    stepper, x = make_stepper(model), np.ones((1, 2), np.float32)
    before = stepper(x, bytearray(stepper.state_bytes))
    model.swap(model.weights.vector * 2)
    assert np.array_equal(stepper(x, bytearray(stepper.state_bytes)), before)
    assert not np.allclose(make_stepper(model)(x, bytearray(stepper.state_bytes)), before)


STEPS = "steps are rows of 2 float32 numbers, contiguous; got "


@pytest.mark.parametrize("x, state, text", [
    (np.ones((1, 3), np.float32), 20, STEPS + "(1, 3)"),
    (np.ones(2, np.float32), 20, STEPS + "(2,)"),
    (np.ones((1, 2)), 20, STEPS + "(1, 2)"),
    (np.ones((1, 2), np.float32), 19, "the state of this network has 20 bytes, got 19"),
])
def test_what_does_not_fit_is_refused(x, state, text):
    stepper = make_stepper(Model(network_spec(("9x2", "RNN:5", 3), role="classifier")))
    with pytest.raises(ShapeError) as found:
        stepper(x, bytearray(state))
    assert str(found.value) == text


def test_a_word_that_is_none_leaves_the_state_as_it_was():
    stepper = make_stepper(Model(network_spec((5, "EMBED:9:2", "RNN:5", 3), role="classifier")))
    state = bytearray(stepper.state_bytes)
    with pytest.raises(ShapeError, match="whole numbers from 0 to 8, got 9"):
        stepper(np.array([[1], [9]], np.float32), state)
    assert not any(state)


def test_networks_that_have_no_steps():
    with pytest.raises(SpecError, match="networks of 1 to 12 states .* this one has 0"):
        step_spec(ModelSpec.dense((2, 3), role="classifier"))
    with pytest.raises(SpecError, match="this one has 14"):
        step_spec(network_spec(("9x2", *["LSTM:2"] * 7, 1), role="regressor"))
    back = Node("back", "gru", ("x",), {"units": 2, "go_backwards": True})
    with pytest.raises(SpecError, match="layer 'back' goes backwards"):
        step_spec(ModelSpec((back,), (("x", (9, 2)),), ("back",)))


def test_every_step_of_a_sequence_is_scaled_alike():
    rng = np.random.default_rng(5)
    x = rng.normal([10, -3], [2, 0.5], (60, 7, 2)).astype(np.float32)
    x[:, 3] += 100
    y = x[:, :, 1].mean(axis=1, keepdims=True)
    model = Model(network_spec(("7x2", "LSTM:4", 1), role="regressor", scaling=True, seed=2))
    options = TrainOptions(optimizer="adam", batch_size=20, max_epochs=3)
    model.swap(run(model, (x.reshape(60, -1), y), None, options).weights)
    mean, deviation = x.reshape(-1, 2).mean(axis=0), x.reshape(-1, 2).std(axis=0)
    assert np.allclose(model.view("input/scale"), 1 / deviation, rtol=1e-4)
    assert np.allclose(model.view("input/offset"), -mean / deviation, rtol=1e-4)
    bare = Model(network_spec(("7x2", "LSTM:4", 1), role="regressor", seed=2),
                 vector=model.weights.vector[: model.layout.trainable])
    inner = bare.predict(((x - mean) / deviation).astype(np.float32))
    assert np.allclose(model.predict(x), inner * y.std() + y.mean(), atol=1e-4)
