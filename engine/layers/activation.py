"""Activations as layers of their own, those with constants or parameters among them."""

from math import inf

from respnet.engine import activations
from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer, Parameter


class Activation(Layer):
    """x (B,N) -> activation(x) (B,N)"""

    kind = "activation"
    keeps_time = True
    ends_in_activation = True
    defaults = {"activation": "linear"}

    def check(self):
        activations.check(self.config["activation"])

    def forward(self, b, p, x):
        y = activations.forward(b, self.config["activation"], x)
        return y, (x, y)

    def backward(self, b, p, saved, dy, wanted):
        x, y = saved
        return [activations.backward(b, self.config["activation"], x, y, dy) if wanted[0] else None]


class Softmax(Layer):
    """x (B,...) -> exp(x) / sum of exp(x) along ``axis``, counted as in Keras: 0 is the batch"""

    kind = "softmax"
    keeps_time = True
    defaults = {"axis": -1}

    def check(self):
        axis = self.config["axis"]
        if not isinstance(axis, int) or axis == 0:
            raise SpecError(f"softmax axis must be a whole number, not 0, got {axis!r}")

    def output_shape(self, shape):
        self._order(shape)
        return shape

    def _order(self, shape) -> list[int] | None:
        """The axes of a row with that of the softmax as last; None where it is last already.

        Two axes change places, so the same order leads back.
        """
        axis, rank = self.config["axis"], len(shape)
        place = axis - 1 if axis > 0 else rank + axis
        if not 0 <= place < rank:
            raise SpecError(f"softmax has no axis {axis} in rows of shape {shape}")
        order = list(range(rank))
        order[place], order[-1] = order[-1], order[place]
        return None if place == rank - 1 else order

    def forward(self, b, p, x):
        order = self._order(x.shape)
        z = x if order is None else moves.transposed(b, x, order)
        y = activations.forward(b, "softmax", z)
        return (y if order is None else moves.transposed(b, y, order)), (order, y)

    def backward(self, b, p, saved, dy, wanted):
        order, y = saved
        if not wanted[0]:
            return [None]
        dy = dy if order is None else moves.transposed(b, dy, order)
        dx = activations.backward(b, "softmax", None, y, dy)
        return [dx if order is None else moves.transposed(b, dx, order)]


class ReLU(Layer):
    """negative_slope (x - threshold) below the threshold, x above it, max_value at most"""

    kind = "relu"
    keeps_time = True
    defaults = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

    def check(self):
        for name, value in self.config.items():
            absent = name == "max_value" and value is None
            if not absent and (not isinstance(value, (int, float)) or value < 0):
                raise SpecError(f"relu {name} must be a number of at least 0, got {value!r}")

    def _constants(self) -> dict:
        constants = {n: inf if v is None else float(v) for n, v in self.config.items()}
        return {n: constants[n] for n in self.defaults}

    def forward(self, b, p, x):
        y = b.buffer(x.shape)
        b.step("relu_forward", x, y, **self._constants())
        return y, x

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        b.step("relu_backward", saved, dy, dy, **self._constants())
        return [dy]


class ELU(Layer):
    """x, or alpha (exp(x) - 1) below 0 (Clevert, Unterthiner and Hochreiter 2016)"""

    kind = "elu"
    keeps_time = True
    defaults = {"alpha": 1.0}

    def check(self):
        alpha = self.config["alpha"]
        if not isinstance(alpha, (int, float)) or alpha < 0:
            raise SpecError(f"elu alpha must be a number of at least 0, got {alpha!r}")

    def forward(self, b, p, x):
        y = b.buffer(x.shape)
        b.step("elu_forward", x, y, alpha=float(self.config["alpha"]))
        return y, (x, y)

    def backward(self, b, p, saved, dy, wanted):
        x, y = saved
        if not wanted[0]:
            return [None]
        b.step("elu_backward", x, y, dy, dy, alpha=float(self.config["alpha"]))
        return [dy]


class PReLU(Layer):
    """x, or alpha x below 0, alpha trained (He et al. 2015): one for each number of a row

    shared_axes: axes of a row, counted from 1, that share their alpha; they must be the first ones.
    """

    kind = "prelu"
    keeps_time = True
    defaults = {"alpha_initializer": "zeros", "shared_axes": None}

    def parameters(self, shape):
        shared = sorted(self.config["shared_axes"] or ())
        if shared != list(range(1, len(shared) + 1)) or len(shared) >= len(shape):
            raise SpecError(
                f"prelu shared_axes must be the first axes of {shape}, from 1 on, got {shared}"
            )
        own = shape[len(shared) :]
        if None in own:
            raise SpecError(f"prelu wants whole lengths or shared_axes, got rows of shape {shape}")
        alpha = (*[1] * len(shared), *own)
        return [Parameter("alpha", alpha, self.config["alpha_initializer"])]

    def output_shape(self, shape):
        self.parameters(shape)  # which refuses shapes it cannot have
        return shape

    def forward(self, b, p, x):
        y = b.buffer(x.shape)
        b.step("prelu_forward", x, p["alpha"], y)
        return y, x

    def backward(self, b, p, saved, dy, wanted):
        dx = dy if wanted[0] else None
        b.step("prelu_backward", saved, p["alpha"], dy, dx, b.gradient(p["alpha"]))
        return [dx]
