"""Zeros around images and sequences."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer
from respnet.engine.layers.windows import image, lengths


class ZeroPadding2D(Layer):
    """x (B,Y,X,C) -> y (B,P,Q,C); padding: n, (rows, columns) or ((top, bottom), (left, right))"""

    kind = "zero_padding2d"
    defaults = {"padding": 1}
    axes = 2

    def check(self):
        padding, axes = self.config["padding"], self.axes
        sides = (padding,) * axes if isinstance(padding, int) else padding
        what = f"{self.kind} padding"
        if not isinstance(sides, (list, tuple)) or len(sides) != axes:
            wanted = "an integer, two of them or two pairs" if axes == 2 else "an integer or a pair"
            raise SpecError(f"{what} must be {wanted}, got {padding!r}")
        pairs = [
            lengths((n, n) if isinstance(n, int) else n, 2, f"{what} of an axis", least=0)
            for n in sides
        ]
        self.pads = (0, 0) * (2 - axes) + tuple(n for pair in pairs for n in pair)

    def output_shape(self, shape):
        *places, channels = image(self.kind, self.axes, shape)[-self.axes - 1 :]
        around = [sum(self.pads[:2]), sum(self.pads[2:])][-self.axes :]
        padded = zip(places, around, strict=True)
        return (*(None if n is None else n + more for n, more in padded), channels)

    def forward(self, b, p, x):
        y = b.buffer(self.output_shape(x.shape))
        b.step("zero_padding_forward", x, y, pads=self.pads)
        return y, x.shape

    def backward(self, b, p, saved, dy, wanted):
        dx = b.buffer(saved) if wanted[0] else None
        if dx is not None:
            b.step("zero_padding_backward", dy, dx, pads=self.pads)
        return [dx]


class ZeroPadding1D(ZeroPadding2D):
    """x (B,T,C) -> y (B,Q,C); padding: n or (before, after)"""

    kind = "zero_padding1d"
    axes = 1

    def check(self):
        padding = self.config["padding"]
        both = (padding, padding) if isinstance(padding, int) else padding
        self.pads = (0, 0, *lengths(both, 2, f"{self.kind} padding", least=0))
