"""Models as layers, layers of several models, several inputs and outputs."""

import numpy as np
import pytest

from respnet.layers import GRU, Add, Dense, Embedding, Flatten, Input, Reshape
from respnet.models import Model, Sequential, load_model

RNG = np.random.default_rng


def rows(*shape, seed=0):
    return RNG(seed).normal(size=shape)


def encoder_and_decoder():
    x, code = Input((6,), name="x"), Input((2,), name="code")
    encoder = Model(x, Dense(2)(Dense(4, activation="tanh")(x)), name="encoder")
    decoder = Model(code, Dense(6)(Dense(4, activation="tanh")(code)), name="decoder")
    whole = Input((6,))
    return encoder, decoder, Model(whole, decoder(encoder(whole)), name="auto")


def test_models_are_layers_of_a_model():
    encoder, decoder, auto = encoder_and_decoder()
    x = rows(5, 6).astype(np.float32)
    assert np.allclose(auto.predict(x), decoder.predict(encoder.predict(x)), atol=1e-6)
    assert [layer.name for layer in auto.layers][1:] == ["encoder", "decoder"]
    assert auto.get_layer("encoder") is encoder
    assert auto.count_params() == encoder.count_params() + decoder.count_params()
    assert [w.shape for w in auto.get_weights()] == [
        w.shape for model in (encoder, decoder) for w in model.get_weights()
    ]


def test_training_the_whole_trains_the_parts():
    encoder, decoder, auto = encoder_and_decoder()
    auto.compile("adam", "mse")
    x = rows(64, 6).astype(np.float32)
    before = encoder.predict(x)
    loss = auto.fit(x, x, epochs=20, verbose=0).history["loss"]
    assert loss[-1] < loss[0] and not np.allclose(encoder.predict(x), before, atol=1e-3)
    assert np.allclose(auto.predict(x), decoder.predict(encoder.predict(x)), atol=1e-6)
    encoder.compile("sgd", "mse")
    encoder.train_on_batch(x, np.zeros((64, 2)))
    assert np.allclose(auto.predict(x), decoder.predict(encoder.predict(x)), atol=1e-6)
    decoder.set_weights([w * 0 for w in decoder.get_weights()])
    assert not auto.predict(x).any() and auto.evaluate(x, x, verbose=0) == pytest.approx(
        np.mean(x**2), rel=1e-5
    )


def test_what_a_layer_gave_is_the_output_of_another_model():
    model = Sequential([Dense(4, activation="relu", input_dim=3, name="features"), Dense(1)])
    model.compile("adam", "mse")
    x = rows(20, 3)
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    inner = Model(model.input, model.get_layer("features").output)
    w, b = model.layers[0].get_weights()
    assert np.allclose(inner.predict(x), np.maximum(x @ w + b, 0), atol=1e-5)
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    w, b = model.layers[0].get_weights()
    assert np.allclose(inner.predict(x), np.maximum(x @ w + b, 0), atol=1e-5)


def test_one_model_used_twice_has_its_weights_once():
    half = Sequential([Dense(3, activation="tanh"), Dense(2)], name="half")
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], Dense(1)(Add()([half(a), half(b)])))
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2 + 3
    x = [rows(5, 4), rows(5, 4, seed=1)]
    w = model.get_weights()
    want = (half.predict(x[0]) + half.predict(x[1])) @ w[-2] + w[-1]
    assert np.allclose(model.predict(x), want, atol=1e-6)
    model.compile("adam", "mse")
    model.train_on_batch(x, np.ones((5, 1)))
    assert np.allclose(half.get_weights()[0], model.get_weights()[0])


def test_a_model_at_the_begin_of_a_chain():
    base = Sequential([Input((4,)), Dense(3, activation="relu")], name="base")
    model = Sequential([base, Dense(2)])
    assert model.output_shape == (None, 2) and len(model.get_weights()) == 4
    x = rows(3, 4)
    w = model.get_weights()
    assert np.allclose(model.predict(x), base.predict(x) @ w[2] + w[3], atol=1e-6)
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "base (Sequential)" in text and "(None, 3)" in text and "15" in text


def test_saved_models_within_models_answer_the_same(tmp_path):
    encoder, _, auto = encoder_and_decoder()
    auto.compile("adam", "mse")
    x = rows(8, 6)
    auto.fit(x, x, verbose=0)
    auto.save(tmp_path / "auto.respnet")
    again = load_model(tmp_path / "auto.respnet")
    assert np.array_equal(again.predict(x), auto.predict(x))
    assert np.array_equal(again.get_layer("encoder").predict(x), encoder.predict(x))
    assert again.fit(x, x, verbose=0).history == auto.fit(x, x, verbose=0).history


def test_a_layer_used_alone_and_in_a_model_is_not_saved(tmp_path):
    shared = Dense(3)
    x = Input((3,))
    inner = Model(x, shared(x))
    y = Input((3,))
    model = Model(y, Dense(1)(inner(shared(y))))
    assert model.count_params() == 12 + 4
    with pytest.raises(ValueError, match="is used alone and within another"):
        model.save(tmp_path / "m.respnet")


def test_several_inputs_outputs_and_states():
    words, number = Input((None,)), Input((2,))
    h = GRU(4)(Embedding(9, 3)(words), initial_state=Dense(4)(number))
    shape = Reshape((2, 2))(h)
    inner = Model([words, number], [shape, h], name="inner")
    a, b = Input((None,)), Input((2,))
    grid, last = inner([a, b])
    model = Model([a, b], [Dense(1)(Flatten()(grid)), last])
    x = [RNG(0).integers(0, 9, (3, 5)), rows(3, 2)]
    assert np.array_equal(model.predict(x)[1], inner.predict(x)[1])
    w = model.get_weights()
    grid = inner.predict(x)[0].reshape(3, 4)
    assert np.allclose(model.predict(x)[0], grid @ w[-2] + w[-1], atol=1e-6)


def test_removing_a_layer_keeps_the_weights_of_the_others():
    model = Sequential([Dense(4, input_dim=3), Dense(2)])
    first = model.get_weights()[:2]
    model.pop()
    assert all(np.array_equal(a, b) for a, b in zip(first, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: m(Input((5,))), r"wants rows of shape \(4,\), got \(5,\)"),
        (lambda m: m([Input((4,)), Input((4,))]), "has 1 inputs, got 2"),
        (
            lambda m: Sequential([Input(batch_shape=(1, None, 2)), GRU(2, stateful=True)])(
                Input((None, 2))
            ),
            "is stateful and cannot be a layer",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    model = Sequential([Input((4,)), Dense(3)])
    with pytest.raises(ValueError, match=message):
        make(model)
