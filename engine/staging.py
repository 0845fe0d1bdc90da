"""What a training needs, made from a model, rows in the user's units and options.

Rows are scaled by the training rows' own statistics, classes become what the loss wants, and the
trainer gets its constants. Models of role ``model``, and models that do not scale, whose inputs
may be of any size, train with the optimizer's own constants.
"""

from math import prod

import numpy as np

from respnet.engine.dataset import Rows
from respnet.engine.errors import ShapeError
from respnet.engine.losses import loss_named
from respnet.engine.scaling import Scaling


def rprop_constants(role: str, inputs: int, parameters: int, rows: int) -> dict[str, float]:
    """Constants of RPROP for classifiers and regressors on standardised inputs.

    Weight decay, of classifiers: 1 / rows up to two rows per parameter, soon next to none beyond.
    1 / rows is a Gaussian prior of variance 1 on the parameters (MacKay 1992); where there are
    rows enough it would only keep the weights from the size they need. First step: from ten
    inputs on so small that a unit's sum, in which all weights move at once, is not saturated; from
    a hundred on the prior narrows for the same reason.
    """
    scarce = min(1.0, (2.0 * parameters / rows) ** 3) * max(1.0, inputs / 100)
    return {
        "step_start": 0.1 * min(1.0, 10 / inputs),
        "weight_decay": scarce / rows if role == "classifier" else 0.0,
    }


class Staging:
    """trainer: with its weights, scaling constants included; train, test: rows staged for it."""

    def __init__(self, model, train_rows, test_rows, options, resume=None):
        self.model = model
        train_rows, test_rows = _checked(train_rows, test_rows, options)
        self.trainer = _trainer(model, options, len(train_rows.inputs))
        if resume is not None:
            self.trainer.restore(resume)
        self._features = model.spec.inputs[0][1][-1]
        self._inputs, self._targets = self._scalings(train_rows, options)
        self._store()
        self.train = self.trainer.bind(*self._scaled(train_rows))
        self.test = test_rows and self.trainer.stage(*self._scaled(test_rows))

    def _scalings(self, rows: Rows, options):
        """(of inputs, of the targets of regressors); None where the model does not scale."""
        spec = self.model.spec
        if not spec.scaling:
            return None, None
        make = Scaling.largest if options.exact_original else Scaling.standard
        inputs = make(self._by_feature(rows.inputs))
        return inputs, make(rows.targets) if spec.role == "regressor" else None

    def _by_feature(self, inputs) -> np.ndarray:
        """Rows (N,T*I) of sequences as (N*T,I): every step is scaled alike."""
        return np.asarray(inputs).reshape(-1, self._features)

    def _scaled(self, rows: Rows):
        x = rows.inputs
        if self._inputs:
            x = self._inputs.apply(self._by_feature(x)).reshape(len(x), -1)
        if self.model.spec.role == "classifier":
            return x, _classes(self.model, rows.targets)
        return x, self._targets.apply(rows.targets) if self._targets else rows.targets

    def _store(self) -> None:
        """Put the scaling constants into their places in the flat vector."""
        spec, constants = self.model.spec, {}
        if self._inputs:
            constants[spec.inputs[0][0]] = self._inputs.apply_constants()
        if self._targets:
            constants[spec.outputs[0]] = self._targets.invert_constants()
        for name, (scale, offset) in constants.items():
            self.model.layout.view(self.trainer.vector, f"{name}/scale")[...] = scale
            self.model.layout.view(self.trainer.vector, f"{name}/offset")[...] = offset


def _checked(train_rows, test_rows, options):
    train_rows = Rows(*train_rows)
    if not len(train_rows.inputs):
        raise ShapeError("training needs at least one row, got 0")
    if test_rows is not None and not len(test_rows[0]):
        test_rows = None
    if options.autostop and test_rows is None:
        raise ShapeError("autostop needs at least one test row, got 0")
    return train_rows, test_rows and Rows(*test_rows)


def _trainer(model, options, rows):
    common = {"seed": options.seed, "threads": options.threads}
    if options.exact_original:
        return model.trainer("rprop+", dict(options.constants), **common)
    constants = {}
    if options.optimizer == "rprop" and model.spec.scaling and model.spec.role != "model":
        inputs = prod(model.spec.inputs[0][1])
        constants = rprop_constants(model.spec.role, inputs, model.parameter_count, rows)
    constants.update(options.constants)
    if options.weight_decay is not None:
        constants["weight_decay"] = options.weight_decay
    return model.trainer(options.optimizer, constants, batch_size=options.batch_size, **common)


def _classes(model, targets) -> np.ndarray:
    """Class numbers as the model's loss wants them: as they are, or one-hot rows (N,O)."""
    classes = np.asarray(targets).reshape(len(targets), -1)
    if classes.shape[1] != 1:
        return classes
    units = model.layout.shapes[model.spec.outputs[0]][-1]
    wrong = classes[(classes < 0) | (classes >= units) | (classes != np.floor(classes))]
    if len(wrong):
        raise ShapeError(f"classes must be whole numbers from 0 to {units - 1}, got {wrong[0]}")
    if loss_named(model.spec.terms[0].loss).columns == 1:
        return classes
    return np.eye(units, dtype=np.float32)[classes[:, 0].astype(np.int64)]
