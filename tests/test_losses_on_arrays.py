"""Losses called on arrays, and trained on them: values, reductions and options of Keras."""

import numpy as np
import pytest

from respnet import losses
from respnet.layers import Dense
from respnet.models import Sequential

RNG = np.random.default_rng

Y = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
P = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]])
W = np.array([1.0, 3.0])
# Keras 3.15.1 in float64: the mean, and the sum with weights W
KERAS = {
    "MeanSquaredError": (0.04916666666666668, 0.2016666666666667),
    "MeanAbsoluteError": (0.2, 0.8),
    "MeanAbsolutePercentageError": (50000041.11111112, 100000226.66666669),
    "MeanSquaredLogarithmicError": (0.02555166437833701, 0.10748496802676773),
    "Huber": (0.02458333333333334, 0.10083333333333334),
    "LogCosh": (0.024286762036565934, 0.0995868889703081),
    "Poisson": (0.6007232276815949, 2.699889498701836),
    "CosineSimilarity": (-0.8736493793273534, -3.3367375871327596),
    "KLDivergence": (0.2873420112326154, 1.0107078443518867),
    "Hinge": (0.8333333333333333, 3.466666666666667),
    "SquaredHinge": (0.7535416666666668, 3.127916666666667),
    "CategoricalHinge": (0.8, 3.8000000000000003),
    "BinaryCrossentropy": (0.4720966945514606, 2.3757941600349177),
    "BinaryFocalCrossentropy": (0.08722941049140534, 0.495323068172677),
    "CategoricalFocalCrossentropy": (0.08632382081080424, 0.5018925523875825),
    "CategoricalCrossentropy": (0.802169934473317, 4.099669718962437),
}


@pytest.mark.parametrize("name", KERAS)
def test_losses_on_arrays_are_those_of_keras(name):
    made, (mean, total) = losses.CLASSES[name], KERAS[name]
    assert made()(Y, P) == pytest.approx(mean, rel=1e-7)
    assert made(reduction="sum")(Y, P, W) == pytest.approx(total, rel=1e-7)
    each = made(reduction="none")(Y, P, W)
    assert each.shape == (2,) and each.sum() == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("name", KERAS)
def test_trained_losses_are_those_of_arrays(name):
    """The kernels' value, in float32, on an output that ends in no activation of the loss."""
    model = Sequential([Dense(3, use_bias=False, input_dim=3)])
    model.set_weights([np.eye(3)])
    loss = losses.CLASSES[name]()
    model.compile("sgd", loss)
    y = np.where(Y > 0.4, 1.0, 0.0) if "Percentage" in name else Y
    p = P + y * 0.1 if "Percentage" in name else P
    assert model.evaluate(p, y, sample_weight=W) == pytest.approx(loss(y, p, W), rel=1e-4)


def test_reductions_and_options_of_keras():
    reductions = {"sum": 0.2016666666666667, "mean": 0.10083333333333334}
    reductions |= {"mean_with_sample_weight": 0.05041666666666667}
    for reduction, want in reductions.items():
        assert losses.MeanSquaredError(reduction)(Y, P, W) == pytest.approx(want)
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=1)
    assert ignoring(np.array([1, 2]), P, W) == pytest.approx(4.1588830833596715)
    assert ignoring(np.array([0, 2]), P, W) == pytest.approx(3.2307340881768587)
    smooth = {"from_logits": True, "label_smoothing": 0.1}
    assert losses.CategoricalCrossentropy(**smooth)(Y, P) == pytest.approx(0.9701764066744387)
    assert losses.BinaryCrossentropy(**smooth)(Y, P) == pytest.approx(0.7119462337130691)
    assert losses.get("kld")(Y, P) == losses.get(losses.kl_divergence)(Y, P)
    with pytest.raises(ValueError, match="reduction must be one of sum_over_batch_size, mean"):
        losses.MeanSquaredError(reduction="average")
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), losses have \(2,\)"):
        losses.MeanSquaredError()(Y, P, np.ones(3))


def test_targets_of_hinges_may_be_0_and_1():
    x = RNG(0).normal(size=(20, 3))
    y = (x[:, :1] > 0).astype(float)
    model = Sequential([Dense(1, input_dim=3)])
    model.compile("sgd", "hinge")
    assert model.evaluate(x, y) == model.evaluate(x, 2 * y - 1)
