"""Layers that bring data into the form a network wants: Rescaling, CategoryEncoding."""

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer


class Rescaling(Layer):
    """y = scale x + offset"""

    kind = "rescaling"
    keeps_time = True
    defaults = {"scale": None, "offset": 0.0}

    def check(self):
        for name, value in self.config.items():
            if not isinstance(value, (int, float)):
                raise SpecError(f"rescaling {name} must be a number, got {value!r}")

    def forward(self, b, p, x):
        return moves.scaled(b, x, self.config["scale"], self.config["offset"]), None

    def backward(self, b, p, saved, dy, wanted):
        return [moves.scaled(b, dy, self.config["scale"]) if wanted[0] else None]


class CategoryEncoding(Layer):
    """Whole numbers 0 .. V-1 as rows of V numbers

    one_hot: (B,...) -> (B,...,V), a last axis of length 1 gives way; multi_hot, count:
    (B,...,T) -> (B,...,V), whether or how often each token is among the T.
    """

    kind = "category_encoding"
    modes = ("one_hot", "multi_hot", "count")
    defaults = {"num_tokens": None, "output_mode": "multi_hot"}

    def check(self):
        tokens, mode = self.config["num_tokens"], self.config["output_mode"]
        if not isinstance(tokens, int) or tokens < 1:
            raise SpecError(
                f"category_encoding num_tokens must be a positive integer, got {tokens!r}"
            )
        if mode not in self.modes:
            raise SpecError(
                f"category_encoding output_mode must be one of {', '.join(self.modes)}, "
                f"got {mode!r}"
            )

    @property
    def keeps_time(self):
        return self.config["output_mode"] == "one_hot"

    def output_shape(self, shape):
        if not shape:
            raise SpecError(f"category_encoding wants rows of shape (..., T), got {shape}")
        appends = self.keeps_time and shape[-1] != 1
        return (*(shape if appends else shape[:-1]), self.config["num_tokens"])

    def forward(self, b, p, x):
        tokens, y = self.config["num_tokens"], b.buffer(self.output_shape(x.shape))
        if self.config["output_mode"] == "one_hot":
            b.step("one_hot", x, y, tokens=tokens)
        else:
            once = self.config["output_mode"] == "multi_hot"
            b.step("count_tokens", x, y, tokens=tokens, once=once)
        return y, None

    def backward(self, b, p, saved, dy, wanted):
        return [None]
