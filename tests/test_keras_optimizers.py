"""Optimizers, schedules, losses, metrics and initializers by the names and defaults of Keras."""

import math

import numpy as np
import pytest

from respnet import initializers, losses, metrics, optimizers, regularizers, schedules
from respnet.layers import Dense
from respnet.models import Sequential

GRADIENTS = [0.3, -0.2, 0.25, 0.05, -0.4]
ORACLE = [  # w = 1, learning rate 0.1: w after each of the gradients, as Keras 3 computes it
    (optimizers.SGD(0.1), [0.97, 0.99, 0.965, 0.96, 1.0]),
    (optimizers.SGD(0.1, momentum=0.9), [0.97, 0.963, 0.9317, 0.89853, 0.908677]),
    (optimizers.SGD(0.1, 0.9, nesterov=True), [0.943, 0.9567, 0.90353, 0.868677, 0.917809]),
    (optimizers.RMSprop(0.1), [0.683774, 0.865591, 0.674635, 0.634701, 0.865224]),
    (
        optimizers.RMSprop(0.1, momentum=0.9, centered=True),
        [0.666669, 0.548857, 0.246168, -0.067667, -0.1192],
    ),
    (optimizers.Adam(0.1), [0.900002, 0.88555, 0.839952, 0.796255, 0.805552]),
    (optimizers.AdamW(0.1), [0.899602, 0.88479, 0.838838, 0.794805, 0.803785]),
    (optimizers.Adagrad(0.1), [0.976747]),
    (optimizers.Nadam(0.1), [0.936725]),
    (optimizers.Adamax(0.1), [0.823078]),
]


def weight_after(optimizer, gradients, start=1.0, **layer):
    """w of a model whose loss is the mean of g * w, so that its gradient is g."""
    model = Sequential([Dense(1, use_bias=False, input_dim=1, **layer)], dtype="float64")
    model.set_weights([np.full((1, 1), start)])
    model.compile(optimizer, "mae")
    seen = []
    for g in gradients:
        # the prediction w g is far below 1e9: the mean absolute error has the slope -(-g)
        model.train_on_batch([[g]], [[-1e9]])
        seen.append(float(model.get_weights()[0][0, 0]))
    return seen


@pytest.mark.parametrize("optimizer,want", ORACLE, ids=lambda value: type(value).__name__)
def test_the_oracle_of_keras(optimizer, want):
    assert weight_after(optimizer, GRADIENTS)[-len(want) :] == pytest.approx(want, abs=2e-6)


def test_defaults_are_those_of_keras():
    assert optimizers.SGD().get_config()["learning_rate"] == 0.01
    assert optimizers.Adam().get_config()["epsilon"] == 1e-7
    assert optimizers.AdamW().weight_decay == 0.004
    assert optimizers.get("RMSProp").rho == 0.9
    with pytest.raises(ValueError, match="did you mean"):
        optimizers.get("adem")
    with pytest.raises(TypeError, match="did you mean learning_rate"):
        optimizers.Adam(learning_rat=1)


def test_clipping_bounds_what_a_step_sees():
    assert weight_after(optimizers.SGD(1.0, clipvalue=0.5), [3.0]) == pytest.approx([0.5])
    assert weight_after(optimizers.SGD(1.0, clipnorm=0.25), [-3.0]) == pytest.approx([1.25])
    assert weight_after(optimizers.SGD(1.0, global_clipnorm=9.0), [3.0]) == pytest.approx([-2.0])
    with pytest.raises(ValueError, match="only one of"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)


def test_regularizers_join_gradient_and_loss():
    ridge = weight_after(optimizers.SGD(1.0), [0.0], kernel_regularizer=regularizers.L2(0.1))
    assert ridge == pytest.approx([1 - 2 * 0.1])
    assert weight_after(optimizers.SGD(1.0), [0.0], kernel_regularizer="l1") == pytest.approx(
        [0.99]
    )
    model = Sequential([Dense(1, input_dim=1, kernel_regularizer=regularizers.L1L2(0.1, 0.2))])
    model.set_weights([np.full((1, 1), -2.0), np.zeros(1)])
    model.compile("sgd", "mse")
    want = 4.0 + 0.1 * 2 + 0.2 * 4
    assert model.evaluate([[1.0]], [[0.0]]) == pytest.approx(want)
    assert model.train_on_batch([[1.0]], [[0.0]]) == pytest.approx(want)


