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


def cifar_files(folder, rows=4):
    """The binary version with a few rows: image i is all i, but for its first red number."""
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for number, name in enumerate(names):
        data = np.full((rows, 1 + 3 * 32 * 32), number, np.uint8)
        data[:, 0] = np.arange(rows)
        data[:, 1] = 200
        data.tofile(folder / name)


# --- the seeds' own lines, with their import lines changed ----------------------------------


def test_the_mystery_network():
    """tensorflow.keras, 2020"""
    from respnet.compat.keras.layers import Dense, Embedding, SimpleRNN
    from respnet.compat.keras.models import Sequential
    from respnet.compat.keras.preprocessing.sequence import pad_sequences
    from respnet.compat.keras.preprocessing.text import Tokenizer
    from respnet.compat.keras.utils import to_categorical

    lines = ["like zoinks", "jinkies", "rokay raggy", "like like hang on"] * 5
    tokenizer = Tokenizer(num_words=10000)
    tokenizer.fit_on_texts(lines)
    x = pad_sequences(tokenizer.texts_to_sequences(lines), maxlen=150)
    y = to_categorical([0, 1, 2, 0] * 5, num_classes=5)
    model = Sequential(name="mystery-machine")
    model.add(Embedding(10000, 32, input_length=150))
    model.add(SimpleRNN(32))
    model.add(Dense(5, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    printed = []
    model.summary(print_fn=printed.append)
    assert "322,245" in "".join(printed)
    model.fit(x=x, y=y, batch_size=25, epochs=2, verbose=0)
    assert len(model.evaluate(x, y, verbose=0)) == 2 and model.predict(x[:1]).shape == (1, 5)


def test_the_addition_of_the_workshop():
    """Keras 2.1.3"""
    from respnet.compat.keras import layers
    from respnet.compat.keras.models import Sequential

    rng = np.random.default_rng(0)
    x = np.eye(12, dtype=bool)[rng.integers(0, 12, (40, 7))]
    y = np.eye(12, dtype=bool)[rng.integers(0, 12, (40, 4))]
    RNN, HIDDEN_SIZE, BATCH_SIZE, LAYERS = layers.LSTM, 128, 128, 1
    model = Sequential()
    model.add(RNN(HIDDEN_SIZE, input_shape=(7, 12)))
    model.add(layers.RepeatVector(3 + 1))
    for _ in range(LAYERS):
        model.add(RNN(HIDDEN_SIZE, return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(12)))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    assert model.count_params() == 205_324
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=1, validation_data=(x, y), verbose=0)
    guess = model.predict_classes(x[[0]], verbose=0)
    assert guess.shape == (1, 4) and guess.max() < 12


def tiny_images_network(shape):
    from respnet.compat.keras.layers import Activation, Dense, Dropout, Flatten
    from respnet.compat.keras.layers.convolutional import Conv2D, MaxPooling2D
    from respnet.compat.keras.models import Sequential

    model = Sequential()
    model.add(Conv2D(32, (3, 3), padding="same", input_shape=shape))
    model.add(Activation("relu"))
    model.add(Conv2D(32, (3, 3)))
    model.add(Activation("relu"))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.25))
    model.add(Conv2D(64, (3, 3), padding="same"))
    model.add(Activation("relu"))
    model.add(Conv2D(64, (3, 3)))
    model.add(Activation("relu"))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(512))
    model.add(Activation("relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    return model


def test_the_tiny_images_of_the_workshop(tmp_path):
    """Keras 2.1.3, on a local copy of CIFAR-10"""
    from respnet.compat.keras.datasets import cifar10

    cifar_files(tmp_path / "cifar", rows=2)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data(tmp_path / "cifar")
    y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))
    x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
    model = tiny_images_network(x_train.shape[1:])
    assert model.count_params() == 1_250_858
    optimizer = keras.optimizers.rmsprop(lr=0.0001, decay=1e-6)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    flow = ImageDataGenerator(
        featurewise_center=False,
        rotation_range=0,
        width_shift_range=0.1,
        height_shift_range=0.1,
        horizontal_flip=True,
        vertical_flip=False,
    )
    flow.fit(x_train)
    history = model.fit_generator(
        flow.flow(x_train, y_train, batch_size=5),
        epochs=1,
        validation_data=(x_test, y_test),
        workers=4,
        verbose=0,
    )
    assert set(history.history) >= {"loss", "val_loss"}
    assert len(model.evaluate(x_test, y_test, verbose=0)) == 2


def test_names_keras_has_in_two_places():
    import respnet
    from respnet import preprocessing, schedules

    assert respnet.utils.pad_sequences is preprocessing.pad_sequences
    assert respnet.optimizers.schedules is schedules
    assert issubclass(preprocessing.sequence.TimeseriesGenerator, respnet.utils.Sequence)
    keras.backend.clear_session()
    with pytest.raises(AttributeError, match="no attribute 'pad_sequence'"):
        respnet.utils.pad_sequence  # noqa: B018
