"""Normalisation: by the statistics of a batch, of a row, or of data seen before."""

from math import prod

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer, Parameter

_DEFAULTS = {
    "axis": -1,
    "epsilon": 1e-3,
    "center": True,
    "scale": True,
    "beta_initializer": "zeros",
    "gamma_initializer": "ones",
}


class Normalized(Layer):
    """Base: what the normalising layers have in common, gamma and beta."""

    keeps_time = True

    def check(self):
        for name in ("center", "scale"):
            if not isinstance(self.config[name], bool):
                raise SpecError(
                    f"{self.kind} {name} must be true or false, got {self.config[name]!r}"
                )
        epsilon = self.config["epsilon"]
        if not isinstance(epsilon, (int, float)) or not epsilon > 0:
            raise SpecError(f"{self.kind} epsilon must be a number above 0, got {epsilon!r}")

    def _affine(self, shape) -> list[Parameter]:
        """gamma and beta, as far as they are wanted."""
        wanted = (("gamma", "scale"), ("beta", "center"))
        return [
            Parameter(name, shape, self.config[f"{name}_initializer"])
            for name, flag in wanted
            if self.config[flag]
        ]

    def _epsilon(self) -> float:
        return float(self.config["epsilon"])


class BatchNormalization(Normalized):
    """Each number along the last axis by its mean and variance in the batch (Ioffe and Szegedy
    2015): y (B,...,N) = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Training uses the statistics of the whole batch and moves moving_mean and moving_variance
    towards them, by 1 - momentum of the way; otherwise these are used. Masked steps do not count.
    """

    kind = "batch_normalization"
    defaults = {
        **_DEFAULTS,
        "momentum": 0.99,
        "moving_mean_initializer": "zeros",
        "moving_variance_initializer": "ones",
    }

    def check(self):
        super().check()
        momentum = self.config["momentum"]
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise SpecError(f"{self.kind} momentum must be in [0, 1], got {momentum!r}")

    def parameters(self, shape):
        axis = self.config["axis"]
        if axis not in (-1, len(shape)):
            raise SpecError(f"{self.kind} works along the last axis of {shape}, got axis {axis!r}")
        if not shape or shape[-1] is None:
            raise SpecError(f"{self.kind} wants rows of shape (..., N), got {shape}")
        moving = [
            Parameter(name, (shape[-1],), self.config[f"{name}_initializer"], trainable=False)
            for name in ("moving_mean", "moving_variance")
        ]
        return [*self._affine((shape[-1],)), *moving]

    def output_shape(self, shape):
        self.parameters(shape)  # which refuses shapes it cannot have
        return shape

    def forward(self, b, p, x):
        mask = b.masks.get(x)
        if mask is not None and len(x.shape) != 2:
            raise SpecError(f"{self.kind} knows masks of sequences (T, N) only, got {x.shape}")
        mean, variance = p["moving_mean"], p["moving_variance"]
        if b.training and self.trainable:
            moving, (mean, variance) = (mean, variance), (b.single(mean.shape) for _ in range(2))
            b.step("moments", x, mask, mean, variance)
            for value, average in zip((mean, variance), moving, strict=True):
                momentum = float(self.config["momentum"])
                b.step("moving_average", value, average, average, momentum=momentum)
        y = b.buffer(x.shape)
        read = (x, mean, variance, p.get("gamma"), p.get("beta"))
        b.step("normalize_forward", *read, y, epsilon=self._epsilon())
        return y, (x, mean, variance, mask)

    def backward(self, b, p, saved, dy, wanted):
        x, mean, variance, mask = saved
        gamma, beta = p.get("gamma"), p.get("beta")
        dx = dy if wanted[0] else None
        written = (dx, b.gradient(gamma), b.gradient(beta))
        if any(written):
            read, fixed = (x, mean, variance, gamma, mask, dy), not self.trainable
            b.step("normalize_backward", *read, *written, epsilon=self._epsilon(), fixed=fixed)
        return [dx]


class LayerNormalization(Normalized):
    """Each row along the last axis, or along several last axes as one, by its own mean and variance
    (Ba, Kiros and Hinton 2016), then gamma and beta of that shape
    """

    kind = "layer_normalization"
    defaults = _DEFAULTS

    def parameters(self, shape):
        return self._affine(self._own(shape))

    def output_shape(self, shape):
        self._own(shape)
        return shape

    def _own(self, shape) -> tuple:
        """The lengths of the axes that are normalised together."""
        axis, rank = self.config["axis"], len(shape)
        axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        if not axes or not all(isinstance(a, int) for a in axes):
            raise SpecError(f"{self.kind} axis must be whole numbers, got {axis!r}")
        places = sorted(a - 1 if a > 0 else rank + a for a in axes)
        if places != list(range(rank - len(places), rank)) or places[0] < 0:
            raise SpecError(f"{self.kind} works along the last axes of {shape}, got axis {axis!r}")
        own = shape[places[0] :]
        if None in own:
            raise SpecError(f"{self.kind} wants whole lengths along its axes, got {shape}")
        return own

    def forward(self, b, p, x):
        width = prod(self._own(x.shape))
        y, statistics = b.buffer(x.shape), b.buffer((x.columns // width, 2))
        read = (x, p.get("gamma"), p.get("beta"))
        b.step("layer_norm_forward", *read, y, statistics, epsilon=self._epsilon(), width=width)
        return y, (x, statistics, width)

    def backward(self, b, p, saved, dy, wanted):
        x, statistics, width = saved
        gamma, beta = p.get("gamma"), p.get("beta")
        dx = dy if wanted[0] else None
        written = (dx, b.gradient(gamma), b.gradient(beta))
        if any(written):
            b.step("layer_norm_backward", x, gamma, statistics, dy, *written, width=width)
        return [dx]


class Normalization(Layer):
    """(x - mean) / sqrt(variance), both constants, of each number along the last axis

    A variance of 0 counts as 1e-14, as in Keras.
    """

    kind = "normalization"
    keeps_time = True

    def parameters(self, shape):
        if not shape or shape[-1] is None:
            raise SpecError(f"{self.kind} wants rows of shape (..., N), got {shape}")
        start = (("mean", "zeros"), ("variance", "ones"))
        return [Parameter(n, (shape[-1],), value, trainable=False) for n, value in start]

    def forward(self, b, p, x):
        y = b.buffer(x.shape)
        b.step("normalize_forward", x, p["mean"], p["variance"], None, None, y, epsilon=1e-14)
        return y, x

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        read = (saved, p["mean"], p["variance"], None, None, dy)
        b.step("normalize_backward", *read, dy, None, None, epsilon=1e-14, fixed=True)
        return [dy]
