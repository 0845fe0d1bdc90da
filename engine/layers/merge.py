"""Layers that join several inputs. Shapes differ at most in axes of length 1, which repeat."""

from math import nan, prod

from respnet.engine.errors import SpecError
from respnet.engine.layers import moves
from respnet.engine.layers.base import Layer


class Merge(Layer):
    """Base: x_1 (B,...), ..., x_k (B,...) -> y (B,...), number by number.

    A subclass emits ``joined`` of inputs made equal in shape and, below, their gradients.
    """

    inputs = None  # any number

    def output_shape(self, *shapes):
        if len(shapes) < 2:
            raise SpecError(f"{self.kind} wants two or more inputs, got {len(shapes)}")
        return moves.common_shape(self.kind, shapes)

    def forward(self, b, p, *xs):
        shape = self.output_shape(*(x.shape for x in xs))
        equal = [moves.repeated(b, x, shape) for x in xs]
        y, saved = self.joined(b, equal)
        self._pass_masks(b, xs, y)
        return y, (xs, equal, saved)

    @staticmethod
    def _pass_masks(b, xs, y) -> None:
        """A step counts if it does in any input, as in Keras; all inputs must have masks."""
        masks = [b.masks.get(x) for x in xs]
        if any(mask is None for mask in masks):
            return
        mask, *others = [moves.repeated(b, mask, (y.shape[0], 1)) for mask in masks]
        for other in others:
            mask = mask if other is mask else moves.either(b, mask, other)
        b.masks[y] = mask

    def joined(self, b, xs):
        """(y, what the gradients need besides the inputs)"""
        raise NotImplementedError

    def backward(self, b, p, saved, dy, wanted):
        xs, equal, saved = saved
        dxs = self.gradients(b, equal, saved, dy, wanted)
        return [
            dx if dx is None else moves.gathered(b, dx, x.shape)
            for x, dx in zip(xs, dxs, strict=True)
        ]

    def gradients(self, b, xs, saved, dy, wanted) -> list:
        """Of each input, in buffers of their own; None where nobody wants it."""
        raise NotImplementedError


class Add(Merge):
    """y = x_1 + ... + x_k"""

    kind = "add"

    def joined(self, b, xs):
        y = b.copy(xs[0])
        for x in xs[1:]:
            b.step("accumulate", x, y)
        return y, None

    def gradients(self, b, xs, saved, dy, wanted):
        return [b.copy(dy) if want else None for want in wanted]


class Average(Add):
    """y = (x_1 + ... + x_k) / k"""

    kind = "average"

    def joined(self, b, xs):
        total, _ = super().joined(b, xs)
        return moves.scaled(b, total, 1 / len(xs)), None

    def gradients(self, b, xs, saved, dy, wanted):
        return [moves.scaled(b, dy, 1 / len(xs)) if want else None for want in wanted]


class Subtract(Merge):
    """y = x_1 - x_2"""

    kind = "subtract"

    def output_shape(self, *shapes):
        if len(shapes) != 2:
            raise SpecError(f"subtract wants two inputs, got {len(shapes)}")
        return super().output_shape(*shapes)

    def joined(self, b, xs):
        y = moves.scaled(b, xs[1], -1)
        b.step("accumulate", xs[0], y)
        return y, None

    def gradients(self, b, xs, saved, dy, wanted):
        signs = (1, -1)
        return [
            moves.scaled(b, dy, sign) if want else None
            for sign, want in zip(signs, wanted, strict=True)
        ]


class Multiply(Merge):
    """y = x_1 x_2 ... x_k"""

    kind = "multiply"

    def joined(self, b, xs):
        products = [xs[0]]
        for x in xs[1:]:
            products.append(moves.product(b, products[-1], x))
        return products[-1], products

    def gradients(self, b, xs, products, dy, wanted):
        """From the last factor to the first: dy times the product of the others."""
        dxs, d = [None] * len(xs), dy
        for i in range(len(xs) - 1, 0, -1):
            if wanted[i]:
                dxs[i] = moves.product(b, d, products[i - 1])
            if any(wanted[:i]):
                d = moves.product(b, d, xs[i])
        dxs[0] = d if wanted[0] else None
        return dxs


