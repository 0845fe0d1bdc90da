"""Dropout: inverted scaling, on in training only (Srivastava et al. 2014)."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer


class Dropout(Layer):
    """x (B,N) -> x / (1 - rate) where kept, else 0"""

    kind = "dropout"
    keeps_time = True
    defaults = {"rate": 0.5}

    def check(self):
        rate = self.config["rate"]
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise SpecError(f"dropout rate must be in [0, 1), got {rate!r}")

    def _off(self, b) -> bool:
        return not b.training or self.config["rate"] == 0

    def forward(self, b, p, x):
        if self._off(b):
            return x, (None, None)
        y, salt = b.buffer(x.shape), b.salt()
        b.step("dropout_forward", x, y, rate=float(self.config["rate"]), salt=salt)
        return y, (x, salt)

    def backward(self, b, p, saved, dy, wanted):
        x, salt = saved
        if x is None or not wanted[0]:
            return [dy if wanted[0] else None]
        b.step("dropout_backward", dy, dy, rate=float(self.config["rate"]), salt=salt)
        return [dy]
