"""Dense: y = activation(x kernel + bias)."""

from respnet.engine import activations
from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer, Parameter


class Dense(Layer):
    """x (B,...,I), kernel (I,O), bias (O) -> y (B,...,O), the same for every place before I"""

    kind = "dense"
    keeps_time = True
    ends_in_activation = True
    defaults = {
        "units": None,
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": "auto",
        "bias_initializer": "zeros",
    }

    def check(self):
        units = self.config["units"]
        if not isinstance(units, int) or units < 1:
            raise SpecError(f"dense units must be a positive integer, got {units!r}")
        activations.check(self.config["activation"])

    def parameters(self, shape):
        if not shape or shape[-1] is None:
            raise SpecError(f"dense wants rows of shape (..., I), got {shape}")
        units = self.config["units"]
        initializer = self.config["kernel_initializer"]
        if initializer == "auto":
            initializer = activations.initializer(self.config["activation"])
        kernel = Parameter("kernel", (shape[-1], units), initializer)
        if not self.config["use_bias"]:
            return [kernel]
        return [kernel, Parameter("bias", (units,), self.config["bias_initializer"])]

    def output_shape(self, shape):
        return (*shape[:-1], self.config["units"])

    def forward(self, b, p, x):
        units, activation = self.config["units"], self.config["activation"]
        fused = activation if activations.fusible(activation) else "linear"
        z = b.buffer((*x.shape[:-1], units))
        b.step("dense_forward", x, p["kernel"], p.get("bias"), z, activation=fused)
        y = z if fused == activation else activations.forward(b, activation, z)
        return y, (x, z, y)

    def backward(self, b, p, saved, dy, wanted):
        x, z, y = saved
        dz = activations.backward(b, self.config["activation"], z, y, dy)
        dx = b.buffer(x.shape) if wanted[0] else None
        b.step(
            "dense_backward",
            x,
            p["kernel"],
            dz,
            dx,
            b.gradient(p["kernel"]),
            b.gradient(p.get("bias")),
        )
        return [dx]
