"""Merge, activation, noise, normalising and encoding layers by the words of Keras."""

import numpy as np
import pytest

from respnet import activations, layers
from respnet.engine.session import Session
from respnet.engine.trainer import Update
from respnet.layers import (
    ELU,
    GRU,
    Activation,
    Average,
    BatchNormalization,
    CategoryEncoding,
    Concatenate,
    Cropping1D,
    Dense,
    Dropout,
    Embedding,
    GaussianDropout,
    GaussianNoise,
    Input,
    LayerNormalization,
    LeakyReLU,
    Masking,
    Normalization,
    Permute,
    PReLU,
    RandomFlip,
    ReLU,
    Rescaling,
    Softmax,
    SpatialDropout1D,
    SpatialDropout2D,
    Subtract,
)
from respnet.models import Model, Sequential, load_model

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 7, 4, 3))


def joined(make, *arrays):
    """What ``make`` of two or more inputs gives for these arrays."""
    inputs = [Input(a.shape[1:]) for a in arrays]
    return Model(inputs, make(inputs), dtype="float64").predict(list(arrays), verbose=0)


def single(layer, x):
    return Sequential([Input(x.shape[1:]), layer], dtype="float64").predict(x, verbose=0)


# --- merges ---------------------------------------------------------------------------------

FORMS = {
    "add": A + B,
    "subtract": A - B,
    "multiply": A * B,
    "average": (A + B) / 2,
    "maximum": np.maximum(A, B),
    "minimum": np.minimum(A, B),
    "concatenate": np.concatenate([A, B], axis=-1),
}


@pytest.mark.parametrize("name", FORMS)
def test_functional_forms_are_their_layers(name):
    cls = getattr(layers, name.capitalize())
    for make in (getattr(layers, name), cls()):
        assert np.allclose(joined(make, A, B), FORMS[name], atol=1e-14)


def test_axes_of_length_one_repeat():
    assert np.allclose(joined(Average(), A, B[:, :1], B[:, :, :1]),
                       (A + B[:, :1] + B[:, :, :1]) / 3, atol=1e-14)
    assert np.allclose(joined(layers.multiply, A, B[:, 0]), A * B[:, :1], atol=1e-14)
    time = joined(lambda xs: layers.concatenate(xs, axis=1), A, B)
    assert np.array_equal(time, np.concatenate([A, B], axis=1))
    with pytest.raises(ValueError, match="subtract wants two inputs, got 3"):
        Subtract()([Input((3,))] * 3)
    with pytest.raises(ValueError, match="concatenate wants shapes equal but for axis 2"):
        Concatenate()([Input((3, 2)), Input((4, 2))])


def masked_sum(merge, words, other):
    """The states of a GRU that sees only what the merged mask lets through."""
    x, second = Input((5,)), Input((5,))
    first = Embedding(9, 3, mask_zero=True)(x)
    y = GRU(2)(merge([first, Embedding(9, 3, mask_zero=True)(second)]))
    model = Model([x, second], y, dtype="float64")
    return model, model.predict([words, other], verbose=0)


def test_masks_of_merged_sequences_count_where_any_does():
    words = np.array([[1, 2, 0, 0, 0]])
    other = np.array([[3, 0, 0, 4, 0]])
    model, together = masked_sum(layers.add, words, other)
    tables = model.get_weights()[:2]
    sums = tables[0][words[:, [0, 1, 3]]] + tables[1][other[:, [0, 1, 3]]]
    plain = Sequential([Input((None, 3)), GRU(2)], dtype="float64")
    plain.set_weights(model.get_weights()[2:])
    assert np.allclose(together, plain.predict(sums, verbose=0), atol=1e-14)
    along = lambda xs: layers.concatenate(xs, axis=1)  # noqa: E731
    model, together = masked_sum(along, words, other)
    tables = model.get_weights()[:2]
    parts = [tables[0][words[:, :2]], tables[1][other[:, [0, 3]]]]
    plain.set_weights(model.get_weights()[2:])
    wanted = plain.predict(np.concatenate(parts, axis=1), verbose=0)
    assert np.allclose(together, wanted, atol=1e-14)


def test_a_mask_of_one_input_alone_holds_in_a_concatenation_in_time_only():
    x = np.array([[[1.0], [0.0], [2.0]]])

    def states(merge):
        first, second = Input((3, 1)), Input((3, 1))
        y = GRU(2, seed=1)(merge([Masking()(first), second]))
        model = Model([first, second], y, dtype="float64")
        return model, model.predict([x, x * 0], verbose=0)

    model, time = states(lambda xs: layers.concatenate(xs, axis=1))
    plain = Sequential([Input((5, 1)), GRU(2)], dtype="float64")
    plain.set_weights(model.get_weights())
    assert np.allclose(time, plain.predict(np.array([[[1.0], [2], [0], [0], [0]]]), verbose=0))
    model, added = states(layers.add)
    plain = Sequential([Input((3, 1)), GRU(2)], dtype="float64")
    plain.set_weights(model.get_weights())
    assert np.allclose(added, plain.predict(x, verbose=0))


