"""RandomTranslation and RandomRotation: by how much, which way, and what comes in from outside."""

import numpy as np
import pytest
from test_keras_simple_layers import trained_on

from respnet.layers import Dense, Flatten, Input, RandomRotation, RandomTranslation
from respnet.models import Sequential, load_model
from respnet.optimizers import SGD
from respnet.preprocessing.image import ImageDataGenerator

RNG = np.random.default_rng(0)
# Keras 3.15.1: the picture moved by 0.3 of its height and -0.25 of its width, or turned by 0.1
PICTURE = np.arange(20.0).reshape(1, 4, 5, 1) ** 1.5
KERAS = {
    ("translation", "reflect", "bilinear"): (
        [[4.2962, 6.6457, 9.4618, 11.8, 11.0206],
         [1.4571, 3.4204, 5.8971, 8.0, 7.299],
         [12.8136, 16.3217, 20.1559, 23.2, 22.1853],
         [33.3341, 38.2254, 43.3441, 47.3066, 45.9857]]
    ),
    ("rotation", "reflect", "bilinear"): (
        [[1.4821, 3.0005, 9.8507, 23.3195, 38.7282],
         [0.6759, 9.3317, 21.9619, 39.7233, 60.1254],
         [8.3994, 21.1914, 37.9088, 58.5893, 78.4587],
         [22.1775, 36.4953, 56.8038, 69.6501, 74.7132]]
    ),
    ("translation", "nearest", "bilinear"): (
        [[1.4571, 3.4204, 5.8971, 8.0, 8.0],
         [1.4571, 3.4204, 5.8971, 8.0, 8.0],
         [12.8136, 16.3217, 20.1559, 23.2, 23.2],
         [33.3341, 38.2254, 43.3441, 47.3066, 47.3066]]
    ),
    ("rotation", "nearest", "bilinear"): (
        [[1.4821, 3.0005, 9.8507, 23.3195, 38.7282],
         [0.6759, 9.3317, 21.9619, 39.7233, 60.1254],
         [8.3994, 21.1914, 37.9088, 58.5893, 78.4587],
         [22.1775, 36.4953, 56.8038, 69.6501, 74.7132]]
    ),
    ("translation", "nearest", "nearest"): (
        [[1.0, 2.8284, 5.1962, 8.0, 8.0],
         [1.0, 2.8284, 5.1962, 8.0, 8.0],
         [14.6969, 18.5203, 22.6274, 27.0, 27.0],
         [36.4829, 41.5692, 46.8722, 52.3832, 52.3832]]
    ),
    ("rotation", "nearest", "nearest"): (
        [[1.0, 2.8284, 5.1962, 27.0, 27.0],
         [1.0, 14.6969, 18.5203, 46.8722, 52.3832],
         [11.1803, 14.6969, 41.5692, 46.8722, 76.3675],
         [31.6228, 31.6228, 64.0, 70.0928, 76.3675]]
    ),
    ("translation", "constant", "bilinear"): (
        [[7.0, 7.0, 7.0, 7.0, 7.0],
         [2.5657, 4.1363, 6.1177, 7.6, 7.0],
         [12.8136, 16.3217, 20.1559, 19.15, 7.0],
         [33.3341, 38.2254, 43.3441, 37.2299, 7.0]]
    ),
    ("rotation", "constant", "bilinear"): (
        [[6.388, 4.2056, 9.8507, 23.3195, 22.8732],
         [1.1823, 9.3317, 21.9619, 39.7233, 60.1254],
         [8.3994, 21.1914, 37.9088, 58.5893, 72.7364],
         [14.5931, 36.4953, 56.8038, 50.7729, 14.5097]]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KERAS, ids=" ".join)
def test_pictures_move_as_in_keras(case):
    kind, fill_mode, interpolation = case
    options = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 7.0}
    layer = RandomRotation((0.1, 0.1), **options)
    if kind == "translation":
        layer = RandomTranslation((0.3, 0.3), (-0.25, -0.25), **options)
    assert np.allclose(trained_on(layer, PICTURE)[0, :, :, 0], KERAS[case], atol=1e-3)


