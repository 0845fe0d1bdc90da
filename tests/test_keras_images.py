"""Networks over images: layers beside Keras, the network for CIFAR-10, a training beside torch."""

import numpy as np
import pytest

from respnet import layers as L
from respnet.compat import keras
from respnet.models import Sequential, load_model
from respnet.optimizers import SGD, RMSprop
from respnet.utils import set_random_seed

# Shape of a row, layers; what Keras 3.15.1 (TensorFlow) made of them with weight i drawn from
# RandomState(100 + i).uniform(-.5, .5): three outputs before, sum of |weights| after two epochs.
KERAS = {
    "strides": (
        (9, 8, 3),
        lambda: [
            L.Conv2D(5, 3, activation="relu"),
            L.Conv2D(4, (2, 3), strides=2, padding="same"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(2),
        ],
        ((-1.590114, 0.814009, -2.189272), 67.77528),
    ),
    "dilation": (
        (11, 10, 3),
        lambda: [
            L.Conv2D(4, (3, 2), padding="same", dilation_rate=(2, 1)),
            L.AveragePooling2D((3, 2), strides=2, padding="same"),
            L.GlobalAveragePooling2D(keepdims=True),
        ],
        ((-0.114074, 0.042902, -0.425059), 20.13434),
    ),
    "causal": (
        (11, 3),
        lambda: [
            L.Conv1D(4, 3, padding="causal", dilation_rate=2),
            L.MaxPooling1D(3, strides=2, padding="same"),
            L.Conv1D(3, 2, strides=2, padding="same", use_bias=False),
            L.GlobalMaxPooling1D(),
        ],
        ((-0.062857, 0.325944, 0.524944), 16.22334),
    ),
    "zeros around images": (
        (7, 6, 2),
        lambda: [
            L.ZeroPadding2D(((1, 2), (0, 3))),
            L.Conv2D(3, 3, strides=3, padding="same"),
            L.AveragePooling2D(2, padding="same"),
            L.GlobalMaxPooling2D(),
        ],
        ((0.705464, 0.073469, 0.318663), 15.76818),
    ),
    "zeros around steps": (
        (7, 2),
        lambda: [
            L.ZeroPadding1D((1, 2)),
            L.AveragePooling1D(2, strides=3, padding="same"),
            L.Conv1D(3, 2, padding="valid"),
            L.GlobalAveragePooling1D(),
        ],
        ((-0.258527, 0.221719, -0.113371), 3.73751),
    ),
    "depthwise": (
        (9, 8, 3),
        lambda: [
            L.DepthwiseConv2D(3, activation="relu"),
            L.DepthwiseConv2D((2, 3), strides=2, padding="same", depth_multiplier=2),
            L.Flatten(),
            L.Dense(2),
        ],
        ((0.554072, -1.002803, 1.605398), 53.94684),
    ),
    "depthwise steps": (
        (11, 3),
        lambda: [
            L.DepthwiseConv1D(3, padding="same", depth_multiplier=2, activation="tanh"),
            L.DepthwiseConv1D(2, strides=2, use_bias=False),
            L.GlobalAveragePooling1D(),
        ],
        ((0.063183, 0.13397, 0.163994), 8.87136),
    ),
    "groups": (
        (9, 8, 4),
        lambda: [
            L.Conv2D(6, 3, groups=2, padding="same", activation="tanh"),
            L.Conv2D(6, (2, 3), strides=(2, 1), groups=3),
            L.Flatten(),
            L.Dense(2),
        ],
        ((-0.124151, 1.185329, 1.914342), 119.79251),
    ),
    "groups of steps": (
        (11, 4),
        lambda: [
            L.Conv1D(8, 3, groups=4, padding="causal", dilation_rate=2),
            L.Conv1D(2, 2, groups=2),
            L.GlobalMaxPooling1D(),
        ],
        ((0.557492, 0.212892, 0.483102), 12.35285),
    ),
}


@pytest.mark.parametrize("name", KERAS)
def test_layers_compute_what_keras_does(name):
    shape, stack, (outputs, weights) = KERAS[name]
    model = Sequential([L.Input(shape), *stack()])
    draws = [np.random.RandomState(100 + i).uniform for i in range(len(model.get_weights()))]
    model.set_weights(
        [draw(-0.5, 0.5, w.shape) for draw, w in zip(draws, model.get_weights(), strict=True)]
    )
    x = np.random.RandomState(1).normal(size=(4, *shape)).astype("float32")
    y = model.predict(x, verbose=0)
    assert np.allclose(y.ravel()[:3], outputs, atol=2e-6)
    model.compile("sgd", "mse")
    model.fit(x, np.ones(y.shape), epochs=2, shuffle=False, verbose=0)
    assert sum(np.abs(w).sum() for w in model.get_weights()) == pytest.approx(weights, abs=2e-5)


def tiny_images(rates=(0.25, 0.25, 0.5)):
    """The network of the workshop for CIFAR-10."""
    model = Sequential([L.Input((32, 32, 3))], name="tiny-images")
    for filters, rate in zip((32, 64), rates, strict=False):
        model.add(L.Conv2D(filters, (3, 3), padding="same"))
        model.add(L.Activation("relu"))
        model.add(L.Conv2D(filters, (3, 3)))
        model.add(L.Activation("relu"))
        model.add(L.MaxPooling2D(pool_size=(2, 2)))
        model.add(L.Dropout(rate))
    model.add(L.Flatten())
    model.add(L.Dense(512))
    model.add(L.Activation("relu"))
    model.add(L.Dropout(rates[2]))
    model.add(L.Dense(10))
    model.add(L.Activation("softmax"))
    return model


def painted_digits(count):
    """Digits of scikit-learn, four times as large, moved by up to four places, in three colours."""
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    rng = np.random.default_rng(7)
    x = np.kron(digits.images[:count] / 16, np.ones((4, 4)))
    moves = rng.integers(-4, 5, (count, 2))
    x = np.stack([np.roll(image, move, (0, 1)) for image, move in zip(x, moves, strict=True)])
    paint = rng.uniform(0.3, 1, (count, 1, 1, 3))
    return (x[..., None] * paint).astype("float32"), digits.target[:count]


def test_the_network_for_tiny_images_and_its_summary(tmp_path):
    model = tiny_images()
    assert model.count_params() == 1_250_858 and model.output_shape == (None, 10)
    lines = []
    model.summary(line_length=80, print_fn=lines.append)
    text = "\n".join(lines)
    shapes = ["32, 32, 32", "30, 30, 32", "15, 15, 32", "15, 15, 64", "13, 13, 64", "6, 6, 64"]
    assert all(f"(None, {shape})" in text for shape in [*shapes, "2304", "512"])
    assert "1,250,858" in text
    weights = model.get_weights()
    assert [w.shape for w in weights[:4]] == [(3, 3, 3, 32), (32,), (3, 3, 32, 32), (32,)]
    x = np.random.default_rng(0).random((2, 32, 32, 3))
    before = model.predict(x)
    model.save(tmp_path / "tiny.respnet")
    assert np.array_equal(load_model(tmp_path / "tiny.respnet").predict(x), before)


def test_tiny_images_are_learnt():
    x, y = painted_digits(1400)
    set_random_seed(1)
    model = tiny_images()
    model.compile(RMSprop(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x[:1000], y[:1000], batch_size=32, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0] < 2.3
    assert model.evaluate(x[1000:], y[1000:], verbose=0)[1] > 0.4


def as_torch(torch, model):
    """The same network with the same weights; its numbers are in the order (C,Y,X)."""
    nn, weights = torch.nn, [torch.tensor(np.array(w)) for w in model.get_weights()]
    stack = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU()]
    stack += [nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3)]
    stack += [nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2304, 512), nn.ReLU()]
    net = nn.Sequential(*stack, nn.Linear(512, 10))
    hidden = weights[8].reshape(6, 6, 64, 512).permute(3, 2, 0, 1).reshape(512, 2304)
    weights = [w.permute(3, 2, 0, 1) if w.ndim == 4 else w.T if w.ndim == 2 else w for w in weights]
    weights[8] = hidden
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return net


