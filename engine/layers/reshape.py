"""Layers that move numbers: Flatten, Reshape, RepeatVector, ReverseTime, Permute, Cropping1D."""

from math import prod

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
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


class Permute(Layer):
    """x (B,...) -> the same numbers with the axes of a row in the order ``dims``, counted from 1"""

    kind = "permute"
    defaults = {"dims": None}

    def check(self):
        dims = self.config["dims"]
        if not isinstance(dims, (list, tuple)) or sorted(dims) != list(range(1, len(dims) + 1)):
            raise SpecError(f"permute dims must be the numbers 1 to n in some order, got {dims!r}")

    def output_shape(self, shape):
        if len(shape) != len(self.config["dims"]):
            raise SpecError(f"permute {list(self.config['dims'])} cannot order rows of {shape}")
        return tuple(shape[i - 1] for i in self.config["dims"])

    def _order(self) -> list[int]:
        return [i - 1 for i in self.config["dims"]]

    def forward(self, b, p, x):
        return moves.transposed(b, x, self._order()), None

    def backward(self, b, p, saved, dy, wanted):
        order = self._order()
        back = [order.index(i) for i in range(len(order))]
        return [moves.transposed(b, dy, back) if wanted[0] else None]


class Cropping1D(Layer):
    """x (B,T,N) -> without the first and last steps, ``cropping`` (of each end)"""

    kind = "cropping_1d"
    defaults = {"cropping": (1, 1)}

    def check(self):
        ends = self.config["cropping"]
        whole = isinstance(ends, (list, tuple)) and all(isinstance(n, int) and n >= 0 for n in ends)
        if not whole or len(ends) != 2:
            raise SpecError(f"cropping_1d cropping must be two lengths of 0 or more, got {ends!r}")

    def output_shape(self, shape):
        if len(shape) != 2:
            raise SpecError(f"cropping_1d wants sequences of shape (T, N), got {shape}")
        ends = self.config["cropping"]
        if shape[0] is not None and shape[0] <= sum(ends):
            raise SpecError(f"cropping_1d by {list(ends)} leaves nothing of {shape[0]} steps")
        return (None if shape[0] is None else shape[0] - sum(ends), shape[1])

    def _picked(self, shape) -> dict:
        width = shape[1]
        offset = self.config["cropping"][0] * width
        return {"lengths": self.output_shape(shape), "strides": (width, 1), "offset": offset}

    def forward(self, b, p, x):
        y = b.buffer(self.output_shape(x.shape))
        b.step("rearrange_forward", x, y, **self._picked(x.shape))
        return y, x.shape

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        dx = b.buffer(saved)
        b.step("rearrange_backward", dy, dx, columns=prod(saved), **self._picked(saved))
        return [dx]
