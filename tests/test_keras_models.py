"""Models by the words of Keras: building, weights, summary, files."""

import numpy as np
import pytest

import respnet
from respnet import utils
from respnet.layers import Activation, Add, Dense, Dropout, Input
from respnet.models import Model, Sequential, load_model


def rows(n=60, inputs=4, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, inputs)).astype(np.float32)
    return x, np.eye(classes, dtype=np.float32)[(x[:, :classes]).argmax(1)]


def classifier(**options):
    return Sequential(
        [Dense(5, activation="relu", input_shape=(4,)), Dense(3, activation="softmax")], **options
    )


def test_sizes_are_known_as_soon_as_the_input_is():
    model = Sequential(name="slide")
    model.add(Dense(5, activation="relu", input_shape=(4,)))
    assert model.output_shape == (None, 5) and model.count_params() == 25
    model.add(Dense(3))
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert 'Model: "slide"' in text and "(None, 3)" in text and "Total params: 43" in text


def test_a_model_without_input_shape_is_built_by_its_first_rows():
    model = Sequential([Dense(2)])
    with pytest.raises(ValueError, match="not built"):
        model.get_weights()
    assert model.predict(np.zeros((3, 7))).shape == (3, 2)
    assert model.count_params() == 16


def test_a_model_without_a_graph_says_so():
    with pytest.raises(ValueError, match="model .* has no graph: give Model"):
        Model().predict(np.zeros((2, 3)))
    x = Input((2,))
    Model(x, Dense(1)(x)).build((None, 2))


def test_weights_in_the_order_of_keras_pass_both_ways():
    model = classifier()
    assert [w.shape for w in model.get_weights()] == [(4, 5), (5,), (5, 3), (3,)]
    arrays = [np.full(w.shape, i, np.float32) for i, w in enumerate(model.get_weights(), 1)]
    model.set_weights(arrays)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, model.get_weights(), strict=True))
    assert np.array_equal(model.layers[1].get_weights()[1], arrays[3])
    model.layers[0].set_weights([np.zeros((4, 5)), np.zeros(5)])
    assert not model.get_weights()[0].any()


def test_wrong_weights_name_the_place():
    model = classifier(name="net")
    with pytest.raises(ValueError, match=r"net has 4 weights, got 1"):
        model.set_weights([np.zeros(3)])
    with pytest.raises(ValueError, match=r"kernel has shape \(4, 5\), got \(5, 4\)"):
        model.layers[0].set_weights([np.zeros((5, 4)), np.zeros(5)])


def test_adding_a_layer_keeps_the_weights_there_are():
    model = classifier()
    before = model.get_weights()
    model.add(Dense(2))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=False))
    model.pop()
    assert model.output_shape == (None, 3)


def test_functional_model_adds_two_ways():
    x = Input(shape=(4,))
    left, right = Dense(3, name="left"), Dense(3, name="right")
    model = Model(inputs=x, outputs=Add()([left(x), right(x)]))
    a = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    kernels = [model.get_layer(name).get_weights()[0] for name in ("left", "right")]
    assert np.allclose(model.predict(a), a @ (kernels[0] + kernels[1]), atol=1e-6)


def test_a_shared_layer_has_its_weights_once_and_learns_from_both_uses():
    x = Input(shape=(4,))
    shared = Dense(4, "tanh")
    model = Model(x, Dense(1)(shared(shared(x))))
    assert model.count_params() == 25
    model.compile("sgd", "mse")
    a = np.random.default_rng(1).normal(size=(30, 4))
    kernel, bias = shared.get_weights()
    h = np.tanh(np.tanh(a @ kernel + bias) @ kernel + bias)
    outer, outer_bias = model.layers[-1].get_weights()
    assert np.allclose(model.predict(a), h @ outer + outer_bias, atol=1e-5)
    _, gradient = model.session.gradient(model.feed(model.arrays(a, a[:, 0])))
    for place in (0, 7, 19):  # the layer's kernel and bias
        losses = []
        for step in (1e-2, -1e-2):
            vector = model.current_vector()
            vector[place] += step
            model.put_vector(vector)
            losses.append(model.evaluate(a, a[:, 0]))
            vector[place] -= step
            model.put_vector(vector)
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-2, abs=2e-3)


def test_several_inputs_by_list_and_by_name():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    model = Model([a, b], Add()([Dense(2)(a), Dense(2)(b)]))
    x, y = np.ones((4, 2), np.float32), np.ones((4, 3), np.float32)
    assert np.array_equal(model.predict([x, y]), model.predict({"b": y, "a": x}))
    with pytest.raises(ValueError, match="2 inputs"):
        model.predict(x)


@pytest.mark.parametrize(
    "wrong,message",
    [
        (lambda: Dense(5, activaton="relu"), "did you mean activation"),
        (lambda: Dense(5, activation="rleu"), "did you mean relu"),
        (lambda: Dense(), "Dense needs units"),
        (lambda: Dense(5, kernel_initializer="glorot"), "did you mean glorot"),
        (lambda: Sequential([Dense(2), "dense"]), "Sequential wants layers"),
        (lambda: Dense(2)(np.zeros((2, 2))), "use model.predict for arrays"),
        (lambda: classifier().get_layer("nobody"), "unknown layer 'nobody'"),
    ],
)
def test_wrong_words_name_the_near_ones(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        wrong()


def test_names_count_up_and_begin_again():
    utils.clear_session()
    assert [Dense(1).name, Dense(1).name, Activation("relu").name] == [
        "dense",
        "dense_1",
        "activation",
    ]


def test_equal_seeds_give_equal_models_and_trainings():
    x, y = rows()

    def train():
        utils.set_random_seed(7)
        model = Sequential([Dense(8, "tanh", input_dim=4), Dropout(0.3), Dense(3, "softmax")])
        model.compile("adam", "categorical_crossentropy")
        model.fit(x, y, epochs=3, verbose=0)
        return model.get_weights()

    first, second = train(), train()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


# --- files ----------------------------------------------------------------------------------


def test_a_saved_model_goes_on_to_the_same_bits(tmp_path):
    x, y = rows()
    model = classifier(name="kept")
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, verbose=0)
    model.save(tmp_path / "kept.respnet")
    other = load_model(tmp_path / "kept.respnet")
    assert other.name == "kept" and [la.name for la in other.layers] == [
        la.name for la in model.layers
    ]
    assert np.array_equal(other.predict(x), model.predict(x))
    for each in (model, other):
        each.fit(x, y, epochs=2, verbose=0)  # also in the same order
    assert all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)
    )
    assert other.optimizer.iterations == model.optimizer.iterations == 10


def test_a_saved_graph_keeps_its_shape(tmp_path):
    x = Input((4,), name="x")
    shared = Dense(4, "tanh")
    model = Model(x, Add()([shared(x), shared(shared(x))]))
    model.save(tmp_path / "graph.respnet")
    other = respnet.load_model(tmp_path / "graph.respnet")
    a = np.random.default_rng(0).normal(size=(3, 4))
    assert other.count_params() == 20
    assert np.array_equal(model.predict(a), other.predict(a))


def test_weights_of_a_file_go_into_an_equal_model_only(tmp_path):
    model, other = classifier(), classifier()
    model.save_weights(tmp_path / "w.respnet")
    other.load_weights(tmp_path / "w.respnet")
    assert np.array_equal(model.get_weights()[0], other.get_weights()[0])
    with pytest.raises(ValueError, match="has weights"):
        Sequential([Dense(2, input_dim=4)]).load_weights(tmp_path / "w.respnet")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "w.respnet", overwrite=False)
