"""A loss written in Python: a function of targets and outputs, its gradient by a tape."""

import numpy as np

from respnet.engine.errors import GradientError, ShapeError
from respnet.engine.tensors import GradientTape, Tensor


class OwnLoss(dict):
    """{"name": ...} of a user's loss, and the function itself: ``function(target, prediction)``.

    It gives the loss of each row or place, of each number (then their mean counts), or one number
    that is a mean over the rows it was given. reduction: "mean" over the batch, "sum", or "none":
    their mean is reported and their sum trained.
    """

    def __init__(self, name: str, function, reduction: str = "mean"):
        super().__init__(name=name)
        self.name, self.step = name, LossStep(name, function, reduction)

    def __reduce__(self):
        return dict, (dict(self),)


class LossStep:
    """What the step python_loss calls, for the rows of one sub-batch."""

    def __init__(self, name: str, function, reduction: str):
        self.name, self.function, self.reduction = name, function, reduction

    def loss(self, key: int, arrays, count: float, scale: float) -> list:
        """[their part of the value, dprediction times ``scale``]; ``count`` places are the batch"""
        prediction, target, weight = arrays
        places = prediction.shape[:-1]
        weights = np.ones(places) if weight is None else np.reshape(weight, places)
        with GradientTape() as tape:
            p = tape.watch(prediction)
            values = self.function(target, p)
        if not isinstance(values, Tensor) or values.tape is None:
            raise GradientError(
                f"loss {self.name}: its result does not depend on the outputs by the ops of "
                "respnet.ops"
            )
        shares = self._shares(values.shape, prediction.shape, weights, weight)
        reported = shares if self.reduction == "sum" else shares / max(count, 1)
        trained = reported if self.reduction == "mean" else shares
        dprediction = tape.gradient(values, p, (trained * scale).astype(values.dtype))
        return [float((values.value * reported).sum()), dprediction]

    def _shares(self, shape, wanted, weights, weight) -> np.ndarray:
        """What each number of the result counts."""
        if shape == wanted[:-1]:
            return weights
        if shape == wanted:
            return np.broadcast_to(weights[..., None] / wanted[-1], wanted)
        if shape == () and weight is None:
            return np.asarray(float(weights.size))
        what = "one number, which cannot be weighed" if shape == () else f"shape {shape}"
        raise ShapeError(f"loss {self.name} gave {what}; outputs {wanted} want {wanted[:-1]}")
