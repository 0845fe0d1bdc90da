"""Embedding: a row of a table for every number; and masks."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer, Parameter


class Embedding(Layer):
    """x (B,T) of whole numbers 0 .. V-1, embeddings (V,H) -> y (B,T,H)

    mask_zero: steps with number 0 are masked.
    """

    kind = "embedding"
    keeps_time = True
    defaults = {
        "input_dim": None,
        "output_dim": None,
        "mask_zero": False,
        "embeddings_initializer": "uniform_0.05",
    }

    def check(self):
        for name in ("input_dim", "output_dim"):
            if not isinstance(self.config[name], int) or self.config[name] < 1:
                raise SpecError(
                    f"embedding {name} must be a positive integer, got {self.config[name]!r}"
                )
        if not isinstance(self.config["mask_zero"], bool):
            raise SpecError(
                f"embedding mask_zero must be true or false, got {self.config['mask_zero']!r}"
            )

    def parameters(self, shape):
        if len(shape) != 1:
            raise SpecError(f"embedding wants rows of shape (T,), got {shape}")
        shape = (self.config["input_dim"], self.config["output_dim"])
        return [Parameter("embeddings", shape, self.config["embeddings_initializer"])]

    def output_shape(self, shape):
        return (*shape, self.config["output_dim"])

    def forward(self, b, p, x):
        y = b.buffer((*x.shape, self.config["output_dim"]))
        b.step("embedding_forward", x, p["embeddings"], y)
        if self.config["mask_zero"]:
            mask = b.buffer((*x.shape, 1))
            b.step("compute_mask", x, mask, value=0.0)
            b.hide(y, mask, x)
        return y, x

    def backward(self, b, p, saved, dy, wanted):
        words = self.config["input_dim"]
        b.step("embedding_backward", saved, dy, b.gradient(p["embeddings"]), words=words)
        return [None]


class Masking(Layer):
    """x (B,T,N) -> x; steps whose numbers all are ``mask_value`` are masked"""

    kind = "masking"
    keeps_time = True
    defaults = {"mask_value": 0.0}

    def parameters(self, shape):
        if len(shape) != 2:
            raise SpecError(f"masking wants sequences of shape (T, N), got {shape}")
        return []

    def forward(self, b, p, x):
        y = b.copy(x)  # a value of its own: x itself stays unmasked
        mask = b.buffer((x.shape[0], 1))
        b.step("compute_mask", x, mask, value=float(self.config["mask_value"]))
        b.hide(y, mask, x)
        return y, None

    def backward(self, b, p, saved, dy, wanted):
        return [dy if wanted[0] else None]


class ApplyMask(Layer):
    """x (B,T,...), mask (B,T) -> x; steps whose mask is 0 are masked"""

    kind = "apply_mask"
    inputs = 2

    def output_shape(self, shape, mask):
        if len(mask) != 1 or not shape or None not in (shape[0], mask[0]) and shape[0] != mask[0]:
            raise SpecError(
                f"apply_mask wants sequences (T, ...) and a mask (T,), got {shape} and {mask}"
            )
        return shape

    def forward(self, b, p, x, mask):
        y, own = b.copy(x), b.buffer((*mask.shape, 1))
        b.step("copy", mask, own)
        b.hide(y, own, x)
        return y, None

    def backward(self, b, p, saved, dy, wanted):
        return [dy if wanted[0] else None, None]
