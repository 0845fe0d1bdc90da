"""The networks and the error figures of the original Neural Redis.

Sigmoid everywhere, squared error, all weights within 0.05. Train them with
``TrainOptions(exact_original=True)``: RPROP+, its NORMALIZE and its AUTOSTOP rule.
"""

import numpy as np

from respnet.engine.metrics import class_error, half_squared_error
from respnet.engine.spec import ModelSpec


def original_spec(
    units: tuple[int, ...], *, role: str, scaling: bool = False, seed: int = 0
) -> ModelSpec:
    """The original's network with ``units`` = (I, hidden..., O); scaling is its NORMALIZE."""
    start = {"kernel_initializer": "uniform_0.05", "bias_initializer": "uniform_0.05"}
    layers = [("dense", {"units": width, "activation": "sigmoid", **start}) for width in units[1:]]
    return ModelSpec.chain((units[0],), layers, role=role, loss="mse", scaling=scaling, seed=seed)


def reported_errors(model, rows) -> tuple[float, float | None]:
    """What NR.INFO reports of ``rows`` (inputs, targets): (error, part of rows in a wrong class).

    The error is half the squared distance to the targets, mean over rows, in the units the
    network trains in; classes count as one-hot rows. Regressors have no wrong class: None.
    """
    inputs, targets = rows
    outputs = model.predict(np.ascontiguousarray(inputs, model.dtype))
    if model.spec.role == "classifier":
        one_hot = np.eye(outputs.shape[1])[np.asarray(targets).reshape(-1).astype(np.int64)]
        return half_squared_error(outputs, one_hot), class_error(outputs, targets)
    scale = model.view(f"{model.spec.outputs[0]}/scale") if model.spec.scaling else 1.0
    return half_squared_error(outputs / scale, targets / scale), None
