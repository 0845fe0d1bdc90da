"""Layers that change pictures at random while a network trains."""

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer
from respnet.engine.layers.dropout import check_seed

# mode -> the axes (0: Y, 1: X) that may be turned round
_AXES = {"horizontal": (1,), "vertical": (0,), "horizontal_and_vertical": (1, 0)}


class RandomFlip(Layer):
    """x (B,Y,X,C) -> each picture as it is or mirrored, with equal chance along each axis"""

    kind = "random_flip"
    defaults = {"mode": "horizontal_and_vertical", "seed": None}

    def check(self):
        if self.config["mode"] not in _AXES:
            raise SpecError(
                f"random_flip mode must be one of {', '.join(_AXES)}, got {self.config['mode']!r}"
            )
        check_seed(self.kind, self.config["seed"])

    def output_shape(self, shape):
        if len(shape) != 3:
            raise SpecError(f"random_flip wants pictures of shape (Y, X, C), got {shape}")
        return shape

    def forward(self, b, p, x):
        if not b.training:
            return x, None
        saved, y = [], x
        for axis in _AXES[self.config["mode"]]:
            keep, turn = self._chances(b, x)
            y = _either(b, moves.product(b, y, keep), moves.product(b, _turned(b, y, axis), turn))
            saved.append((axis, keep, turn))
        return y, saved

    def _chances(self, b, x):
        """(1 for pictures that stay, 1 for those that are turned), repeated to the shape of x"""
        doubled = b.buffer((1, 1, 1))  # a mask of rate 1/2 is 0 or 2
        options = {"rate": 0.5, "salt": b.salt(), "seed": self.config["seed"]}
        b.step("dropout_mask", x, doubled, units=1, **options)
        chances = (moves.scaled(b, doubled, 0.5), moves.scaled(b, doubled, -0.5, 1.0))
        return [moves.repeated(b, chance, x.shape) for chance in chances]

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0]:
            return [None]
        for axis, keep, turn in reversed(saved or ()):
            turned = _turned(b, moves.product(b, dy, turn), axis)
            dy = _either(b, moves.product(b, dy, keep), turned)
        return [dy]


def _turned(b, x, axis):
    """The numbers of an axis in the opposite order."""
    strides = moves.strides_of(x.shape)
    offset = (x.shape[axis] - 1) * strides[axis]
    strides[axis] = -strides[axis]
    y = b.buffer(x.shape)
    b.step("rearrange_forward", x, y, lengths=x.shape, strides=tuple(strides), offset=offset)
    return y


def _either(b, y, other):
    """Two values, one of which is 0."""
    b.step("accumulate", other, y)
    return y