def test_what_goes_out_on_one_side_comes_in_on_the_other():
    layer = RandomTranslation((0.25, 0.25), (0.4, 0.4), fill_mode="wrap")
    assert np.allclose(trained_on(layer, PICTURE), np.roll(PICTURE, (1, 2), axis=(1, 2)))
    far = RandomTranslation((1.0, 1.0), (-1.0, -1.0), fill_mode="wrap")
    assert np.allclose(trained_on(far, PICTURE), PICTURE)


def test_each_picture_moves_by_chance_within_the_factors():
    x = np.tile(np.arange(10.0).reshape(10, 1, 1), (300, 1, 1, 1))  # (B,Y,1,1): the row itself
    got = trained_on(RandomTranslation((-0.1, 0.3), 0.0, seed=5), x)
    down = 5 - got[:, 5, 0, 0]  # row 5 is read so many rows above
    assert down.min() >= -1 - 1e-9 and down.max() <= 3 + 1e-9
    assert down.min() < -0.8 and down.max() > 2.8 and abs(down.mean() - 1) < 0.2
    assert np.array_equal(got, trained_on(RandomTranslation((-0.1, 0.3), 0.0, seed=5), x))
    assert not np.array_equal(got, trained_on(RandomTranslation((-0.1, 0.3), 0.0, seed=6), x))


@pytest.mark.parametrize("layer", [RandomTranslation(0.5, 0.5), RandomRotation(0.5)])
def test_they_do_nothing_when_predicting_and_go_into_files(layer, tmp_path):
    x = RNG.normal(size=(6, 4, 5, 2)).astype(np.float32)
    model = Sequential([Input((4, 5, 2)), layer, Flatten(), Dense(2)])
    plain = Sequential([Input((4, 5, 2)), Flatten(), Dense(2)])
    plain.set_weights(model.get_weights())
    assert np.array_equal(model.predict(x), plain.predict(x))
    model.compile("adam", "mse")
    model.fit(x, x[:, 0, 0], epochs=3, verbose=0)
    model.save(tmp_path / "m.respnet")
    again = load_model(tmp_path / "m.respnet")
    assert isinstance(again.layers[0], type(layer))  # respnet.compat may have a class of its own
    assert again.layers[0].get_config() == layer.get_config()
    assert np.array_equal(again.predict(x), model.predict(x))


# --- ImageDataGenerator ---------------------------------------------------------------------


class Middle:
    """Draws that are the middle of what they are drawn from, flips that happen."""

    def uniform(self, low, high, size=None):
        return np.full(size or (), (low + high) / 2)

    def integers(self, low, high):
        return high - 1

    def random(self):
        return 0.0


def moved(image, **options):
    return ImageDataGenerator(**options).random_transform(image, Middle())


def test_the_generator_zooms_and_fills_in_four_ways():
    line = np.arange(1.0, 6).reshape(1, 5, 1)
    fills = {"nearest": [1, 1, 1, 2, 3], "reflect": [2, 1, 1, 2, 3], "wrap": [4, 5, 1, 2, 3]}
    for mode, want in fills.items():
        assert moved(line, width_shift_range=2, fill_mode=mode).ravel().tolist() == want
    constant = moved(line, width_shift_range=2, fill_mode="constant", cval=9)
    assert constant.ravel().tolist() == [9, 9, 1, 2, 3]
    assert moved(line, zoom_range=(1.9, 2.1)).ravel().tolist() == [1, 1, 3, 5, 5]
    assert moved(line, zoom_range=(0.4, 0.4)).ravel().tolist() == [2, 3, 3, 3, 4]
    assert np.array_equal(moved(line, zoom_range=0.5), line)
    for bad in (1.5, (0, 1), (2, 1)):
        with pytest.raises(ValueError, match="zoom_range must be below 1"):
            ImageDataGenerator(zoom_range=bad)
    with pytest.raises(ValueError, match="fill_mode must be one of constant, nearest, reflect"):
        ImageDataGenerator(fill_mode="mirror")


def test_fit_takes_what_the_generator_shifts_and_flips():
    x = RNG.normal(size=(30, 4, 5, 1)).astype(np.float32)
    y = (x.mean((1, 2)) > 0) * 1.0
    model = Sequential([Input((4, 5, 1)), Flatten(), Dense(1, "sigmoid")])
    model.compile(SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    made = ImageDataGenerator(width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True)
    history = model.fit(made.flow(x, y, batch_size=8), epochs=40, verbose=0).history
    assert len(history["loss"]) == 40 and np.mean(history["loss"][-5:]) < history["loss"][0]
