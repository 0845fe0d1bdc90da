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
        "groups": 1,
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": "auto",
        "bias_initializer": "zeros",
    }

    def check(self):
        filters = self.config["filters"]
        if not isinstance(filters, int) or filters < 1:
            raise SpecError(f"{self.kind} filters must be a positive integer, got {filters!r}")
        groups = self.config["groups"]
        if type(groups) is not int or groups < 1 or filters % groups:
            raise SpecError(
                f"{self.kind} groups must be a positive integer that divides {filters} filters, "
                f"got {groups!r}"
            )
        activations.check(self.config["activation"])
        super().check()

    def groups(self, channels: int) -> int:
        """How many groups of channels there are, each with outputs of its own."""
        groups = self.config["groups"]
        if channels % groups:
            raise SpecError(f"{self.kind} cannot make {groups} groups of {channels} channels")
        return groups

    def kernel_shape(self, channels: int) -> tuple:
        taken = channels // self.groups(channels)
        return (*self.size[-self.axes :], taken, self.config["filters"])

    def outputs(self, channels: int) -> int:
        return self.config["filters"]

    def parameters(self, shape):
        channels = self.image(shape)[-1]
        kernel = self.kernel_shape(channels)
        initializer = self.config["kernel_initializer"]
        if initializer == "auto":
            initializer = activations.initializer(self.config["activation"])
        parameters = [Parameter("kernel", kernel, initializer)]
        if self.config["use_bias"]:
            outputs = (self.outputs(channels),)
            parameters.append(Parameter("bias", outputs, self.config["bias_initializer"]))
        return parameters

    def output_shape(self, shape):
        return (*self.places(shape), self.outputs(self.image(shape)[-1]))

    def _attributes(self, x) -> dict:
        return {"strides": self.strides, "pads": self.pads(x.shape), "dilation": self.dilation}

    def forward(self, b, p, x):
        activation, groups = self.config["activation"], self.groups(x.shape[-1])
        fused = activation if activations.fusible(activation) and groups == 1 else "linear"
        z = b.buffer(self.output_shape(x.shape))
        operands, attributes = (x, p["kernel"], p.get("bias"), z), self._attributes(x)
        if groups == 1:
            b.step("conv2d_forward", *operands, activation=fused, **attributes)
        else:
            b.step("grouped_conv2d_forward", *operands, groups=groups, **attributes)
        y = z if fused == activation else activations.forward(b, activation, z)
        return y, (x, z, y)

    def backward(self, b, p, saved, dy, wanted):
        x, z, y = saved
        dz = activations.backward(b, self.config["activation"], z, y, dy)
        dx = b.buffer(x.shape) if wanted[0] else None
        dkernel, dbias = b.gradient(p["kernel"]), b.gradient(p.get("bias"))
        operands = (x, p["kernel"], dz, dx, dkernel, dbias)
        groups, attributes = self.groups(x.shape[-1]), self._attributes(x)
        if groups == 1:
            b.step("conv2d_backward", *operands, **attributes)
        else:
            b.step("grouped_conv2d_backward", *operands, groups=groups, **attributes)
        return [dx]


class Conv1D(Conv2D):
    """x (B,T,C), kernel (U,C,O), bias (O) -> y (B,Q,O): a convolution of images of one row"""

    kind = "conv1d"
    axes = 1
    paddings = (*PADDINGS, "causal")


class DepthwiseConv2D(Conv2D):
    """x (B,Y,X,C), kernel (V,U,C,M), bias (C M) -> y (B,P,Q,C M): M convolutions of each channel"""

    kind = "depthwise_conv2d"
    defaults = {
        **{n: v for n, v in Conv2D.defaults.items() if n not in ("filters", "groups")},
        "depth_multiplier": 1,
    }

    def check(self):
        multiplier = self.config["depth_multiplier"]
        if type(multiplier) is not int or multiplier < 1:
            raise SpecError(
                f"{self.kind} depth_multiplier must be a positive integer, got {multiplier!r}"
            )
        activations.check(self.config["activation"])
        Windowed.check(self)

    def groups(self, channels):
        return channels

    def kernel_shape(self, channels):
        return (*self.size[-self.axes :], channels, self.config["depth_multiplier"])

    def outputs(self, channels):
        return channels * self.config["depth_multiplier"]


class DepthwiseConv1D(DepthwiseConv2D):
    """x (B,T,C), kernel (U,C,M), bias (C M) -> y (B,Q,C M)"""

    kind = "depthwise_conv1d"
    axes = 1
    paddings = (*PADDINGS, "causal")
