"""Focal losses, and losses that are sums or come unreduced, trained as Keras trains them.

All numbers: Keras 3.15.1 on TensorFlow, batches of 8 of 20 rows in order.
"""

import numpy as np
import pytest

from respnet import losses, ops
from respnet.layers import Dense, Input, Masking, SimpleRNN
from respnet.models import Sequential, load_model
from respnet.optimizers import SGD

RNG = np.random.RandomState(0)
X = RNG.normal(size=(20, 4)).astype("f")
Y = RNG.normal(size=(20, 2)).astype("f")
SERIES = RNG.normal(size=(20, 5, 3)).astype("f")
LENGTHS = RNG.randint(1, 6, 20)
for row, length in enumerate(LENGTHS):
    SERIES[row, length:] = 0
FOLLOWING = RNG.normal(size=(20, 5, 2)).astype("f")
WEIGHTS = np.linspace(0.5, 2, 20)


def net(loss, *layers, rate=0.01):
    model = Sequential(layers or [Input((4,)), Dense(5, activation="tanh"), Dense(2)])
    shapes = [w.shape for w in model.get_weights()]
    state = np.random.RandomState
    model.set_weights([state(100 + i).uniform(-0.5, 0.5, s) for i, s in enumerate(shapes)])
    model.compile(SGD(rate), loss)
    return model


def trained(model, x, y, epochs=2, **options):
    """(loss of each epoch, loss of the trained model, the last bias)"""
    options |= {"batch_size": 8}
    history = model.fit(x, y, epochs=epochs, shuffle=False, verbose=0, **options).history
    judged = model.evaluate(x, y, **options)
    return history["loss"], judged, model.get_weights()[-1]


def check(found, loss, judged, bias):
    assert found[0] == pytest.approx(loss, rel=2e-6)
    assert found[1] == pytest.approx(judged, rel=2e-6)
    assert found[2] == pytest.approx(bias, abs=2e-6)


@pytest.mark.parametrize(
    ("reduction", "loss", "judged"),
    [
        ("sum", [14.16755199432373, 11.322287559509277], 10.084024429321289),
        ("none", [1.9472392797470093, 1.5408743619918823], 1.3718918561935425),
        (None, [1.9472392797470093, 1.5408743619918823], 1.3718918561935425),
    ],
)
def test_sums_and_unreduced_losses_learn_as_in_keras(reduction, loss, judged):
    found = trained(net(losses.MeanSquaredError(reduction)), X, Y, sample_weight=WEIGHTS)
    check(found, loss, judged, [0.08256198465824127, 0.11290304362773895])


@pytest.mark.parametrize(
    ("reduction", "loss", "judged", "bias"),
    [
        (
            "sum_over_batch_size",
            [1.1514818668365479, 1.14542555809021],
            1.1408977508544922,
            [-0.33719855546951294, -0.2710578441619873],
        ),
        (
            "sum",
            [25.424930572509766, 23.674524307250977],
            22.9006290435791,
            [-0.1906699687242508, -0.2700437307357788],
        ),
        (
            "none",
            [0.7041013836860657, 0.6598252654075623],
            0.639171302318573,
            [-0.1906699687242508, -0.2700437307357788],
        ),
    ],
)
def test_so_they_do_over_what_a_mask_leaves(reduction, loss, judged, bias):
    layers = [Input((5, 3)), Masking(), SimpleRNN(4, return_sequences=True), Dense(2)]
    found = trained(net(losses.MeanSquaredError(reduction), *layers), SERIES, FOLLOWING)
    check(found, loss, judged, bias)


FOCAL = {
    "binary": (
        losses.BinaryFocalCrossentropy,
        {"gamma": 1.5, "apply_class_balancing": True, "alpha": 0.3, "label_smoothing": 0.1},
        ([0.2114979773759842, 0.17669951915740967, 0.16175761818885803], 0.15453174710273743,
         [0.05542876198887825, 0.11487318575382233]),
        ([0.11303699016571045, 0.10968177020549774, 0.10702620446681976], 0.10514867305755615,
         [-0.09130609035491943, -0.16770943999290466]),
    ),
    "categorical": (
        losses.CategoricalFocalCrossentropy,
        {"gamma": 1.5, "alpha": 0.3, "label_smoothing": 0.1},
        ([0.05936209112405777, 0.05156693607568741, 0.04775615409016609], 0.04580911248922348,
         [-0.18986248970031738, -0.20381101965904236]),
        ([0.0931314080953598, 0.08236432075500488, 0.07754793018102646], 0.0751696228981018,
         [-0.204390749335289, -0.18928280472755432]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FOCAL)
def test_focal_losses_learn_as_in_keras(kind):
    made, options, plain, changed = FOCAL[kind]
    y = (Y > 0) * 1.0 if kind == "binary" else np.eye(2)[(Y[:, 0] > 0) * 1]
    ends = "sigmoid" if kind == "binary" else "softmax"
    layers = [Input((4,)), Dense(5, "tanh"), Dense(2)]
    check(trained(net(made(from_logits=True), *layers, rate=0.5), X, y, 3), *plain)
    for loss, want in ((made(), plain), (made(**options), changed)):
        layers = [Input((4,)), Dense(5, "tanh"), Dense(2, ends)]
        check(trained(net(loss, *layers, rate=0.5), X, y, 3), *want)


@pytest.mark.parametrize("reduction", ["sum", "none", "mean"])
def test_a_loss_of_ones_own_is_reduced_like_that_of_the_kernels(reduction):
    class Squares(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean((y_pred - y_true) ** 2, axis=-1)

    own, known = Squares(reduction=reduction), losses.MeanSquaredError(reduction)
    found = trained(net(own), X, Y, sample_weight=WEIGHTS)
    check(found, *trained(net(known), X, Y, sample_weight=WEIGHTS))


def test_what_a_file_holds_of_them_goes_on(tmp_path):
    for loss in (losses.MeanAbsoluteError("sum"), losses.BinaryFocalCrossentropy(gamma=1)):
        model = net(loss, Input((4,)), Dense(2, "sigmoid"))
        model.fit(X, abs(Y).clip(0, 1), verbose=0)
        model.save(tmp_path / "m.respnet")
        again = load_model(tmp_path / "m.respnet")
        rows = X, abs(Y).clip(0, 1)
        assert again.train_on_batch(*rows) == pytest.approx(model.train_on_batch(*rows), rel=1e-6)
        pairs = zip(model.get_weights(), again.get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)
