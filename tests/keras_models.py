"""Models that Keras and respnet both can build: ``models(keras)`` gives name -> (model, inputs).

Also a program: ``python keras_models.py FOLDER write|read`` saves them with Keras and its
predictions, or checks with Keras what respnet saved. It needs keras alone, not respnet.
"""

import os
import sys
from pathlib import Path

import numpy as np

ENDINGS = (".keras", ".h5", ".weights.h5")


def words(*shape, most=9):
    return np.random.default_rng(1).integers(0, most, shape).astype("float32")


def floats(*shape):
    return np.random.default_rng(2).normal(size=shape).astype("float32")


def chain(keras):
    layers = keras.layers
    return keras.Sequential([
        layers.Input((7,)),
        layers.Embedding(9, 4, mask_zero=True),
        layers.LSTM(5, return_sequences=True, dropout=0.1, kernel_regularizer="l2"),
        layers.GRU(4, return_sequences=True, reset_after=False),
        layers.SimpleRNN(3, go_backwards=True),
        layers.Dropout(0.2),
        layers.Dense(4, activation="relu", kernel_initializer="he_normal"),
        layers.Dense(2, use_bias=False),
    ], name="chain"), [words(5, 7)]  # fmt: skip


def picture(keras):
    layers = keras.layers
    return keras.Sequential([
        layers.Input((9, 8, 3)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Conv2D(5, (3, 2), strides=2),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Activation("tanh"),
        layers.Dense(3, activation="softmax"),
    ], name="picture"), [floats(2, 9, 8, 3)]  # fmt: skip


def graph(keras):
    """Shared layers, several inputs and outputs, states in and out, equal classes side by side."""
    layers = keras.layers
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    shared, left, right = (layers.Dense(4, name=n) for n in ("shared", "left", "right"))
    both = layers.Add()([shared(a), shared(b), right(left(a))])
    steps = layers.TimeDistributed(layers.Dense(2))(layers.RepeatVector(3)(both))
    y, h, c = layers.LSTM(4, return_state=True)(steps, initial_state=[both, both])
    out = layers.Dense(2, name="out")(y)
    return keras.Model([a, b], [out, h, c], name="graph"), [floats(5, 3), floats(5, 3)[::-1]]


def both_ways(keras):
    layers = keras.layers
    return keras.Sequential([
        layers.Input((6, 2)),
        layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum"),
        layers.Bidirectional(layers.LSTM(4), merge_mode="sum"),
        layers.Reshape((2, 2)),
        layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)]),
    ], name="both_ways"), [floats(3, 6, 2)]  # fmt: skip


def simple(keras):
    """Normalisation, activations with constants, and merges."""
    layers = keras.layers
    x = layers.Input((6, 4), name="x")
    y = layers.BatchNormalization()(layers.Conv1D(4, 3, padding="same")(x))
    z = layers.LayerNormalization()(layers.LeakyReLU(negative_slope=0.1)(x))
    y = layers.ELU(alpha=0.5)(layers.Concatenate()([y, z, layers.Multiply()([y, z])]))
    y = layers.PReLU(shared_axes=[1])(layers.Permute((2, 1))(y))
    y = layers.GlobalAveragePooling1D()(layers.ReLU(max_value=2)(layers.Rescaling(0.5)(y)))
    y = layers.Dense(3, activation="selu")(layers.GaussianNoise(0.1)(y))
    return keras.Model(x, layers.Softmax()(y), name="simple"), [floats(4, 6, 4)]


MODELS = {made.__name__: made for made in (chain, picture, graph, both_ways, simple)}


def listed(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def predictions(model, inputs):
    x = inputs if len(inputs) > 1 else inputs[0]
    return [np.asarray(y) for y in listed(model.predict(x, verbose=0))]


def shaken(model):
    """Weights that are none of the starting values."""
    chance = np.random.default_rng(3)
    weights = [abs(chance.normal(size=w.shape)) / 2 for w in model.get_weights()]
    model.set_weights([w.astype("float32") for w in weights])
    model.compile("adam", "mse", metrics=["mae"])


def write(folder, keras, endings=ENDINGS):
    for name, make in MODELS.items():
        model, inputs = make(keras)
        shaken(model)
        for ending in endings:
            saver = model.save_weights if ending == ".weights.h5" else model.save
            saver(str(folder / f"{name}{ending}"))
        np.savez(folder / f"{name}.npz", *predictions(model, inputs))


def read(folder, keras):
    """Names of the files whose predictions Keras does not repeat."""
    wrong = []
    for name, make in MODELS.items():
        model, inputs = make(keras)
        for ending in ENDINGS:
            path = str(folder / f"{name}{ending}")
            if ending == ".weights.h5":
                model.load_weights(path)
            else:
                model = keras.saving.load_model(path)
            want = np.load(folder / f"{name}.npz").values()
            for got, wanted in zip(predictions(model, inputs), want, strict=True):
                if got.shape != wanted.shape or abs(got - wanted).max() > 1e-5:
                    wrong.append(f"{name}{ending}: {abs(got - wanted).max()}")
    return wrong


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    done = {"write": write, "read": read}[sys.argv[2]](Path(sys.argv[1]), keras)
    sys.exit("\n".join(done or []) or 0)
