"""What the function of an operator is given beside its inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from respnet.engine.errors import SpecError
from respnet.engine.onnx.limits import HELD, Limits, array_bytes


@dataclass(frozen=True)
class Call:
    """One run of a node. outputs: how many results it names. run: of the graphs inside it. held:
    bytes of the other values of the run."""

    attributes: Mapping
    opset: int
    outputs: int
    limits: Limits
    run: Callable
    held: int = 0

    def get(self, name: str, default=None):
        return self.attributes.get(name, default)

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name)
        return default if value is None else value.decode("ascii", "replace")

    def room(self, shape, dtype) -> None:
        """Refuse an array of this shape before it is made."""
        size = array_bytes(tuple(shape), np.dtype(dtype).itemsize, self.limits)
        self.limits.check("bytes", self.held + size, HELD)

    def only(self, name: str, *allowed) -> None:
        """Refuse values of an attribute that nothing here computes; the first is the default."""
        value = self.attributes.get(name, allowed[0])
        value = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        if value not in allowed:
            raise SpecError(f"{name}={value!r} is not supported, only {allowed}")

    def axes(self, given, default=None):
        """Axes: an input from opset 13 or 18 on, an attribute before."""
        if given is not None:
            return [int(n) for n in np.atleast_1d(given)]
        return self.attributes.get("axes", default)
