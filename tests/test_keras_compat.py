"""Programs of 2016 and 2017, with their import lines changed only."""

import numpy as np
import pytest

from respnet.compat import keras
from respnet.compat.keras.layers.core import Activation, Dense, Dropout
from respnet.compat.keras.layers.recurrent import LSTM
from respnet.compat.keras.models import Sequential
from respnet.compat.keras.preprocessing.image import ImageDataGenerator


def test_the_crypto_network_of_2017():
    x = np.random.default_rng(0).normal(size=(30, 12, 1))
    model = Sequential()
    model.add(LSTM(input_dim=1, output_dim=50, return_sequences=True))
    model.add(Dropout(0.2))
    model.add(LSTM(100, return_sequences=False))
    model.add(Dropout(0.2))
    model.add(Dense(output_dim=1))
    model.add(Activation("linear"))
    model.compile(loss="mse", optimizer="rmsprop")
    assert model.count_params() == 70_901
    history = model.fit(x, x[:, 0, 0], batch_size=512, nb_epoch=2, validation_split=0.05, verbose=0)
    assert len(history.epoch) == 2 and model.predict(x[:1, 3:]).shape == (1, 1)


def test_classes_and_generators_of_keras_2():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2, 2, 1))
    y = keras.utils.np_utils.to_categorical(rng.integers(0, 3, 40), 3)
    model = keras.Sequential()
    model.add(keras.layers.Flatten(input_shape=(2, 2, 1)))
    model.add(keras.layers.Dense(3, activation="softmax", init="uniform"))
    model.compile(
        optimizer=keras.optimizers.rmsprop(lr=0.0001, decay=1e-6), loss="categorical_crossentropy"
    )
    flow = ImageDataGenerator(horizontal_flip=True).flow(x, y, batch_size=8)
    history = model.fit_generator(flow, steps_per_epoch=5, epochs=2, workers=4, verbose=0)
    assert len(history.epoch) == 2
    assert np.array_equal(model.predict_classes(x), model.predict(x).argmax(1))
    assert model.optimizer.rate(10**6) == pytest.approx(0.00005)


def test_one_output_gives_two_classes():
    model = Sequential([Dense(1, activation="sigmoid", input_dim=3)])
    x = np.random.default_rng(0).normal(size=(6, 3))
    assert model.predict_classes(x).tolist() == (model.predict(x) > 0.5).astype(int).tolist()


def test_nothing_is_downloaded():
    with pytest.raises(FileNotFoundError, match="nothing is downloaded"):
        keras.datasets.cifar10.load_data()