def test_a_training_is_that_of_torch_number_by_number():
    torch = pytest.importorskip("torch")
    x, y = painted_digits(128)
    model = tiny_images(rates=(0.0, 0.0, 0.0))
    net = as_torch(torch, model)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    wanted = []
    for _ in range(2):
        losses = []
        for rows in np.arange(128).reshape(4, 32):
            optimizer.zero_grad()
            given = torch.tensor(x[rows]).permute(0, 3, 1, 2)
            loss = torch.nn.functional.cross_entropy(net(given), torch.tensor(y[rows]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        wanted.append(np.mean(losses))
    model.compile(SGD(0.02, momentum=0.9), "sparse_categorical_crossentropy")
    got = model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert np.allclose(got, wanted, atol=1e-4) and wanted[1] < wanted[0] - 1e-3


def test_old_convolutions():
    rows = keras.layers.convolutional.Convolution2D(8, 3, 5, border_mode="same", subsample=(2, 1))
    assert (rows.filters, rows.kernel_size, rows.strides) == (8, (3, 5), (2, 1))
    named = keras.layers.Convolution2D(nb_filter=8, nb_row=3, nb_col=5)
    assert named.kernel_size == (3, 5) and named.padding == "valid"
    assert keras.layers.Convolution2D(8, (3, 3), activation="relu").kernel_size == (3, 3)
    steps = keras.layers.Convolution1D(nb_filter=4, filter_length=3)
    assert (steps.filters, steps.kernel_size) == (4, 3)


def test_regularizers_of_kernels_join_the_loss():
    model = Sequential([L.Input((4, 4, 1)), L.Conv2D(2, 3, kernel_regularizer="l2"), L.Flatten()])
    model.compile("sgd", "mse")
    x, zeros = np.zeros((2, 4, 4, 1)), np.zeros((2, 8))
    assert model.evaluate(x, zeros, verbose=0) == pytest.approx(
        0.01 * (model.get_weights()[0] ** 2).sum(), rel=1e-5
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Conv2D(3, 3, data_format="channels_first"), "layer conv2d.*: data_format is "
         "channels_last, the order of axes here; got 'channels_first'"),
        (lambda: L.MaxPooling2D(data_format="channels_first"), "data_format is channels_last"),
        (lambda: L.ZeroPadding1D(data_format="NCW"), "data_format is channels_last"),
        (lambda: L.Conv2D(5, 3, groups=2), "groups must be .* that divides 5 filters"),
        (lambda: L.Conv2D(4, 9), r"layer conv2d.*: conv2d with a window of \(9, 9\) does not fit "
         r"into rows of shape \(8, 8, 2\)"),
        (lambda: L.Conv1D(4, 3), r"layer conv1d.*: conv1d wants rows of shape \(T, C\), got "
         r"\(8, 8, 2\)"),
        (lambda: L.GlobalMaxPooling1D(), r"global_max_pooling1d wants rows of shape \(T, C\)"),
        (lambda: L.Conv2D(0, 3), "filters must be a positive integer, got 0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()(L.Input((8, 8, 2)))
