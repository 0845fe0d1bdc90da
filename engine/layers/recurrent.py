"""What the recurrent layers have in common: arguments, states, masks, dropout, direction."""

from respnet.engine import activations
from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer, Parameter

_FLAGS = ("use_bias", "return_sequences", "return_state", "go_backwards")
_DEFAULTS = {
    "units": None,
    "activation": "tanh",
    "use_bias": True,
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}


class Recurrent(Layer):
    """x (B,T,I), states (B,H) if given -> y (B,T,H) or its last step (B,H), then states if asked.

    A subclass has ``gates``, the op ``op``, the number of states, and its operands.
    """

    op = ""
    gates = 1
    states = 1
    inputs = None
    defaults = _DEFAULTS

    def check(self):
        c = self.config
        if not isinstance(c["units"], int) or c["units"] < 1:
            raise SpecError(f"{self.kind} units must be a positive integer, got {c['units']!r}")
        for name in ("activation", "recurrent_activation"):
            if not activations.fusible(c.get(name, "tanh")):
                raise SpecError(
                    f"{self.kind} {name} must be one of {', '.join(activations.FUSIBLE)}, "
                    f"got {c[name]!r}"
                )
        for name in ("dropout", "recurrent_dropout"):
            if not isinstance(c[name], (int, float)) or not 0 <= c[name] < 1:
                raise SpecError(f"{self.kind} {name} must be in [0, 1), got {c[name]!r}")
        for name in _FLAGS:
            if not isinstance(c[name], bool):
                raise SpecError(f"{self.kind} {name} must be true or false, got {c[name]!r}")

    def parameters(self, shape, *states):
        if len(shape) != 2 or shape[-1] is None:
            raise SpecError(f"{self.kind} wants sequences of shape (T, I), got {shape}")
        units = self.config["units"]
        if states and tuple(states) != ((units,),) * self.states:
            raise SpecError(
                f"{self.kind} wants {self.states} initial states of shape ({units},), "
                f"got {list(states)}"
            )
        width = self.gates * units
        own = [
            Parameter("kernel", (shape[-1], width), self.config["kernel_initializer"]),
            Parameter("recurrent_kernel", (units, width), self.config["recurrent_initializer"]),
        ]
        return own + self.further_parameters(units)

    def further_parameters(self, units) -> list[Parameter]:
        """Bias and what else comes after the kernels."""
        if not self.config["use_bias"]:
            return []
        return [Parameter("bias", (units,), self.config["bias_initializer"])]

    @property
    def keeps_time(self):
        return self.config["return_sequences"]

    def output_shape(self, shape, *states):
        units = self.config["units"]
        y = (shape[0], units) if self.config["return_sequences"] else (units,)
        return [y] + [(units,)] * self.states if self.config["return_state"] else y

    # ------------------------------------------------------------------------------------- forward

    def forward(self, b, p, x, *states):
        states = states or (None,) * self.states
        mask = b.masks.get(x)
        saved = {"given": states, "source": x}
        x = saved["x"] = self._prepared(b, x, saved)
        if mask is not None and self.config["go_backwards"]:
            mask = self._reversed(b, mask)
        factor = self._factor(b, x, self.config["units"], "recurrent_dropout")
        sequences = self._run(b, p, x, states, mask, factor)
        saved.update(mask=mask, factor=factor, sequences=sequences)
        results = self._results(b, sequences)
        if mask is not None and self.keeps_time:
            b.masks[sequences[0]] = mask  # in the order of the outputs
        return results, saved

    def _prepared(self, b, x, saved):
        """x in the order the steps are run, with dropout; both are undone on its gradient."""
        if self.config["go_backwards"]:
            x = self._reversed(b, x)
        saved["input_factor"] = factor = self._factor(b, x, x.shape[-1], "dropout")
        if factor is None:
            return x
        y = b.buffer(x.shape)
        b.step("multiply_steps", x, factor, y)
        return y

    def _reversed(self, b, x):
        y = b.buffer(x.shape)
        b.step("reverse_time", x, y)
        return y

    def _factor(self, b, x, units, rate):
        """One dropout mask for all steps (Gal and Ghahramani 2016)."""
        rate = self.config[rate]
        if not b.training or not rate:
            return None
        factor = b.buffer((units,))
        options = {"units": units, "rate": float(rate), "salt": b.salt(), "seed": None}
        b.step("dropout_mask", x, factor, **options)
        return factor

    def _run(self, b, p, x, states, mask, factor):
        """Emit the forward op; its outputs: first the sequences of each state."""
        sequences = [b.buffer((x.shape[0], n)) for n in self.widths()]
        operands = (x, *self.weights(b, p, bias=True), *states, mask, factor, *sequences)
        b.step(self.op + "_forward", *operands, **self.attributes())
        return sequences

    def widths(self) -> tuple[int, ...]:
        """Of the outputs of the op: the states, then what backward needs besides."""
        return (self.config["units"],)

    def weights(self, b, p, bias: bool) -> tuple:
        """The parameters as operands, with or without the biases, which backward does not read."""
        return (p["kernel"], p["recurrent_kernel"], *([p.get("bias")] if bias else []))

    def attributes(self) -> dict:
        return {"activation": self.config["activation"]}

    def _results(self, b, sequences):
        if not self.config["return_state"]:
            return sequences[0] if self.keeps_time else self._last(b, sequences[0])
        last = [self._last(b, sequence) for sequence in sequences[: self.states]]
        return (sequences[0] if self.keeps_time else b.copy(last[0]), *last)

    def _last(self, b, sequence):
        h = b.buffer(sequence.shape[1:])
        b.step("last_step", sequence, h)
        return h

    # ------------------------------------------------------------------------------------ backward

    def backward(self, b, p, saved, dy, wanted):
        dy, *dstates = self._gradients(b, dy)
        x, given = saved["x"], saved["given"]
        dx = b.buffer(x.shape) if wanted[0] else None
        further = [
            None if state is None or not want else b.buffer(state.shape)
            for state, want in zip(given, wanted[1:] or [False] * self.states, strict=True)
        ]
        read = (x, *self.weights(b, p, bias=False), *given, saved["mask"], saved["factor"])
        b.step(
            self.op + "_backward",
            *read,
            *saved["sequences"],
            dy,
            *dstates,
            dx,
            *(b.gradient(parameter) for parameter in self.weight_gradients(b, p)),
            *further,
            **self.attributes(),
        )
        return [self._restored(b, dx, saved), *further[: len(wanted) - 1]]

    def weight_gradients(self, b, p) -> tuple:
        """Parameters in the order of the op's gradients."""
        return self.weights(b, p, bias=True)

    def _gradients(self, b, dy):
        """(gradient of every output or None, of each last state or None)"""
        outputs = dy if isinstance(dy, list) else [dy, *[None] * self.states]
        first, *dstates = outputs
        if self.keeps_time or first is None:
            return [first, *dstates]
        if dstates[0] is not None:
            b.step("accumulate", first, dstates[0])
            return [None, *dstates]
        return [None, first, *dstates[1:]]

    def _restored(self, b, dx, saved):
        """The gradient of x as it was given."""
        if dx is None:
            return None
        if saved["input_factor"] is not None:
            b.step("multiply_steps", dx, saved["input_factor"], dx)
        return self._reversed(b, dx) if self.config["go_backwards"] else dx
