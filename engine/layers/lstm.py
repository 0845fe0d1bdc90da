"""LSTM: c = f c + i g, h = o activation(c)  (Hochreiter and Schmidhuber 1997; Gers et al. 2000)."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Parameter
from respnet.engine.layers.recurrent import Recurrent


class LSTM(Recurrent):
    """kernel (I,4H), recurrent_kernel (H,4H), bias (4H); gates i, f, c, o.

    peephole: adds peephole (3,H), by which i and f see c[t-1] and o sees c[t] (Gers and
    Schmidhuber 2000). unit_forget_bias: the forget gate starts with bias 1 (Jozefowicz et al.
    2015).
    """

    kind = "lstm"
    op = "lstm"
    gates = 4
    states = 2
    defaults = Recurrent.defaults | {
        "recurrent_activation": "sigmoid",
        "unit_forget_bias": True,
        "peephole": False,
        "peephole_initializer": "zeros",
    }

    def check(self):
        super().check()
        for name in ("unit_forget_bias", "peephole"):
            if not isinstance(self.config[name], bool):
                raise SpecError(f"lstm {name} must be true or false, got {self.config[name]!r}")

    def further_parameters(self, units):
        c, further = self.config, []
        if c["use_bias"]:
            start = "unit_forget_bias" if c["unit_forget_bias"] else c["bias_initializer"]
            further.append(Parameter("bias", (4 * units,), start))
        if c["peephole"]:
            further.append(Parameter("peephole", (3, units), c["peephole_initializer"]))
        return further

    def widths(self):
        units = self.config["units"]
        return (units, units, 4 * units)

    def weights(self, b, p, bias):
        return (*super().weights(b, p, bias), p.get("peephole"))

    def attributes(self):
        names = ("activation", "recurrent_activation")
        return {name: self.config[name] for name in names}
