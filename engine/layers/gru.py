"""GRU: h = z h + (1 - z) candidate  (Cho et al. 2014)."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Parameter
from respnet.engine.layers.recurrent import Recurrent


class GRU(Recurrent):
    """kernel (I,3H), recurrent_kernel (H,3H), gates z, r, h.

    reset_after (as cuDNN and torch have it): the reset gate multiplies the recurrent product, and
    bias is (2,3H), one row for x and one for h. Else it multiplies h, and bias is (3H).
    """

    kind = "gru"
    op = "gru"
    gates = 3
    defaults = Recurrent.defaults | {"recurrent_activation": "sigmoid", "reset_after": True}

    def check(self):
        super().check()
        if not isinstance(self.config["reset_after"], bool):
            raise SpecError(
                f"gru reset_after must be true or false, got {self.config['reset_after']!r}"
            )

    def further_parameters(self, units):
        if not self.config["use_bias"]:
            return []
        shape = (2, 3 * units) if self.config["reset_after"] else (3 * units,)
        return [Parameter("bias", shape, self.config["bias_initializer"])]

    def widths(self):
        units = self.config["units"]
        return (units, 4 * units)

    def weights(self, b, p, bias):
        kernels, both = super().weights(b, p, False), p.get("bias")
        if not bias:
            return kernels
        if both is None or not self.config["reset_after"]:
            return (*kernels, both, None)
        return (*kernels, b.row(both, 0), b.row(both, 1))

    def attributes(self):
        names = ("activation", "recurrent_activation", "reset_after")
        return {name: self.config[name] for name in names}
