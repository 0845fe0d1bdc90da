"""Make the golden files of the present format: ``python tests/golden/make.py``.

They are made once for each format and then only read. format1.respnet holds a trained model,
format1.npz its inputs, its predictions, and the losses of the two epochs after it was saved.
"""

from pathlib import Path

import numpy as np

import respnet
from respnet import layers

HERE = Path(__file__).parent


def model():
    """A small net with every kind of layer that has weights of its own shape."""
    words, picture = layers.Input((6,), name="words"), layers.Input((6, 6, 2), name="picture")
    x = layers.Embedding(9, 4, mask_zero=True, trainable=False)(words)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, peephole=True))(x)
    x = layers.GRU(4, reset_after=False)(layers.Dropout(0.2)(x))
    y = layers.MaxPooling2D()(layers.Conv2D(3, 3, padding="same", activation="relu")(picture))
    y = layers.Flatten()(layers.BatchNormalization()(y))
    y = layers.LayerNormalization()(layers.Dense(4, activation="gelu")(y))
    both = layers.Concatenate()([x, y])
    classes = layers.Dense(3, activation="softmax", name="classes")(both)
    size = layers.Dense(1, name="size")(both)
    return respnet.Model([words, picture], [classes, size], name="gold")


def rows():
    chance = np.random.default_rng(6)
    words = chance.integers(0, 9, (24, 6)).astype(np.float32)
    picture = chance.normal(size=(24, 6, 6, 2)).astype(np.float32)
    return [words, picture], [chance.integers(0, 3, 24), chance.normal(size=(24, 1))]


def train(net):
    x, y = rows()
    return net.fit(x, y, epochs=2, batch_size=8, verbose=0).history["loss"]


if __name__ == "__main__":
    respnet.set_random_seed(1)
    net = model()
    losses = {"classes": "sparse_categorical_crossentropy", "size": "mse"}
    net.compile("adam", losses, loss_weights={"size": 0.5}, metrics={"classes": ["accuracy"]})
    train(net)
    net.save(HERE / "format1.respnet")
    (words, picture), (classes, size) = rows()
    predicted = dict(zip(("p_classes", "p_size"), net.predict([words, picture]), strict=True))
    given = {"words": words, "picture": picture, "classes": classes, "size": size}
    np.savez(HERE / "format1.npz", **given, **predicted, loss=train(net))