@pytest.mark.parametrize(
    "schedule,values",
    [
        (schedules.InverseTimeDecay(1.0, 10, 0.5), {0: 1, 10: 1 / 1.5, 15: 1 / 1.75}),
        (schedules.InverseTimeDecay(1.0, 10, 0.5, True), {9: 1, 15: 1 / 1.5}),
        (schedules.ExponentialDecay(1.0, 10, 0.5), {0: 1, 5: 0.5**0.5, 20: 0.25}),
        (schedules.PiecewiseConstantDecay([2, 4], [3, 2, 1]), {2: 3, 3: 2, 4: 2, 5: 1}),
        (schedules.PolynomialDecay(1.0, 10, 0.2), {0: 1, 5: 0.6, 10: 0.2, 99: 0.2}),
        (schedules.CosineDecay(1.0, 10, 0.1), {0: 1, 5: 0.55, 10: 0.1, 99: 0.1}),
        (schedules.CosineDecay(0.0, 10, 0.0, 1.0, 4), {0: 0, 2: 0.5, 4: 1, 9: 0.5, 14: 0}),
    ],
)
def test_schedules(schedule, values):
    assert {step: schedule(step) for step in values} == pytest.approx(values)


def test_losses_on_arrays():
    y, p = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.2, 0.8], [0.6, 0.4]])
    logs = [math.log(0.8), math.log(0.6)]
    assert losses.get("categorical_crossentropy")(y, p) == pytest.approx(-sum(logs) / 2)
    sparse = losses.SparseCategoricalCrossentropy()
    assert sparse(y.argmax(1), p) == pytest.approx(-sum(logs) / 2)
    logits = np.log(p)
    assert losses.CategoricalCrossentropy(True)(y, logits) == pytest.approx(-sum(logs) / 2)
    assert losses.BinaryCrossentropy()(y, p) == pytest.approx(-sum(logs) / 2)
    assert losses.mse(y, p).tolist() == pytest.approx([0.04, 0.16])
    assert losses.Huber()([[0.0]], [[3.0]]) == 2.5


def test_metrics_add_up_batches():
    recall, precision = metrics.Recall(), metrics.Precision()
    for metric in (recall, precision):
        metric.update_state(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.1]))
        metric.update_state(np.array([1]), np.array([0.7]))
    assert recall.result() == pytest.approx(2 / 3) and precision.result() == pytest.approx(2 / 3)
    assert metrics.F1Score()(np.array([1, 0]), np.array([0.9, 0.8])) == pytest.approx(2 / 3)
    root = metrics.RootMeanSquaredError()
    root.update_state(np.zeros((1, 1)), np.full((1, 1), 3.0))
    assert root(np.zeros((1, 1)), np.full((1, 1), 4.0)) == pytest.approx(math.sqrt(12.5))
    own = metrics.get(lambda y_true, y_pred: np.abs(y_true - y_pred).max())
    assert own(np.zeros((2, 1)), np.ones((2, 1))) == 1 and own.name == "<lambda>"


def test_area_under_the_curve_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    scores = np.clip(0.3 * y + 0.7 * rng.random(500), 0, 1)
    metric = metrics.AUC(num_thresholds=2000)
    metric.update_state(y[:200], scores[:200])
    assert metric(y[200:], scores[200:]) == pytest.approx(
        sklearn.roc_auc_score(y, scores), abs=2e-3
    )


@pytest.mark.parametrize(
    "made,mean,deviation",
    [
        ("glorot_uniform", 0, math.sqrt(2 / 300)),
        ("glorot_normal", 0, math.sqrt(2 / 300)),
        ("HeNormal", 0, math.sqrt(2 / 100)),
        ("lecun_uniform", 0, math.sqrt(1 / 100)),
        (initializers.RandomUniform(-1, 3), 1, 4 / math.sqrt(12)),
        (initializers.RandomNormal(1.0, 0.5), 1, 0.5),
        (initializers.TruncatedNormal(0.0, 1.0), 0, 0.87962566),
        (initializers.Constant(0.3), 0.3, 0),
        (initializers.Orthogonal(), 0, math.sqrt(1 / 200)),
    ],
    ids=str,
)
def test_initializers_have_the_spread_they_promise(made, mean, deviation):
    model = Sequential([Dense(200, kernel_initializer=made, input_dim=100)])
    kernel, bias = model.get_weights()
    assert kernel.mean() == pytest.approx(mean, abs=0.02)
    assert kernel.std() == pytest.approx(deviation, rel=0.03, abs=1e-6)
    assert not bias.any()


def test_orthogonal_rows_and_identity():
    model = Sequential(
        [
            Dense(30, kernel_initializer="orthogonal", input_dim=20),
            Dense(30, kernel_initializer=initializers.Identity(2.0)),
        ]
    )
    kernel = model.get_weights()[0]
    assert np.allclose(kernel @ kernel.T, np.eye(20), atol=1e-5)
    assert np.array_equal(model.get_weights()[2], 2 * np.eye(30, dtype=np.float32))
    assert initializers.get("glorot_uniform").describe() == "glorot_uniform"
