"""Convolution: y = activation(bias + sums of windows of x times a kernel)."""

from respnet.engine import activations
from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Parameter
from respnet.engine.layers.windows import PADDINGS, Windowed


class Conv2D(Windowed):
    """x (B,Y,X,C), kernel (V,U,C,O), bias (O) -> y (B,P,Q,O)"""

    kind = "conv2d"
    window = "kernel_size"
    defaults = {
        "filters": None,
        "kernel_size": None,
        "strides": 1,
        "padding": "valid",
        "dilation_rate": 1,
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": "auto",
        "bias_initializer": "zeros",
    }

    def check(self):
        filters = self.config["filters"]
        if not isinstance(filters, int) or filters < 1:
            raise SpecError(f"{self.kind} filters must be a positive integer, got {filters!r}")
        activations.check(self.config["activation"])
        super().check()

    def parameters(self, shape):
        kernel = (*self.size[-self.axes :], self.image(shape)[-1], self.config["filters"])
        initializer = self.config["kernel_initializer"]
        if initializer == "auto":
            initializer = activations.initializer(self.config["activation"])
        parameters = [Parameter("kernel", kernel, initializer)]
        if self.config["use_bias"]:
            parameters.append(Parameter("bias", kernel[-1:], self.config["bias_initializer"]))
        return parameters

    def output_shape(self, shape):
        return (*self.places(shape), self.config["filters"])

    def _attributes(self, x) -> dict:
        return {"strides": self.strides, "pads": self.pads(x.shape), "dilation": self.dilation}

    def forward(self, b, p, x):
        activation = self.config["activation"]
        fused = activation if activations.fusible(activation) else "linear"
        z = b.buffer(self.output_shape(x.shape))
        operands = (x, p["kernel"], p.get("bias"), z)
        b.step("conv2d_forward", *operands, activation=fused, **self._attributes(x))
        y = z if fused == activation else activations.forward(b, activation, z)
        return y, (x, z, y)

    def backward(self, b, p, saved, dy, wanted):
        x, z, y = saved
        dz = activations.backward(b, self.config["activation"], z, y, dy)
        dx = b.buffer(x.shape) if wanted[0] else None
        dkernel, dbias = b.gradient(p["kernel"]), b.gradient(p.get("bias"))
        operands = (x, p["kernel"], dz, dx, dkernel, dbias)
        b.step("conv2d_backward", *operands, **self._attributes(x))
        return [dx]


class Conv1D(Conv2D):
    """x (B,T,C), kernel (U,C,O), bias (O) -> y (B,Q,O): a convolution of images of one row"""

    kind = "conv1d"
    axes = 1
    paddings = (*PADDINGS, "causal")
