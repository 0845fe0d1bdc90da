"""A loss written in Python: a function of targets and outputs, its gradient by a tape."""

import numpy as np

from respnet.engine.errors import GradientError, ShapeError
from respnet.engine.tensors import GradientTape, Tensor


class OwnLoss(dict):
    """{"name": ...} of a user's loss, and the function itself: ``function(target, prediction)``.

    It gives the loss of each row or place, of each number (then their mean counts), or one number
    that is a mean over the rows it was given.
    """

    def __init__(self, name: str, function):
        super().__init__(name=name)
        self.name, self.step = name, LossStep(name, function)

    def __reduce__(self):
        return dict, (dict(self),)


class LossStep:
    """What the step python_loss calls, for the rows of one sub-batch."""

    def __init__(self, name: str, function):
        self.name, self.function = name, function

    def loss(self, key: int, arrays, count: float, scale: float) -> list:
        """[their part of the mean over ``count`` places, dprediction times ``scale``]"""
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
        shares = self._shares(values.shape, prediction.shape, weights, weight) / max(count, 1)
        dprediction = tape.gradient(values, p, (shares * scale).astype(values.dtype))
        return [float((values.value * shares).sum()), dprediction]

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