# --- shapes and activations -----------------------------------------------------------------


def test_axes_change_places_and_ends_are_cut():
    assert np.array_equal(single(Permute((2, 1)), A), A.transpose(0, 2, 1))
    image = RNG.normal(size=(2, 3, 4, 5))
    assert np.array_equal(single(Permute((3, 1, 2)), image), image.transpose(0, 3, 1, 2))
    assert np.array_equal(single(Cropping1D(1), A), A[:, 1:-1])
    assert np.array_equal(single(Cropping1D((2, 0)), A), A[:, 2:])


def softmaxed(x, axis):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


WITH_ARGUMENTS = [
    (ReLU(), np.maximum(A, 0)),
    (ReLU(max_value=0.5, negative_slope=0.1, threshold=0.2),
     np.minimum(np.where(A < 0.2, 0.1 * (A - 0.2), A), 0.5)),
    (LeakyReLU(), np.where(A < 0, 0.3 * A, A)),
    (ELU(), np.where(A < 0, np.expm1(A), A)),
    (ELU(alpha=0.5), np.where(A < 0, 0.5 * np.expm1(A), A)),
    (PReLU(alpha_initializer="ones"), A),
    (Softmax(), softmaxed(A, -1)),
    (Softmax(axis=1), softmaxed(A, 1)),
    (Rescaling(1 / 255, offset=-1), A / 255 - 1),
]


@pytest.mark.parametrize("layer, wanted", WITH_ARGUMENTS, ids=lambda v: repr(v)[:30])
def test_layers_with_arguments_compute_their_formula(layer, wanted):
    assert np.allclose(single(layer, A), wanted, atol=1e-14)


def test_a_plain_relu_or_softmax_is_the_activation_that_losses_know():
    model = Sequential([Input((3,)), Dense(2), Softmax()])
    model.compile("sgd", "categorical_crossentropy")
    assert np.ravel(model.train_on_batch(np.ones((4, 3)), np.eye(2)[[0, 1, 0, 1]]))[0] > 0
    assert ReLU().kind == "activation" and ReLU(6).kind == "relu"


@pytest.mark.parametrize("name", [*activations.engine.ALL, *activations.ALIASES])
def test_activations_are_functions_and_words(name):
    function = activations.get(name)
    x = A[:, 0] * 3
    for given in (name, function):
        assert np.allclose(single(Activation(given), x), function(x), atol=1e-12)


def test_activations_are_those_of_torch():
    torch = pytest.importorskip("torch")
    functional, x = torch.nn.functional, A * 3
    theirs = {
        "relu6": "relu6", "selu": "selu", "silu": "silu", "mish": "mish", "softsign": "softsign",
        "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish", "hard_tanh": "hardtanh",
        "log_sigmoid": "logsigmoid", "tanh_shrink": "tanhshrink", "soft_shrink": "softshrink",
        "hard_shrink": "hardshrink",
    }
    for mine, name in theirs.items():
        wanted = getattr(functional, name)(torch.tensor(x)).numpy()
        assert np.allclose(single(Activation(mine), x), wanted, atol=1e-12), mine
    wanted = functional.log_softmax(torch.tensor(x), -1).numpy()
    assert np.allclose(single(Activation("log_softmax"), x), wanted, atol=1e-12)


# --- noise ----------------------------------------------------------------------------------


def masks_of(layer, shape, rows=60):
    """What a layer makes of ones in a step of training."""
    return trained_on(layer, np.ones((rows, *shape)))


def trained_on(layer, x):
    """What a layer makes of x in a step of training."""
    rows, *shape = x.shape
    network = Sequential([Input(shape), layer], dtype="float64").network
    session = Session(network, Update.of("sgd"), seed=network.spec.seed, watch=("outputs",))
    session.train(session.feed(x, x), np.arange(rows), rows)
    return session.outputs()[network.spec.outputs[0]]


def test_a_noise_shape_shares_its_mask():
    steps = masks_of(Dropout(0.5, noise_shape=(None, 1, 6)), (5, 6))
    assert set(np.unique(steps)) == {0, 2} and np.array_equal(steps, steps[:, :1].repeat(5, 1))
    assert 0.3 < (steps[:, 0] == 0).mean() < 0.7
    assert np.array_equal(masks_of(SpatialDropout1D(0.5, seed=3), (5, 6)),
                          masks_of(Dropout(0.5, (None, 1, None), seed=3), (5, 6)))
    image = masks_of(SpatialDropout2D(0.5), (2, 3, 4))
    assert np.array_equal(image, np.broadcast_to(image[:, :1, :1], image.shape))
    with pytest.raises(ValueError, match="noise_shape begins with None"):
        Dropout(0.5, noise_shape=(1, 5, 6))
    with pytest.raises(ValueError, match="does not fit rows of shape"):
        Sequential([Input((5, 6)), Dropout(0.5, noise_shape=(None, 5))])


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_pictures_are_mirrored_by_chance_in_training(mode):
    x = RNG.normal(size=(200, 3, 4, 2))
    got = trained_on(RandomFlip(mode, seed=5), x)
    forms = {"as it is": x, "horizontal": x[:, :, ::-1], "vertical": x[:, ::-1]}
    forms["both"] = x[:, ::-1, ::-1]
    counts = {n: int((got == f).all(axis=(1, 2, 3)).sum()) for n, f in forms.items()}
    allowed = {"as it is", *([mode] if mode in forms else forms)}
    assert sum(counts.values()) == 200
    assert all((count > 200 / len(allowed) / 2) == (n in allowed) for n, count in counts.items())
    assert np.array_equal(got, trained_on(RandomFlip(mode, seed=5), x))
    assert np.array_equal(single(RandomFlip(mode), x), x)


