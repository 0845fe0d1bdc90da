"""Small colour pictures of digits: a convolutional network, and pictures changed as they are shown.

    python examples/tiny_images.py                               painted digits, 32 x 32 x 3
    python examples/tiny_images.py --data cifar-10-batches-bin --learning-rate 1e-4 --epochs 25

The painted digits are scikit-learn's (extra "sklearn"), made larger, coloured and moved about;
--data takes the folder of CIFAR-10's binary version.
"""

import argparse

import numpy as np

from respnet.datasets import load_cifar10
from respnet.layers import Activation, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from respnet.models import Sequential
from respnet.optimizers import RMSprop
from respnet.preprocessing import ImageDataGenerator, to_categorical
from respnet.utils import set_random_seed

SIZE = 32


def painted_digits(seed):
    """(x (N, 32, 32, 3) of 0 to 255, classes (N)): bright digits somewhere on dark paper."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    digits, classes = load_digits(return_X_y=True)
    shapes = digits.reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2) / 16
    x = np.empty((len(shapes), SIZE, SIZE, 3), np.float32)
    for image, shape in zip(x, shapes, strict=True):
        paper, ink = rng.uniform(0, 100, 3), rng.uniform(130, 255, 3)
        image[:] = paper
        top, left = rng.integers(0, SIZE - 24 + 1, 2)
        part = image[top : top + 24, left : left + 24]
        part += shape[:, :, None] * (ink - paper)
    return x, classes


def read(path, seed):
    """((x_train, classes), (x_test, classes))"""
    if path:
        return load_cifar10(path)
    x, classes = painted_digits(seed)
    return (x[:1400], classes[:1400]), (x[1400:], classes[1400:])


def network(filters, dense):
    """1,250,858 parameters with 32 filters and 512 units."""
    model = Sequential([Input((SIZE, SIZE, 3))], name="tiny-images")
    for count in (filters, 2 * filters):
        model.add(Conv2D(count, (3, 3), padding="same"))
        model.add(Activation("relu"))
        model.add(Conv2D(count, (3, 3)))
        model.add(Activation("relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(dense))
    model.add(Activation("relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    return model


def main(options):
    set_random_seed(options.seed)
    (x_train, classes), (x_test, test_classes) = read(options.data, options.seed)
    x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
    y_train, y_test = to_categorical(classes, 10), to_categorical(test_classes, 10)
    print(f"{len(x_train)} pictures to learn from, {len(x_test)} held out")

    model = network(options.filters, options.dense)
    optimizer = RMSprop(learning_rate=options.learning_rate)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    model.summary()
    generator = ImageDataGenerator(
        width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=bool(options.data)
    )
    model.fit(
        generator.flow(x_train, y_train, batch_size=32),
        epochs=options.epochs,
        validation_data=(x_test, y_test),
    )
    loss, accuracy = model.evaluate(x_test, y_test)
    print(f"loss {loss:.3f}, accuracy {accuracy:.3f} on {len(x_test)} pictures it has not seen")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of CIFAR-10's *.bin files")
    parser.add_argument("--filters", type=int, default=32, help="of the first layers; then twice")
    parser.add_argument("--dense", type=int, default=512, help="units of the dense layer")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
