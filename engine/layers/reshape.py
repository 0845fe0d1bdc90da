"""Layers that move numbers: Flatten, Reshape, RepeatVector, ReverseTime."""

from math import prod

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer


class Reshape(Layer):
    """x (B,...) -> the same numbers as (B,*target_shape); one length may be -1"""

    kind = "reshape"
    defaults = {"target_shape": None}

    def check(self):
        shape = self.config["target_shape"]
        whole = isinstance(shape, (list, tuple)) and all(isinstance(n, int) for n in shape)
        if not whole or any(n < 1 and n != -1 for n in shape) or list(shape).count(-1) > 1:
            raise SpecError(f"reshape target_shape must be lengths, one at most -1; got {shape!r}")

    def output_shape(self, shape):
        target = tuple(self.config["target_shape"])
        if None in shape:
            return tuple(None if n == -1 else n for n in target)
        left = prod(n for n in target if n != -1)
        target = tuple(prod(shape) // max(left, 1) if n == -1 else n for n in target)
        if prod(target) != prod(shape):
            raise SpecError(f"reshape cannot turn {shape} into {self.config['target_shape']}")
        return target

    def forward(self, b, p, x):
        y = b.buffer(self.output_shape(x.shape))
        b.step("copy", x, y)
        return y, x.shape

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        dx = b.buffer(saved)
        b.step("copy", dy, dx)
        return [dx]


class Flatten(Reshape):
    """x (B,...) -> (B,N)"""

    kind = "flatten"
    defaults = {}

    def check(self):
        pass

    def output_shape(self, shape):
        return (None,) if None in shape else (prod(shape),)


class RepeatVector(Layer):
    """x (B,N) -> y (B,T,N), T times the same"""

    kind = "repeat_vector"
    defaults = {"n": None}

    def check(self):
        if not isinstance(self.config["n"], int) or self.config["n"] < 1:
            raise SpecError(f"repeat_vector n must be a positive integer, got {self.config['n']!r}")

    def output_shape(self, shape):
        if len(shape) != 1:
            raise SpecError(f"repeat_vector wants rows of shape (N,), got {shape}")
        return (self.config["n"], *shape)

    def forward(self, b, p, x):
        y = b.buffer(self.output_shape(x.shape))
        b.step("repeat_vector", x, y, times=self.config["n"])
        return y, x.shape

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        dx = b.buffer(saved)
        b.step("repeat_vector_backward", dy, dx)
        return [dx]


class ReverseTime(Layer):
    """x (B,T,...) -> the same with the last step first"""

    kind = "reverse_time"

    def output_shape(self, shape):
        if not shape:
            raise SpecError(f"reverse_time wants sequences of shape (T, ...), got {shape}")
        return shape

    def forward(self, b, p, x):
        y = self._turned(b, x)
        if x in b.masks:
            b.masks[y] = self._turned(b, b.masks[x])
        return y, None

    def backward(self, b, p, saved, dy, wanted):
        return [self._turned(b, dy) if wanted[0] else None]

    @staticmethod
    def _turned(b, x):
        y = b.buffer(x.shape)
        b.step("reverse_time", x, y)
        return y
