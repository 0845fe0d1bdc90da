"""Activation and softmax as layers of their own."""

from respnet.engine import activations
from respnet.engine.layers.base import Layer


class Activation(Layer):
    """x (B,N) -> activation(x) (B,N)"""

    kind = "activation"
    keeps_time = True
    defaults = {"activation": "linear"}

    def check(self):
        activations.check(self.config["activation"])

    def forward(self, b, p, x):
        y = activations.forward(b, self.config["activation"], x)
        return y, (x, y)

    def backward(self, b, p, saved, dy, wanted):
        x, y = saved
        return [activations.backward(b, self.config["activation"], x, y, dy) if wanted[0] else None]
