"""The scikit-learn estimators: its own checks, weights, classes, partial fits."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import respnet
from respnet import RespnetClassifier, RespnetRegressor


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [RespnetClassifier, RespnetRegressor])
def test_scikit_learn_accepts_it(kind):
    results = check_estimator(kind(epochs=100), on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {} and len(results) > 40


def test_iris_in_cross_validation():
    x, y = load_iris(return_X_y=True)
    scores = cross_val_score(RespnetClassifier((8,), random_state=0), x, y, cv=5)
    assert scores.mean() > 0.92


def test_class_weights_move_the_border():
    x, y = make_moons(300, noise=0.4, random_state=0)
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:20]]
    x, y = x[rows], y[rows]
    plain = RespnetClassifier(epochs=60, random_state=1).fit(x, y)
    fair = RespnetClassifier(epochs=60, random_state=1, class_weight="balanced").fit(x, y)
    assert fair.predict(x).sum() > plain.predict(x).sum()


def test_weights_are_repetitions():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
    weights = rng.integers(0, 3, 40)
    weighted = RespnetClassifier(epochs=10, random_state=3).fit(x, y, sample_weight=weights)
    repeated = RespnetClassifier(epochs=10, random_state=3)
    repeated.fit(np.repeat(x, weights, 0), np.repeat(y, weights))
    assert np.allclose(weighted.predict_proba(x), repeated.predict_proba(x), atol=1e-6)


def test_partial_fits_add_up_and_keep_the_classes():
    x, y = load_iris(return_X_y=True)
    model = RespnetClassifier(optimizer="adam", learning_rate=0.05, random_state=0)
    with pytest.raises(ValueError, match="wants classes"):
        model.partial_fit(x[:50], y[:50])
    model.partial_fit(x[::10], y[::10], classes=[0, 1, 2])
    for _ in range(40):
        model.partial_fit(x, y)
    assert model.score(x, y) > 0.9 and model.model_.optimizer.iterations > 40


def test_patience_stops_by_the_rows_given():
    x, y = make_moons(120, noise=0.3, random_state=0)
    model = RespnetClassifier((16,), patience=5, epochs=500, random_state=0)
    model.fit(x[:80], y[:80], validation_data=(x[80:], y[80:]))
    assert len(model.history_["val_loss"]) < 500


def test_several_targets_and_copies():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    y = np.c_[x.sum(1), x[:, 0] - x[:, 1]]
    model = RespnetRegressor(epochs=80, dropout=0.0, random_state=0).fit(x, y)
    assert model.predict(x).shape == (80, 2) and model.score(x, y) > 0.95
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(x), model.predict(x))
    assert np.array_equal(clone(model).fit(x, y).predict(x), model.predict(x))


def test_the_names_load_lazily():
    assert respnet.RespnetClassifier is RespnetClassifier
    assert "class_weight" in RespnetClassifier().get_params()
    with pytest.raises(TypeError, match="did you mean epochs"):
        RespnetClassifier(epoch=3)
