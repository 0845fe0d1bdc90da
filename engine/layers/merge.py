"""Layers that join several inputs."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer


class Add(Layer):
    """The sum of any number of inputs of one shape: x_1 (B,N), ..., x_k (B,N) -> y (B,N)"""

    kind = "add"
    keeps_time = True
    inputs = None  # any number

    def output_shape(self, *shapes):
        if len(shapes) < 2 or len(set(shapes)) != 1:
            raise SpecError(f"add wants two or more inputs of one shape, got {shapes}")
        return shapes[0]

    def forward(self, b, p, *xs):
        y = b.copy(xs[0])
        for x in xs[1:]:
            b.step("accumulate", x, y)
        return y, xs

    def backward(self, b, p, saved, dy, wanted):
        return [b.copy(dy) if want else None for want in wanted]
