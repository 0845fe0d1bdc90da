"""Windows that slide over images: their arguments, pads and the places they yield.

Padding as Keras and TensorFlow have it: ``valid`` none; ``same`` so much that ceil(places / stride)
places come out, the odd zero behind; ``causal`` (sequences) all of it in front.
"""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer

PADDINGS = ("valid", "same")


def lengths(value, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """An integer for all axes, or one for each, as (rows, columns)."""
    values = (value,) * axes if isinstance(value, int) else value
    whole = isinstance(values, (list, tuple)) and all(
        isinstance(n, int) and not isinstance(n, bool) and n >= least for n in values
    )
    if not whole or len(values) != axes:
        one = "a positive integer" if least else "an integer from 0"
        wanted = one if axes == 1 else f"{one} or {axes} of them"
        raise SpecError(f"{what} must be {wanted}, got {value!r}")
    return (1,) * (2 - axes) + tuple(values)


def image(kind: str, axes: int, shape) -> tuple:
    """(Y, X, C) of rows that have this shape; a sequence is an image of one row."""
    if len(shape) != axes + 1 or shape[-1] is None:
        letters = "(Y, X, C)" if axes == 2 else "(T, C)"
        raise SpecError(f"{kind} wants rows of shape {letters}, got {tuple(shape)}")
    return (1,) * (2 - axes) + tuple(shape)


class Windowed(Layer):
    """Base of layers with a window: over (Y,X,C), or with ``axes`` = 1 over (T,C).

    ``window``: the name of the argument with its lengths.
    """

    axes = 2
    window = "pool_size"
    paddings: tuple[str, ...] = PADDINGS

    def check(self):
        padding = self.config["padding"]
        if padding not in self.paddings:
            wanted = ", ".join(self.paddings)
            raise SpecError(f"{self.kind} padding must be one of {wanted}, got {padding!r}")
        self.size = self._lengths(self.window)
        beside = self.window == "pool_size" and self.config["strides"] is None
        self.strides = self.size if beside else self._lengths("strides")
        self.dilation = self._lengths("dilation_rate") if "dilation_rate" in self.config else (1, 1)

    def _lengths(self, name: str) -> tuple[int, int]:
        return lengths(self.config[name], self.axes, f"{self.kind} {name}")

    def image(self, shape) -> tuple:
        return image(self.kind, self.axes, shape)

    def _reach(self, axis: int) -> int:
        """Places from the first of a window to behind its last."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def _places(self, axis: int, length):
        """(places of the output, pads in front, pads behind) along an axis."""
        stride, reach, padding = self.strides[axis], self._reach(axis), self.config["padding"]
        if length is None:
            return None, 0, 0
        front = behind = 0
        if padding == "same":
            total = max((-(-length // stride) - 1) * stride + reach - length, 0)
            front, behind = total // 2, total - total // 2
        elif padding == "causal" and axis == 1:
            front = reach - 1
        places = (length + front + behind - reach) // stride + 1
        return places, front, behind

    def pads(self, shape) -> tuple[int, int, int, int]:
        """(top, bottom, left, right)"""
        image = self.image(shape)
        return (*self._places(0, image[0])[1:], *self._places(1, image[1])[1:])

    def places(self, shape) -> tuple:
        """Lengths of the output along the axes of the window."""
        image = self.image(shape)
        places = [self._places(axis, image[axis])[0] for axis in (0, 1)]
        if any(n is not None and n < 1 for n in places):
            window = tuple(self._reach(axis) for axis in (0, 1))[-self.axes :]
            raise SpecError(
                f"{self.kind} with a window of {window} does not fit into rows of shape "
                f"{tuple(shape)}"
            )
        return tuple(places[-self.axes :])
