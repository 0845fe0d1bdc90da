"""Layers that change pictures at random while a network trains."""

from math import isfinite, pi

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer
from respnet.engine.layers.dropout import check_seed
from respnet.engine.warping import FILL_MODES

# mode -> the axes (0: Y, 1: X) that may be turned round
INTERPOLATIONS = ("bilinear", "nearest")
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


class _Warp(Layer):
    """Base: each picture (Y,X,C) moved or turned by chance while a network trains."""

    shared = {
        "fill_mode": "reflect",
        "interpolation": "bilinear",
        "fill_value": 0.0,
        "seed": None,
    }

    def check(self):
        c = self.config
        for name, known in (("fill_mode", FILL_MODES), ("interpolation", INTERPOLATIONS)):
            if c[name] not in known:
                wanted = ", ".join(known)
                raise SpecError(f"{self.kind} {name} must be one of {wanted}, got {c[name]!r}")
        if not _is_number(c["fill_value"]):
            raise SpecError(f"{self.kind} fill_value must be a number, got {c['fill_value']!r}")
        check_seed(self.kind, c["seed"])
        for name in self.factors:
            self._range(name)

    def _range(self, name: str) -> tuple[float, float]:
        """(least, most) of a factor: one number f is (-f, f)."""
        given = self.config[name]
        pair = (-given, given) if _is_number(given) and given >= 0 else given
        fits = isinstance(pair, (list, tuple)) and len(pair) == 2 and all(map(_is_number, pair))
        if not fits or not -1 <= pair[0] <= pair[1] <= 1:
            raise SpecError(
                f"{self.kind} {name} must be a number from 0 to 1, or two of -1 to 1 in order, "
                f"got {given!r}"
            )
        return tuple(map(float, pair))

    def output_shape(self, shape):
        if len(shape) != 3:
            raise SpecError(f"{self.kind} wants pictures of shape (Y, X, C), got {shape}")
        return shape

    def ranges(self, shape) -> list[tuple[float, float]]:
        """(least, most) of places down, places to the right, and the angle."""
        raise NotImplementedError

    def forward(self, b, p, x):
        if not b.training:
            return x, None
        draws, y, c = b.buffer((3,)), b.buffer(x.shape), self.config
        b.step("uniform", x, draws, units=3, salt=b.salt(), seed=c["seed"])
        lows, highs = zip(*self.ranges(x.shape), strict=True)
        how = {"fill_mode": c["fill_mode"], "fill_value": float(c["fill_value"])}
        how |= {"lows": lows, "highs": highs, "smooth": c["interpolation"] == "bilinear"}
        b.step("warp_forward", x, draws, y, **how)
        return y, (draws, how)

    def backward(self, b, p, saved, dy, wanted):
        if not wanted[0] or saved is None:
            return [dy if wanted[0] else None]
        dx, (draws, how) = b.buffer(dy.shape), saved
        b.step("warp_backward", dy, draws, dx, **how)
        return [dx]


class RandomTranslation(_Warp):
    """x (B,Y,X,C) moved by parts of the height and width between the factors; above 0 down, right

    fill_mode: what comes in from outside: reflect (d c b a|a b c d), wrap, nearest or constant.
    """

    kind = "random_translation"
    factors = ("height_factor", "width_factor")
    defaults = {"height_factor": None, "width_factor": None, **_Warp.shared}

    def ranges(self, shape):
        pairs = zip(self.factors, shape[:2], strict=True)
        return [*([n * f for f in self._range(name)] for name, n in pairs), (0.0, 0.0)]


class RandomRotation(_Warp):
    """x (B,Y,X,C) turned by a part of a whole turn between the factors; above 0: anticlockwise"""

    kind = "random_rotation"
    factors = ("factor",)
    defaults = {"factor": None, **_Warp.shared}

    def ranges(self, shape):
        return [(0.0, 0.0), (0.0, 0.0), [2 * pi * f for f in self._range("factor")]]


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


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
