"""scikit-learn estimators over dense networks (extra ``sklearn``).

    RespnetClassifier((32,), dropout=0.1, class_weight="balanced").fit(X, y).predict(X)

Inputs, and the targets of the regressor, are standardised inside; numbers are float64. Row
weights of 0 leave rows out, and weights are relative: twice all weights is the same training.
"""

import numpy as np

from .extras import need

need("sklearn", "sklearn")

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: E402
from sklearn.utils import check_random_state, compute_class_weight  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402
from sklearn.utils.validation import (  # noqa: E402
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from .arguments import bind, signed  # noqa: E402
from .callbacks import EarlyStopping  # noqa: E402
from .layers import Dense, Dropout, Input  # noqa: E402
from .models import Sequential  # noqa: E402
from .optimizers import get as optimizer_of  # noqa: E402
from .utils import seeded  # noqa: E402

ARGUMENTS = {
    "hidden_units": (32,),
    "activation": "tanh",
    "optimizer": "rprop",
    "learning_rate": None,
    "epochs": 200,
    "batch_size": None,
    "dropout": 0.0,
    "patience": None,
    "random_state": None,
    "verbose": 0,
}
CLASSIFIER_ARGUMENTS = {**ARGUMENTS, "class_weight": None}


class _Standard:
    """x -> (x - mean) / deviation, of the weighted rows; constants stay."""

    def __init__(self, x: np.ndarray, weights: np.ndarray):
        self.mean = np.average(x, axis=0, weights=weights)
        deviation = np.sqrt(np.average((x - self.mean) ** 2, axis=0, weights=weights))
        self.scale = np.where(deviation > 1e-12, deviation, 1.0)

    def apply(self, x):
        return (x - self.mean) / self.scale

    def invert(self, x):
        return x * self.scale + self.mean


class _Estimator(BaseEstimator):
    """What both have in common. A subclass names its loss and last activation."""

    @signed(ARGUMENTS, "self")
    def __init__(self, *values, **options):
        vars(self).update(bind(type(self).__name__, ARGUMENTS, values, options))

    def fit(self, X, y, sample_weight=None, validation_data=None):
        """Train anew. validation_data: (X, y), which ``patience`` (epochs) looks at."""
        X, y, weights = self._rows(X, y, sample_weight, reset=True)
        self._fresh = True
        self._begin(X, y, weights)
        return self._train(X, y, weights, validation_data, self.epochs)

    def _more(self, X, y, sample_weight):
        """One epoch on these rows; the first call begins."""
        first = not hasattr(self, "model_")
        X, y, weights = self._rows(X, y, sample_weight, reset=first)
        if first:
            self._fresh = False
            self._begin(X, y, weights)
        return self._train(X, y, weights, None, 1)

    def _weighted(self, X, y, sample_weight):
        """Rows with weights; those of weight 0 are left out."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        keep = weights > 0
        if not keep.any():
            raise ValueError("sample_weight leaves no rows: all weights are 0")
        return X[keep], y[keep], weights[keep]

    def _begin(self, X, y, weights) -> None:
        """Statistics and a fresh model."""
        self._inputs = _Standard(X, weights)
        outputs, activation, loss = self._shape(y, weights)
        hidden = [Dense(units, self.activation) for units in self.hidden_units]
        drop = [Dropout(self.dropout)] if self.dropout else []
        body = [layer for dense in hidden for layer in (dense, *drop)]
        optimizer = optimizer_of(self.optimizer)
        if self.learning_rate is not None:
            optimizer.learning_rate = self.learning_rate
        seed = int(check_random_state(self.random_state).randint(2**31))
        with seeded(seed):
            stack = [Input((X.shape[1],)), *body, Dense(outputs, activation)]
            self.model_ = Sequential(stack, dtype="float64")
        self.model_.compile(optimizer, loss)

    def _train(self, X, y, weights, validation, epochs: int):
        calls, weights = [], self._row_weights(y, weights)
        if validation is not None:
            rows = self._rows(*validation, None, reset=False)
            validation = (self._inputs.apply(rows[0]), self._targets(rows[1]))
            if self.patience is not None:
                calls = [EarlyStopping(patience=self.patience, restore_best_weights=True)]
        self.history_ = self.model_.fit(
            self._inputs.apply(X),
            self._targets(y),
            batch_size=self.batch_size,
            epochs=epochs,
            sample_weight=weights / weights.mean(),
            validation_data=validation,
            callbacks=calls,
            verbose=self.verbose,
        ).history
        return self

    def _row_weights(self, y, weights):
        return weights

    def _outputs(self, X) -> np.ndarray:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.model_.predict(self._inputs.apply(X)).astype(np.float64)


class RespnetClassifier(ClassifierMixin, _Estimator):
    """A dense classifier, softmax at its end. class_weight: None, "balanced" or {class: weight}."""

    @signed(CLASSIFIER_ARGUMENTS, "self")
    def __init__(self, *values, **options):
        name = type(self).__name__
        vars(self).update(bind(name, CLASSIFIER_ARGUMENTS, values, options))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch more; the first call wants all ``classes``."""
        if not hasattr(self, "model_"):
            if classes is None:
                raise ValueError("the first call of partial_fit wants classes=")
            self.classes_ = np.unique(classes)
        return self._more(X, y, sample_weight)

    def _rows(self, X, y, sample_weight, reset: bool):
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(y)
        return self._weighted(X, y, sample_weight)

    def _shape(self, y, weights):
        return len(self.classes_), "softmax", "sparse_categorical_crossentropy"

    def _begin(self, X, y, weights):
        known = getattr(self, "classes_", np.array([]))
        if not np.isin(y, known).all() or self._fresh:
            self.classes_ = np.unique(y)
        super()._begin(X, y, weights)

    def _targets(self, y) -> np.ndarray:
        """Class numbers."""
        numbers = np.searchsorted(self.classes_, y)
        found = self.classes_[np.minimum(numbers, len(self.classes_) - 1)]
        if (found != y).any():
            raise ValueError(f"y has classes that are not among {self.classes_}")
        return numbers

    def _row_weights(self, y, weights):
        if self.class_weight is None:
            return weights
        each = compute_class_weight(
            self.class_weight, classes=self.classes_, y=y, sample_weight=weights
        )
        return weights * each[self._targets(y)]

    def predict_proba(self, X) -> np.ndarray:
        """(N, classes), in the order of ``classes_``."""
        outputs = self._outputs(X)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X) -> np.ndarray:
        numbers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[numbers]


class RespnetRegressor(RegressorMixin, _Estimator):
    """A dense regressor for one target or several."""

    def partial_fit(self, X, y, sample_weight=None):
        """One epoch more."""
        return self._more(X, y, sample_weight)

    def _rows(self, X, y, sample_weight, reset: bool):
        X, y = validate_data(
            self, X, y, reset=reset, multi_output=True, y_numeric=True, dtype=np.float64
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return self._weighted(X, y, sample_weight)

    def _shape(self, y, weights):
        self._flat = y.ndim == 1
        rows = y.reshape(len(y), -1).astype(np.float64)
        self._outputs_scale = _Standard(rows, weights)
        return rows.shape[1], "linear", "mse"

    def _targets(self, y):
        return self._outputs_scale.apply(np.reshape(y, (len(y), -1)))

    def predict(self, X) -> np.ndarray:
        """(N,) or (N, targets), as y was."""
        outputs = self._outputs(X)
        outputs = self._outputs_scale.invert(outputs)
        return outputs[:, 0] if self._flat else outputs


__all__ = ["RespnetClassifier", "RespnetRegressor"]