class Maximum(Merge):
    """The largest of x_1 ... x_k; equal ones share the gradient, two by two"""

    kind = "maximum"

    def joined(self, b, xs):
        best = [xs[0]]
        for x in xs[1:]:
            best.append(b.buffer(x.shape))
            b.step(f"{self.kind}_forward", best[-2], x, best[-1])
        return best[-1], best

    def gradients(self, b, xs, best, dy, wanted):
        dxs, d = [None] * len(xs), dy
        for i in range(len(xs) - 1, 0, -1):
            if wanted[i]:
                dxs[i] = self._share(b, xs[i], best[i - 1], d)
            if any(wanted[:i]):
                d = self._share(b, best[i - 1], xs[i], d)
        dxs[0] = d if wanted[0] else None
        return dxs

    def _share(self, b, x, other, dy):
        dx = b.buffer(x.shape)
        b.step(f"{self.kind}_backward", x, other, dy, dx)
        return dx


class Minimum(Maximum):
    """The smallest of x_1 ... x_k"""

    kind = "minimum"


class Concatenate(Layer):
    """Inputs one after the other along an axis; the other axes are equal.

    axis: as in Keras, where axis 0 is the batch: 1 is the first axis of a row.
    """

    kind = "concatenate"
    inputs = None
    defaults = {"axis": -1}

    def check(self):
        axis = self.config["axis"]
        if not isinstance(axis, int) or axis == 0:
            raise SpecError(f"concatenate axis must be a whole number, not 0, got {axis!r}")

    def _axis(self, shapes) -> int:
        """The axis within a row."""
        axis, rank = self.config["axis"], len(shapes[0])
        place = axis - 1 if axis > 0 else rank + axis
        if not 0 <= place < rank:
            raise SpecError(f"concatenate has no axis {axis} in rows of shape {shapes[0]}")
        return place

    def output_shape(self, *shapes):
        if len(shapes) < 2:
            raise SpecError(f"concatenate wants two or more inputs, got {len(shapes)}")
        axis = self._axis(shapes)
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len({len(shape) for shape in shapes}) != 1 or len(others) != 1:
            raise SpecError(f"concatenate wants shapes equal but for axis {axis + 1}, got {shapes}")
        lengths = [shape[axis] for shape in shapes]
        total = None if None in lengths else sum(lengths)
        return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])

    def forward(self, b, p, *xs):
        axis = self._axis([x.shape for x in xs])
        y = xs[0]
        for x in xs[1:]:
            y = self._both(b, y, x, axis)
        self._pass_masks(b, xs, y, axis)
        return y, [x.shape for x in xs]

    @staticmethod
    def _both(b, x, y, axis):
        length = x.shape[axis] + y.shape[axis]
        z = b.buffer((*x.shape[:axis], length, *x.shape[axis + 1 :]))
        b.step("concatenate", x, y, z, places=prod(x.shape[:axis]))
        return z

    def _pass_masks(self, b, xs, y, axis) -> None:
        """Along time masks are joined like the inputs; along others a step counts if it does in
        any input. Inputs without a mask count everywhere, as in Keras.
        """
        masks = [b.masks.get(x) for x in xs]
        if all(mask is None for mask in masks) or (axis > 0 and None in masks):
            return
        mask, *others = [m or self._all(b, x) for m, x in zip(masks, xs, strict=True)]
        for other in others:
            mask = self._both(b, mask, other, 0) if axis == 0 else moves.either(b, mask, other)
        b.masks[y] = mask

    @staticmethod
    def _all(b, x):
        """A mask of ones for the steps of x: nothing is equal to NaN."""
        ones = b.buffer((x.shape[0], 1))
        b.step("compute_mask", x, ones, value=nan)
        return ones

    def backward(self, b, p, saved, dy, wanted):
        axis, dxs = self._axis(saved), []
        places = prod(saved[0][:axis])
        while len(saved) > 1:
            *left, shape = saved
            before = sum(s[axis] for s in left)
            rest = None
            if any(wanted[: len(left)]):
                rest = b.buffer((*shape[:axis], before, *shape[axis + 1 :]))
            dx = b.buffer(shape) if wanted[len(left)] else None
            if rest or dx:
                width = before * prod(shape[axis + 1 :])
                b.step("split", dy, rest, dx, places=places, width=width)
            dxs.append(dx)
            saved, dy = left, rest
        return [dy, *reversed(dxs)]