@pytest.mark.parametrize("cls", [Dropout, GaussianDropout, GaussianNoise])
def test_a_seed_repeats_the_noise_in_another_model(cls):
    first, again, other = (masks_of(cls(0.4, seed=seed), (50,)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert not np.array_equal(masks_of(cls(0.4), (50,)), masks_of(cls(0.4), (50,)))
    assert abs(first.mean() - 1) < 0.1


# --- data -----------------------------------------------------------------------------------


def test_normalization_learns_mean_and_variance_from_data(tmp_path):
    data = RNG.normal([1, -2, 5], [1, 3, 0.1], (500, 3))
    layer = Normalization()
    layer.adapt(data)
    model = Sequential([Input((3,)), layer, Dense(2)])
    wanted = (data - data.mean(0)) / data.std(0)
    kernel, bias = model.get_weights()[2:]
    assert np.allclose(model.predict(data, verbose=0), wanted @ kernel + bias, atol=1e-4)
    model.save(tmp_path / "m.respnet")
    assert np.array_equal(load_model(tmp_path / "m.respnet").predict(data, verbose=0),
                          model.predict(data, verbose=0))
    layer.adapt(data * 2)  # once more, in a model that is there
    assert np.allclose(layer.get_weights()[0], data.mean(0) * 2, atol=1e-5)
    given = Normalization(mean=[1.0, 0, 2], variance=4.0)
    assert np.allclose(single(given, data), (data - [1, 0, 2]) / 2)
    whole = Normalization(axis=None)
    whole.adapt(data)
    assert np.allclose(single(whole, data), (data - data.mean()) / data.std(), atol=1e-6)
    for wrong, message in (
        ({"invert": True}, "invert is not supported"),
        ({"mean": 1.0}, "wants both mean and variance"),
    ):
        with pytest.raises(ValueError, match=message):
            Normalization(**wrong)
    with pytest.raises(ValueError, match="axis must be the last one or None, got 1"):
        Normalization(axis=1).adapt(np.ones((2, 3, 4)))


def test_characters_become_one_hot_rows_for_a_gru():
    codes = RNG.integers(0, 98, (6, 11))
    model = Sequential([Input((None,)), CategoryEncoding(98, output_mode="one_hot"), GRU(5)])
    plain = Sequential([Input((None, 98)), GRU(5)])
    plain.set_weights(model.get_weights())
    assert np.allclose(model.predict(codes, verbose=0),
                       plain.predict(np.eye(98)[codes], verbose=0), atol=1e-6)
    with pytest.raises(ValueError, match="whole numbers from 0 to 97, got 98"):
        model.predict(codes * 0 + 98, verbose=0)
    with pytest.raises(ValueError, match="sparse is not supported"):
        CategoryEncoding(3, sparse=True)


def test_counts_of_tokens():
    x = np.array([[0, 2, 2], [1, 1, 1]])
    assert np.array_equal(single(CategoryEncoding(3), x), [[1, 0, 1], [0, 1, 0]])
    counted = single(CategoryEncoding(3, output_mode="count"), x)
    assert np.array_equal(counted, [[1, 0, 2], [0, 3, 0]])


# --- all of them ----------------------------------------------------------------------------


def test_every_layer_comes_back_from_a_file(tmp_path):
    x = Input((4, 3))
    stack = [
        PReLU(shared_axes=[1]), ReLU(6), ELU(0.3), LeakyReLU(), Softmax(axis=1), Permute((2, 1)),
        Cropping1D(1), Dropout(0.1, (None, 1, None), 3), SpatialDropout1D(0.2), GaussianNoise(0.1),
        GaussianDropout(0.2, seed=2), BatchNormalization(momentum=0.5, center=False),
        LayerNormalization(epsilon=0.1), Normalization(mean=1.0, variance=2.0), Rescaling(3, 1),
    ]
    y = x
    for layer in stack:
        y = layer(y)
    y = Concatenate(axis=1)([y, layers.multiply([y, y])])
    model = Model(x, layers.average([y, layers.maximum([y, layers.minimum([y, y])])]))
    model.save(tmp_path / "all.respnet")
    again = load_model(tmp_path / "all.respnet")
    assert again.spec.to_dict()["nodes"] == model.spec.to_dict()["nodes"]
    assert np.array_equal(model.predict(A, verbose=0), again.predict(A, verbose=0))
