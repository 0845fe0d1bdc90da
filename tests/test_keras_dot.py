"""Dot and einsum: products along named axes."""

import numpy as np
import pytest

from respnet import ops
from respnet.engine.errors import ShapeError
from respnet.layers import Dense, Dot, Input, dot
from respnet.models import Model, load_model

RNG = np.random.RandomState(0)
A, B = RNG.normal(size=(2, 2, 3)).round(2), RNG.normal(size=(2, 4, 3)).round(2)
# Keras 3.15.1: (axes, normalize, inputs) -> result
KERAS = [
    (2, False, A, B, [[[1.8168, 0.971, -2.2934, 0.7628], [1.4956, 3.7313, 1.6039, 3.7894]],
                      [[2.369, -0.557, 0.1745, -1.8445], [0.8002, 2.2678, -1.1758, -0.6288]]]),
    (-1, True, A, B, [
        [[0.998052, 0.306908, -0.412704, 0.284052], [0.548185, 0.786891, 0.192576, 0.941506]],
        [[0.909398, -0.270409, 0.184281, -0.945705], [0.196271, 0.703462, -0.793391, -0.205996]],
    ]),
    (1, False, A, B[:, :2], [
        [[2.0768, 3.5488, 0.304], [0.9211, 2.8343, -0.2167], [0.4214, -1.3426, 0.637]],
        [[2.0786, -0.7502, 0.6502], [-0.3671, 0.4317, 0.1983], [-0.5025, 2.3635, 2.1265]],
    ]),
    (1, True, A[:, 0], B[:, 0], [[0.998052], [0.909398]]),
    ((-1, 1), False, A, B[:, 0], [[1.8168, 1.4956], [2.369, 0.8002]]),
]  # fmt: skip


def of_two(layer, x, y):
    inputs = Input(x.shape[1:]), Input(y.shape[1:])
    return Model(list(inputs), layer(list(inputs)), dtype="float64")


@pytest.mark.parametrize(("axes", "normalize", "x", "y", "want"), KERAS)
def test_dot_is_that_of_keras(axes, normalize, x, y, want, tmp_path):
    model = of_two(Dot(axes, normalize), x, y)
    got = model.predict([x, y])
    assert np.allclose(got, want, atol=2e-6) and model.output_shape == (None, *got.shape[1:])
    model.save(tmp_path / "m.respnet")
    assert np.array_equal(load_model(tmp_path / "m.respnet").predict([x, y]), got)


def test_gradients_go_through_a_dot():
    x = Input((3,))
    sides = [Dense(4, name="a")(x), Dense(4, name="b")(x)]
    model = Model(x, dot(sides, axes=1, normalize=True), dtype="float64")
    model.compile("sgd", "mse")
    rows, y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
    _, gradients = model.loss_and_gradients(rows, y)
    start, step, slopes = model.get_weights(), 1e-5, []
    for sign in (1, -1):
        moved = [w.copy() for w in start]
        moved[0][1, 2] += sign * step
        model.set_weights(moved)
        slopes.append(model.evaluate(rows, y))
    assert gradients[0][1, 2] == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("axes", [0, (1, 0), (1, 2, 3), "1"])
def test_the_batch_is_no_axis_of_a_dot(axes):
    with pytest.raises(ValueError, match="axes must be a whole number or two of them, not 0"):
        Dot(axes)


@pytest.mark.parametrize("text", ["ij", "ii,jk->ik", "ij,jk->il", "ij,...k->ik", "ij,jk->ii"])
def test_sums_that_make_no_sense_are_refused(text):
    with pytest.raises(ShapeError, match="einsum wants letters for each of 2 arrays"):
        ops.einsum(text, np.ones((2, 2)), np.ones((2, 2)))


def test_a_sum_names_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"einsum got float64 \(2, 3\), float64 \(2, 3\)"):
        ops.einsum("ij,jk->ik", np.ones((2, 3)), np.ones((2, 3)))
    with ops.GradientTape() as tape:
        x = tape.watch(np.ones((2, 3)))
        y = ops.einsum("ij->", x)
    assert y.numpy() == 6 and tape.gradient(y, x).tolist() == [[1.0] * 3] * 2
